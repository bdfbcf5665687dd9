import { useQuery } from "@tanstack/react-query";
import type { Schema } from "../../api/client.ts";
import { runOutputs, taskHref } from "../../api/run.ts";
import { useT } from "../../i18n/index.tsx";
import { instanceName } from "../../kit/instance.ts";
import { Empty, Loaded, Panel } from "../../kit/panel.tsx";
import { When } from "../../kit/time.tsx";
import { Anchor } from "../anchor.tsx";
import { Values } from "./values.tsx";

/** What the run put out, and what its tasks did. */
export function OutputsTab({ run }: { run: Schema<"DagRun"> }) {
  const { run: t } = useT();
  const query = useQuery(runOutputs({ dagId: run.dag_id, runId: run.dag_run_id }));
  const own = Object.entries((run.outputs ?? {}) as Record<string, unknown>);
  return (
    <div className="run-body">
      <Panel title={t.outputs_of_run}>{own.length === 0 ? <p className="pad muted">{t.no_run_outputs}</p> : <Values entries={own} />}</Panel>
      <Panel title={t.outputs_of_tasks} aside={query.data ? query.data.total_entries : ""}>
        <Loaded query={query}>{(page) => (page.xcom_entries.length === 0 ? <Empty title={t.no_outputs} /> : <Entries run={run} entries={page.xcom_entries} />)}</Loaded>
      </Panel>
    </div>
  );
}

function Entries({ run, entries }: { run: Schema<"DagRun">; entries: readonly Schema<"XCom">[] }) {
  const { run: t } = useT();
  return (
    <div className="scroll-x" tabIndex={0}>
      <table className="tbl">
        <thead>
          <tr>
            <th>{t.task}</th>
            <th>{t.name}</th>
            <th>{t.when}</th>
          </tr>
        </thead>
        <tbody>
          {entries.map((entry) => (
            <tr key={`${entry.task_id} ${entry.map_index} ${entry.key}`}>
              <td>
                <Anchor className="id" href={taskHref({ dagId: run.dag_id, runId: run.dag_run_id, taskId: entry.task_id, mapIndex: entry.map_index })}>
                  {instanceName(entry.task_id, entry.rendered_map_index)}
                </Anchor>
              </td>
              <td className="mono">{entry.key}</td>
              <td>
                <When at={entry.timestamp} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
