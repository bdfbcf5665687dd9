import { useQuery } from "@tanstack/react-query";
import { api, ok } from "../../api/client.ts";
import { uiConfig } from "../../api/queries.ts";
import { useT } from "../../i18n/index.tsx";
import { Loaded, Panel } from "../../kit/panel.tsx";
import { State } from "../../kit/state.tsx";
import { Ago } from "../../kit/time.tsx";

/** Each part of the system: whether it is well, and when it was heard of. */
export function Health() {
  const { admin } = useT();
  const { data: config } = useQuery(uiConfig());
  const query = useQuery({ queryKey: ["admin", "health"], queryFn: ({ signal }) => ok(api.GET("/api/v2/monitor/health", { signal })) });
  return (
    <Panel title={admin.parts.health} aside={config?.version && `Mainspring ${config.version}`}>
      <Loaded query={query}>
        {(health) => (
          <table className="tbl">
            <tbody>
              {Object.entries(health).map(([name, facts]) => (
                <Service key={name} name={admin.services[name] ?? name} facts={facts as Record<string, unknown>} />
              ))}
            </tbody>
          </table>
        )}
      </Loaded>
    </Panel>
  );
}

function Service({ name, facts }: { name: string; facts: Record<string, unknown> }) {
  const { admin } = useT();
  const status = facts["status"];
  const beat = Object.entries(facts).find(([key, value]) => key.startsWith("latest_") && typeof value === "string")?.[1];
  const word = status === "healthy" ? admin.healthy : status === null || status === undefined ? admin.not_used : admin.unhealthy;
  const state = status === "healthy" ? "success" : status === null || status === undefined ? "skipped" : "failed";
  return (
    <tr>
      <td>
        <b>{name}</b>
      </td>
      <td>
        <State state={state} word={word} />
      </td>
      <td className="num">{typeof facts["alive"] === "number" && facts["alive"]}</td>
      <td className="num dim">{typeof beat === "string" && <Ago at={beat} />}</td>
    </tr>
  );
}
