import { useQuery } from "@tanstack/react-query";
import { dagVersions, schedule } from "../../api/dag.ts";
import { dagRuns } from "../../api/lists.ts";
import { useT } from "../../i18n/index.tsx";
import { Empty, Loaded, Panel } from "../../kit/panel.tsx";
import { RunTable } from "../runs/table.tsx";
import { NextRuns } from "./next_runs.tsx";
import { Versions } from "./versions.tsx";

export function GridTab({ dagId }: { dagId: string }) {
  const { dag: t } = useT();
  const runs = useQuery(dagRuns(dagId, undefined, 24));
  const next = useQuery(schedule(dagId, 5));
  const versions = useQuery(dagVersions(dagId, 3));
  return (
    <div className="lay-two">
      <div className="stack" style={{ gap: "16px" }}>
        <Panel title={t.latest_runs}>
          <Loaded query={runs} rows={6}>
            {(data) =>
              data.dag_runs.length ? (
                <RunTable runs={data.dag_runs} isOneDag />
              ) : (
                <Empty title={t.no_runs}>
                  <p>{t.no_runs_text}</p>
                </Empty>
              )
            }
          </Loaded>
        </Panel>
      </div>
      <div className="stack" style={{ gap: "16px" }}>
        <NextRuns query={next} />
        <Versions dagId={dagId} query={versions} />
      </div>
    </div>
  );
}
