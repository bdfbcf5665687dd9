import { useQuery } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import type { Schema } from "../../api/client.ts";
import { instances, taskHref } from "../../api/run.ts";
import { useT } from "../../i18n/index.tsx";
import { Button } from "../../kit/button.tsx";
import { Empty, Loaded, Panel } from "../../kit/panel.tsx";
import { useSearchChange } from "../search_change.ts";
import { InstanceTable, STATES } from "./instance_table.tsx";

const STEP = 100;

/** The task instances of the run, filtered by the server. */
export function TasksTab({ run }: { run: Schema<"DagRun"> }) {
  const { run: t, common } = useT();
  const search: { state?: string; show?: number } = useSearch({ strict: false });
  const limit = search.show ?? STEP;
  const query = useQuery(instances({ dagId: run.dag_id, runId: run.dag_run_id }, search.state, limit));
  const change = useSearchChange();
  const total = query.data?.total_entries ?? 0;
  return (
    <Panel title={t.tab_tasks} aside={query.data ? total : ""} actions={<StateFilter value={search.state ?? ""} onChange={(state) => change({ state: state || undefined })} />}>
      <Loaded query={query} rows={8}>
        {(page) =>
          page.task_instances.length === 0 ? (
            <Empty title={search.state ? common.nothing_fits(search.state) : t.not_started} />
          ) : (
            <>
              <InstanceTable instances={page.task_instances} hrefOf={(each) => taskHref({ dagId: run.dag_id, runId: run.dag_run_id, taskId: each.task_id, mapIndex: each.map_index })} />
              {total > page.task_instances.length && (
                <p className="pad line-top">
                  <Button onClick={() => change({ show: limit + STEP })}>{common.show_more}</Button>
                </p>
              )}
            </>
          )
        }
      </Loaded>
    </Panel>
  );
}

export function StateFilter({ value, onChange }: { value: string; onChange(state: string): void }) {
  const { run: t, common } = useT();
  return (
    <select className="inp small" aria-label={t.filter_state} value={value} onChange={(event) => onChange(event.target.value)}>
      <option value="">{t.all_states}</option>
      {STATES.map((state) => (
        <option key={state} value={state}>
          {common.states[state]}
        </option>
      ))}
    </select>
  );
}
