import { Link } from "@tanstack/react-router";
import type { Schema } from "../../api/client.ts";
import { useT } from "../../i18n/index.tsx";
import { Checkbox } from "../../kit/field.tsx";
import { State, useReason } from "../../kit/state.tsx";
import { Took, When } from "../../kit/time.tsx";
import { type Selection, keyOf } from "./selection.ts";

type Run = Schema<"DagRun">;

interface Props {
  runs: readonly Run[];
  selection?: Selection | undefined;
  /** Whether all rows are of one DAG, whose name is left out then. */
  isOneDag?: boolean;
}

export function RunTable({ runs, selection, isOneDag = false }: Props) {
  const { lists } = useT();
  const { columns } = lists;
  const chosen = selection ? runs.filter((run) => selection.has(run)).length : 0;
  return (
    <div className="scroll-x">
      <table className="tbl runs">
        <thead>
          <tr>
            {selection && (
              <th className="check">
                <Checkbox label={lists.select_all} checked={chosen > 0 && chosen === runs.length} some={chosen > 0 && chosen < runs.length} onChange={(on) => selection.set(runs, on)} />
              </th>
            )}
            <th>{columns.state}</th>
            {!isOneDag && <th>{columns.dag}</th>}
            <th>{columns.after}</th>
            <th className="num">{columns.took}</th>
            <th className="hide-s">{columns.type}</th>
            <th className="num hide-s">{columns.version}</th>
            <th className="hide-s hide-m">{columns.by}</th>
            <th className="hide-s hide-m fill">{columns.note}</th>
          </tr>
        </thead>
        <tbody>
          {runs.map((run) => (
            <Row key={keyOf(run)} run={run} selection={selection} isOneDag={isOneDag} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ run, selection, isOneDag }: { run: Run; selection: Selection | undefined; isOneDag: boolean }) {
  const { lists, common } = useT();
  const reason = useReason();
  const note = run.note || common.said(run.message ?? "");
  const params = { dagId: run.dag_id, runId: run.dag_run_id };
  return (
    <tr className={selection?.has(run) ? "sel" : ""}>
      {selection && (
        <td className="check">
          <Checkbox label={lists.select_run(run.dag_run_id)} checked={selection.has(run)} onChange={(on) => selection.set([run], on)} />
        </td>
      )}
      <td>
        <Link to="/dags/$dagId/runs/$runId" params={params} title={reason(run.state_reason)}>
          <State state={run.state} />
        </Link>
        {run.state === "success" && run.tasks_failed > 0 && <span className="muted"> {lists.failures_allowed(run.tasks_failed)}</span>}
      </td>
      {!isOneDag && (
        <td>
          <Link className="id" to="/dags/$dagId" params={{ dagId: run.dag_id }}>
            {run.dag_id}
          </Link>
        </td>
      )}
      <td>
        <Link className="l" to="/dags/$dagId/runs/$runId" params={params} title={run.dag_run_id}>
          <span className="hide-s">
            <When at={run.run_after} long />
          </span>
          <span className="only-s">
            <When at={run.run_after} />
          </span>
        </Link>
      </td>
      <td className="num">
        <Took seconds={run.duration} from={run.state === "running" ? run.start_date : null} />
      </td>
      <td className="hide-s muted">{common.run_types[run.run_type] ?? run.run_type}</td>
      <td className="num hide-s muted">{run.dag_versions.at(-1) && `v${run.dag_versions.at(-1)?.version_number}`}</td>
      <td className="hide-s hide-m muted">{run.triggering_user_name}</td>
      <td className="hide-s hide-m muted clip" title={note}>
        {note}
      </td>
    </tr>
  );
}
