import { Link, useParams } from "@tanstack/react-router";
import { useEffect } from "react";
import type { Schema } from "../../api/client.ts";
import { useT } from "../../i18n/index.tsx";
import { Empty, Panel } from "../../kit/panel.tsx";
import { Tabs } from "../../kit/tabs.tsx";
import { useSession } from "../session.tsx";
import { Audit } from "./audit.tsx";
import { Health } from "./health.tsx";
import { ResourceTable } from "./resource.tsx";
import { connections, pools, secrets, tokens, users, variables, workers } from "./resources.tsx";

const TABLES = { pools, workers, variables, connections, secrets, users, tokens };
const PARTS = ["health", "pools", "workers", "variables", "connections", "secrets", "users", "tokens", "audit"] as const;

/** Who sees a part, and who changes what is in it. */
const READERS: Partial<Record<string, Schema<"Role">>> = { connections: "author", secrets: "author", users: "admin", audit: "admin" };
const WRITERS: Partial<Record<string, Schema<"Role">>> = { pools: "author", variables: "author", connections: "author", secrets: "author", users: "admin" };

export function AdminPage() {
  const { admin, common } = useT();
  const session = useSession();
  const { part = "health" } = useParams({ strict: false }) as { part?: string };
  const shown = PARTS.filter((each) => session.may(READERS[each] ?? "viewer"));
  const title = (admin.parts as Record<string, string>)[part];
  useEffect(() => void (document.title = `${title ?? common.admin} · Mainspring`), [title, common]);
  return (
    <>
      <div className="head">
        <h1>{common.admin}</h1>
      </div>
      <Tabs label={common.admin} current={part}>
        {shown.map((each) => (
          <Link key={each} to="/admin/$part" params={{ part: each }} {...(each === part ? { "aria-current": "page" as const } : {})}>
            {admin.parts[each]}
          </Link>
        ))}
      </Tabs>
      <Part part={shown.some((each) => each === part) ? part : ""} />
    </>
  );
}

function Part({ part }: { part: string }) {
  const t = useT();
  const session = useSession();
  if (part === "health") return <Health />;
  if (part === "audit") return <Audit />;
  if (part in TABLES) {
    const table = TABLES[part as keyof typeof TABLES](t);
    return <ResourceTable key={part} resource={table as Parameters<typeof ResourceTable>[0]["resource"]} mayChange={session.may(WRITERS[part] ?? "viewer")} />;
  }
  return (
    <Panel>
      <Empty title={t.common.not_found} />
    </Panel>
  );
}
