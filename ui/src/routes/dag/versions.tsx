import type { ReactNode } from "react";
import type { Schema } from "../../api/client.ts";
import { useT } from "../../i18n/index.tsx";
import { Loaded, Panel } from "../../kit/panel.tsx";
import { Ago } from "../../kit/time.tsx";
import { Anchor } from "../anchor.tsx";

interface Props {
  dagId: string;
  query: { data: Schema<"DagVersionCollection"> | undefined; error: unknown; refetch: () => unknown };
  /** The version that the chosen run ran. */
  chosen?: number | undefined;
  /** Below the table. */
  children?: ReactNode;
}

type Version = Schema<"DagVersion"> & { summary?: string | null; created_by?: string | null; run_count?: number };

export function Versions({ dagId, query, chosen, children }: Props) {
  const { dag: t, common } = useT();
  return (
    <Panel title={t.versions} aside={t.versions_text}>
      <Loaded query={query}>
        {(data) => (
          <table className="tbl">
            <tbody>
              {(data.dag_versions as Version[]).map((version, index, all) => (
                <tr key={version.version_number} className={version.version_number === chosen ? "sel" : ""}>
                  <td>
                    <Anchor className="id" href={`/dags/${encodeURIComponent(dagId)}/definition?version=${version.version_number}`}>
                      v{version.version_number}
                    </Anchor>
                  </td>
                  <td className="fill clip">{version.summary && common.said(version.summary)}</td>
                  <td className="muted hide-s">
                    {version.created_by ? `${version.created_by}, ` : ""}
                    <Ago at={version.created_at} />
                  </td>
                  {version.run_count !== undefined && <td className="num">{t.version_runs(version.run_count)}</td>}
                  <td className="num">
                    {all[index + 1] && (
                      <Anchor className="l small" href={`/dags/${encodeURIComponent(dagId)}/versions/${all[index + 1]?.version_number}...${version.version_number}`}>
                        {t.compare}
                      </Anchor>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Loaded>
      {children}
    </Panel>
  );
}
