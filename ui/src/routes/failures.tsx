import { Link, useRouter } from "@tanstack/react-router";
import { useEffect } from "react";
import { useT } from "../i18n/index.tsx";
import { Button } from "../kit/button.tsx";
import { copyText } from "../kit/copy.ts";
import { Empty } from "../kit/panel.tsx";
import { Glyph } from "../kit/state.tsx";

export function NotFoundPage() {
  const { common } = useT();
  return (
    <main className="page-failed" id="main">
      <Empty title={common.page_not_found}>
        <Link className="btn" to="/">
          {common.home}
        </Link>
      </Empty>
    </main>
  );
}

const RELOADED = "mainspring.reloaded";

/** A part of the page that the server no longer has: it serves a newer build. Loading the page once more gets it. */
const isOldBuild = (error: unknown) => error instanceof Error && /dynamically imported module|Importing a module script|error loading dynamically/i.test(error.message);

export function RouteFailure({ error }: { error: unknown }) {
  const { common } = useT();
  const router = useRouter();
  useEffect(() => {
    if (!isOldBuild(error)) return;
    const latest = Number(sessionStorage.getItem(RELOADED));
    if (Date.now() - latest < 30_000) return;
    sessionStorage.setItem(RELOADED, String(Date.now()));
    location.reload();
  }, [error]);
  const text = error instanceof Error ? error.message : String(error);
  return (
    <div className="page-failed">
      <Empty icon={<Glyph state="failed" large />} title={isOldBuild(error) ? common.new_build : common.page_failed}>
        <p className="anywhere">{text}</p>
        <span className="row">
          <Button onClick={() => (isOldBuild(error) ? location.reload() : void router.invalidate())}>{isOldBuild(error) ? common.reload : common.try_now}</Button>
          <Button bare onClick={() => void copyText(`${text}\n${error instanceof Error ? error.stack : ""}\n${location.href}`)}>
            {common.copy_details}
          </Button>
        </span>
      </Empty>
    </div>
  );
}
