import { useQuery } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import type { Schema } from "../../api/client.ts";
import { mappedInstances, runHref, taskHref, timeline, type TaskAddress } from "../../api/run.ts";
import { useT } from "../../i18n/index.tsx";
import { Button, Chip } from "../../kit/button.tsx";
import { Empty, Loaded, Panel } from "../../kit/panel.tsx";
import { Badge, Glyph, useStateWord } from "../../kit/state.tsx";
import { useClock } from "../../kit/time.tsx";
import { moment } from "../../time/format.ts";
import { Anchor } from "../anchor.tsx";
import { useSearchChange } from "../search_change.ts";
import { InstanceTable } from "../run/instance_table.tsx";
import { summaries } from "../run/states.ts";

const STEP = 100;

/** The instances of a mapped task: how many in which state, and a table filtered by state. */
export function MappedInstances({ run, task }: { run: Schema<"DagRun">; task: TaskAddress }) {
  const { task: t, common } = useT();
  const clock = useClock();
  const search: { state?: string; show?: number } = useSearch({ strict: false });
  const limit = search.show ?? STEP;
  const times = useQuery(timeline(task));
  const summary = times.data ? summaries(times.data).get(task.taskId) : undefined;
  const query = useQuery(mappedInstances(task, search.state, limit));
  const change = useSearchChange();
  const total = query.data?.total_entries ?? 0;
  return (
    <>
      <div className="head">
        <div>
          <h1 className="row wrap anywhere">
            {task.taskId} {summary && <Badge state={summary.state} />}
          </h1>
          <p className="facts small">
            <span>
              {t.of_run}{" "}
              <Anchor className="l" href={runHref(task)}>
                {moment(clock, Date.parse(run.run_after))}
              </Anchor>
              , v{run.dag_versions[0]?.version_number}
            </span>
          </p>
        </div>
      </div>
      <Panel title={t.instances} aside={query.data ? total : ""} actions={<States counts={summary?.counts ?? {}} chosen={search.state} onChange={(state) => change({ state })} />}>
        <Loaded query={query} rows={8}>
          {(page) =>
            page.task_instances.length === 0 ? (
              <Empty title={search.state ? common.nothing_fits(search.state) : t.no_instances} />
            ) : (
              <>
                <InstanceTable isMapped instances={page.task_instances} hrefOf={(each) => taskHref({ ...task, mapIndex: each.map_index })} />
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
    </>
  );
}

/** A filter a state, with the counts of the server. */
function States({ counts, chosen, onChange }: { counts: Readonly<Record<string, number>>; chosen: string | undefined; onChange(state: string | undefined): void }) {
  const word = useStateWord();
  const states = Object.entries(counts).filter(([, number]) => number > 0);
  if (chosen !== undefined && !states.some(([state]) => state === chosen)) states.push([chosen, 0]);
  return (
    <span className="row wrap">
      {states.map(([state, number]) => (
        <Chip key={state} on={state === chosen} onClick={() => onChange(state === chosen ? undefined : state)}>
          <Glyph state={state} />
          {word(state)} <span className="n">{number}</span>
        </Chip>
      ))}
    </span>
  );
}
