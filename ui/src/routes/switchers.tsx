/** What the breadcrumb's parts offer instead of themselves: other DAGs, runs and tasks. Loaded when a menu opens. */
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { dagRuns } from "../api/lists.ts";
import { DAGS_PAGE, overview } from "../api/queries.ts";
import { type RunAddress, runHref, timeline } from "../api/run.ts";
import { useT } from "../i18n/index.tsx";
import { MenuLine, MenuLink } from "../kit/menu.tsx";
import { Failure, Loading } from "../kit/panel.tsx";
import { Glyph, useStateWord } from "../kit/state.tsx";
import { useClock } from "../kit/time.tsx";
import { moment } from "../time/format.ts";
import { Anchor } from "./anchor.tsx";
import { summaries } from "./run/states.ts";

const RUNS_MAX = 25;
const TASKS_MAX = 100;

interface ChoiceProps {
  href: string;
  state: string | null | undefined;
  isCurrent: boolean;
  children: ReactNode;
}

function Choice({ href, state, isCurrent, children }: ChoiceProps) {
  const word = useStateWord();
  return (
    <MenuLink render={<Anchor href={href} {...(isCurrent ? { "aria-current": "true" as const } : {})} />}>
      <Glyph state={state} />
      <span className="cut grow">{children}</span>
      <span className="vh">, {word(state)}</span>
    </MenuLink>
  );
}

/** What the menu does not list is one click further. */
function More({ href, children }: { href: string; children: ReactNode }) {
  return (
    <>
      <MenuLine />
      <MenuLink render={<Anchor href={href} />}>{children}</MenuLink>
    </>
  );
}

function Loaded<Data>({ query, children }: { query: { data: Data | undefined; error: unknown; refetch: () => unknown }; children(data: Data): ReactNode }) {
  if (query.data !== undefined) return <>{children(query.data)}</>;
  return query.error ? <Failure error={query.error} retry={() => void query.refetch()} /> : <Loading rows={3} />;
}

/** The DAGs as Home sorts them: those that fail first. `tab` stays the same. */
export function DagChoices({ dagId, tab }: { dagId: string; tab: string }) {
  const { common } = useT();
  const query = useQuery(overview({ limit: DAGS_PAGE }));
  return (
    <Loaded query={query}>
      {({ dags, total_entries: total }) => (
        <>
          {dags.map((dag) => (
            <Choice key={dag.dag_id} href={`/dags/${encodeURIComponent(dag.dag_id)}${tab}`} state={dag.is_paused ? "paused" : dag.state} isCurrent={dag.dag_id === dagId}>
              {dag.dag_id}
            </Choice>
          ))}
          {total > dags.length && <More href="/">{common.all_of(total)}</More>}
        </>
      )}
    </Loaded>
  );
}

/** The latest runs of the DAG, latest first. `rest`: the part of the address below the run, which stays the same. */
export function RunChoices({ run, rest }: { run: RunAddress; rest: string }) {
  const { common } = useT();
  const clock = useClock();
  const query = useQuery(dagRuns(run.dagId, undefined, RUNS_MAX));
  return (
    <Loaded query={query}>
      {({ dag_runs: runs, total_entries: total }) => (
        <>
          {runs.map((each) => (
            <Choice key={each.dag_run_id} href={`${runHref({ dagId: run.dagId, runId: each.dag_run_id })}${rest}`} state={each.state} isCurrent={each.dag_run_id === run.runId}>
              {moment(clock, Date.parse(each.run_after))} <span className="dim small">{common.run_types[each.run_type] ?? each.run_type}</span>
            </Choice>
          ))}
          {total > runs.length && <More href={`/dags/${encodeURIComponent(run.dagId)}/runs`}>{common.all_of(total)}</More>}
        </>
      )}
    </Loaded>
  );
}

/** The tasks of the run, in the order of the definition. */
export function TaskChoices({ run, taskId, rest }: { run: RunAddress; taskId: string; rest: string }) {
  const { common } = useT();
  const query = useQuery(timeline(run));
  return (
    <Loaded query={query}>
      {(answer) => {
        const tasks = [...summaries(answer).values()];
        return (
          <>
            {tasks.slice(0, TASKS_MAX).map((task) => (
              <Choice key={task.taskId} href={`${runHref(run)}/tasks/${encodeURIComponent(task.taskId)}${rest}`} state={task.state} isCurrent={task.taskId === taskId}>
                {task.taskId}
              </Choice>
            ))}
            {tasks.length > TASKS_MAX && <More href={`${runHref(run)}/tasks`}>{common.all_of(tasks.length)}</More>}
          </>
        );
      }}
    </Loaded>
  );
}
