import type { Schema } from "../../api/client.ts";
import { Glyph } from "../../kit/state.tsx";

const SHOWN_MAX = 100;

/** The instances that a dry run lists, by name and state; the run only where there are several. */
export function InstanceList({ instances }: { instances: readonly Schema<"TaskInstance">[] }) {
  const hasRuns = new Set(instances.map((each) => each.dag_run_id)).size > 1;
  const rest = instances.length - SHOWN_MAX;
  return (
    <ul className="dry">
      {instances.slice(0, SHOWN_MAX).map((each) => (
        <li key={`${each.dag_run_id} ${each.task_id} ${each.map_index}`} className="row">
          <Glyph state={each.state} />
          <span className="cut">
            {each.task_id}
            {each.map_index >= 0 && ` [${each.rendered_map_index}]`}
            {hasRuns && <span className="dim"> {each.dag_run_id}</span>}
          </span>
        </li>
      ))}
      {rest > 0 && <li className="dim">+ {rest}</li>}
    </ul>
  );
}
