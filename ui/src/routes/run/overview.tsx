import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo } from "react";
import type { Schema } from "../../api/client.ts";
import { definition, explainRun, taskHref } from "../../api/run.ts";
import { graphOfTasks, neighbours, type DagGraph, type DagGroup } from "../../graph/dag.ts";
import { useLanguage, useT } from "../../i18n/index.tsx";
import { useKeys } from "../../keys/keys.ts";
import { Panel, Loaded } from "../../kit/panel.tsx";
import { useStateWord } from "../../kit/state.tsx";
import { useNow } from "../../kit/time.tsx";
import { duration } from "../../time/format.ts";
import type { TimelineAnswer } from "../../timeline/rows.ts";
import { useSearchChange } from "../search_change.ts";
import { Blockers } from "../task/explain.tsx";
import { GraphPanel, type GraphPanelView } from "./graph_panel.tsx";
import { durationsOf } from "./durations.ts";
import { isActive, nodeStates, summaries, type TaskSummary } from "./states.ts";
import { TaskPanel } from "./task_panel.tsx";
import { TimelinePanel } from "./timeline_panel.tsx";

type Run = Schema<"DagRun">;

interface Props {
  run: Run;
  times: { data: TimelineAnswer | undefined; error: unknown; refetch: () => unknown };
}

/** The graph of the version that ran, when each task ran, and the task that is chosen. */
export function RunOverview({ run, times }: Props) {
  const version = run.dag_versions[0]?.version_number;
  const sent = useQuery(definition(run.dag_id, version));
  return (
    <Loaded query={sent} rows={6}>
      {(content) => <Overview run={run} times={times} graph={graphOf(content as Schema<"Definition">)} version={version} />}
    </Loaded>
  );
}

const graphs = new WeakMap<object, DagGraph>();

/** The graph of a definition; one definition has one graph, so that nothing is laid out twice. */
export function graphOf(content: Schema<"Definition">): DagGraph {
  const known = graphs.get(content);
  if (known) return known;
  const graph = graphOfTasks(content.tasks as never, (content.default_args as { trigger_rule?: string } | undefined)?.trigger_rule, groupsOf(content));
  graphs.set(content, graph);
  return graph;
}

/** The groups that a definition without groups names beside its tasks. */
function groupsOf(content: Schema<"Definition">): DagGroup[] {
  const groups = (content as { "x-groups"?: Record<string, { group_display_name: string | null; task_ids: string[] }> })["x-groups"];
  return Object.entries(groups ?? {}).map(([id, group]) => ({ id, label: group.group_display_name ?? id, tasks: group.task_ids }));
}

function Overview({ run, times, graph, version }: Props & { graph: DagGraph; version: number | undefined }) {
  const { run: t } = useT();
  const search: { task?: string; try?: number; view?: GraphPanelView } = useSearch({ strict: false });
  const choice = useChoice(run, times.data, search);
  const next = useMemo(() => neighbours(graph), [graph]);
  const tasks = useMemo(() => (times.data ? summaries(times.data) : new Map<string, TaskSummary>()), [times.data]);
  const states = useNodeStates(graph, tasks);
  // What runs grows on the drawing every five seconds.
  const now = useNow(isActive(run.state) ? 5 : 86_400);
  const durations = useMemo(() => durationsOf(tasks, times.data?.medians ?? {}, now), [tasks, times.data, now]);
  const { chosen } = choice;
  const address = { dagId: run.dag_id, runId: run.dag_run_id };
  return (
    <div className="run-body">
      <GraphPanel graph={graph} version={version} states={states} durations={durations} chosen={chosen} isDimming={search.task !== undefined} view={search.view} hrefOf={(taskId) => taskHref({ ...address, taskId, mapIndex: -1 })} onChoose={choice.choose} onOpen={choice.open} onView={choice.view} />
      <div className="lay-run">
        {run.state === "queued" ? <WhyQueued run={run} /> : <TimelinePanel run={run} times={times} graph={graph} chosen={chosen} onChoose={choice.choose} onOpen={choice.open} />}
        {chosen === null ? (
          <section className="panel first">
            <p className="pad muted">{t.choose_task}</p>
          </section>
        ) : (
          <TaskPanel task={{ ...address, taskId: chosen, mapIndex: -1 }} summary={tasks.get(chosen)} median={times.data?.medians[chosen]} next={next} tryNumber={search.task === chosen ? search.try : undefined} onTry={choice.try} />
        )}
      </div>
    </div>
  );
}

/** Which task is chosen: by the address, else the first that failed, else one that runs. */
function useChoice(run: Run, answer: TimelineAnswer | undefined, search: { task?: string; try?: number }) {
  const navigate = useNavigate();
  const change = useSearchChange();
  const first = answer?.roots[0]?.[0] ?? answer?.instances.find((instance) => instance.state === "running")?.task_id ?? answer?.instances.find((instance) => instance.state === "failed")?.task_id ?? null;
  const chosen = search.task ?? first;
  const open = (taskId: string): void => void navigate({ href: taskHref({ dagId: run.dag_id, runId: run.dag_run_id, taskId, mapIndex: -1 }) });
  useKeys({
    KeyL: () => chosen !== null && open(chosen),
    Enter: () => chosen !== null && open(chosen),
    KeyX: () => chosen !== null && void navigate({ href: `${taskHref({ dagId: run.dag_id, runId: run.dag_run_id, taskId: chosen, mapIndex: -1 })}/explain` }),
  });
  return {
    chosen,
    choose: (taskId: string) => change({ task: taskId, try: undefined }),
    open,
    try: (n: number) => change({ task: chosen ?? undefined, try: n }),
    view: (view: GraphPanelView) => change({ view }),
  };
}

function useNodeStates(graph: DagGraph, tasks: ReadonlyMap<string, TaskSummary>) {
  const { run: t } = useT();
  const { language } = useLanguage();
  const word = useStateWord();
  return useMemo(
    () => nodeStates(graph, tasks, { state: word, duration: (seconds) => duration(language, seconds), tryOf: t.try_n }),
    // The words change with the language only.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [graph, tasks, language],
  );
}

function WhyQueued({ run }: { run: Run }) {
  const { run: t } = useT();
  const query = useQuery(explainRun({ dagId: run.dag_id, runId: run.dag_run_id }));
  return (
    <Panel title={t.why_waits}>
      <Loaded query={query}>{(explanation) => <Blockers explanation={explanation} />}</Loaded>
    </Panel>
  );
}
