import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo, useRef, type ReactNode } from "react";
import { grid as gridQuery } from "../../api/dag.ts";
import type { Schema } from "../../api/client.ts";
import { dagRun, definition, runHref, taskHref, timeline } from "../../api/run.ts";
import type { Grid } from "../../api/shapes.ts";
import { GraphView } from "../../graph/graph_view.tsx";
import { GridLegend, GridView, useColumns } from "../../grid/grid_view.tsx";
import { useLanguage, useT } from "../../i18n/index.tsx";
import { useKeys } from "../../keys/keys.ts";
import { Chip, Segments } from "../../kit/button.tsx";
import { Empty, Loaded, Panel } from "../../kit/panel.tsx";
import { Glyph, useStateWord } from "../../kit/state.tsx";
import { useClock } from "../../kit/time.tsx";
import { duration, moment } from "../../time/format.ts";
import { Anchor } from "../anchor.tsx";
import { Root } from "../run/cause.tsx";
import { graphOf } from "../run/overview.tsx";
import { nodeStates, summaries } from "../run/states.ts";
import { useSearchChange } from "../search_change.ts";
import { Gantt } from "./gantt.tsx";
import "../run/run.css";
import "./dag.css";

type RunType = Schema<"DagRunType">;
const RUN_TYPES: readonly RunType[] = ["scheduled", "manual", "backfill", "operator_triggered", "asset_triggered"];

interface Chosen {
  run: string | null;
  task: string | null;
}

/** The run and task that the address names; a DAG opens at its newest run. */
function useChosen(grid: Grid | undefined): Chosen {
  const search: { run?: string; task?: string } = useSearch({ strict: false });
  return { run: search.run ?? grid?.runs.at(-1)?.dag_run_id ?? null, task: search.task ?? null };
}

interface Props {
  dagId: string;
  /** Below the grid. */
  below: ReactNode;
  /** Below the chosen run. */
  beside: ReactNode;
}

/** The last runs of a DAG with all their tasks, as many as fit, and the chosen run beside them. */
export function GridAndRun({ dagId, below, beside }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const columns = useColumns(box);
  const { state, type }: GridFilter = useSearch({ strict: false });
  const query = useQuery(gridQuery(dagId, columns, { state: state === "failed" ? state : undefined, type }));
  const chosen = useChosen(query.data);
  return (
    <div className="lay-two">
      <div className="stack panels" ref={box}>
        <GridPanel dagId={dagId} columns={columns} query={query} />
        {below}
      </div>
      <div className="stack panels">
        {chosen.run !== null && <ChosenRun dagId={dagId} runId={chosen.run} task={chosen.task} />}
        {beside}
      </div>
    </div>
  );
}

interface GridFilter {
  state?: string;
  type?: RunType;
}

interface GridProps {
  dagId: string;
  columns: number;
  query: { data: Grid | undefined; error: unknown; refetch: () => unknown };
}

function GridPanel({ dagId, columns, query }: GridProps) {
  const { dag: t, common, lists } = useT();
  const search: GridFilter & { view?: string } = useSearch({ strict: false });
  const change = useSearchChange();
  const navigate = useNavigate();
  const isGantt = search.view === "gantt";
  const isFailedOnly = search.state === "failed";
  const isFiltered = isFailedOnly || search.type !== undefined;
  const filterText = [isFailedOnly && common.states.failed, search.type && common.run_types[search.type]].filter(Boolean).join(", ");
  const shown = query.data;
  const chosen = useChosen(shown);
  const step = (by: number): void => {
    const at = shown?.runs.findIndex((each) => each.dag_run_id === chosen.run) ?? -1;
    const next = at < 0 ? undefined : shown?.runs[at + by];
    if (next) change({ run: next.dag_run_id });
  };
  const open = (run: string, task: string | null): void => void navigate({ href: task === null ? runHref({ dagId, runId: run }) : taskHref({ dagId, runId: run, taskId: task, mapIndex: -1 }) });
  useKeys({
    Enter: () => chosen.run !== null && open(chosen.run, chosen.task),
    KeyL: () => chosen.run !== null && open(chosen.run, chosen.task),
    BracketLeft: () => step(-1),
    BracketRight: () => step(1),
  });
  const keys = (
    <span className="small dim row hide-s" style={{ gap: "4px" }}>
      {(isGantt ? ["[", "]"] : ["←", "→"]).map((key) => (
        <kbd key={key}>{key}</kbd>
      ))}
      {t.key_run}
      <kbd>↑</kbd>
      <kbd>↓</kbd>
      {t.key_task}
    </span>
  );
  const filter = (
    <span className="row">
      <Segments<"grid" | "gantt"> label={t.grid_or_gantt} value={isGantt ? "gantt" : "grid"} options={[["grid", t.tabs.grid] as const, ["gantt", t.gantt] as const]} onChange={(view) => change({ view: view === "gantt" ? view : undefined })} />
      <Chip on={isFailedOnly} onClick={() => change({ state: isFailedOnly ? undefined : "failed" })}>
        {t.failed_only}
      </Chip>
      <select className="inp small hide-s" aria-label={lists.columns.type} value={search.type ?? ""} onChange={(event) => change({ type: event.target.value || undefined })}>
        <option value="">{lists.any_type}</option>
        {RUN_TYPES.map((type) => (
          <option key={type} value={type}>
            {common.run_types[type]}
          </option>
        ))}
      </select>
    </span>
  );
  return (
    <Panel title={t.last_runs(shown?.runs.length ?? columns)} aside={filter} actions={keys}>
      <Loaded query={{ ...query, data: shown }} rows={8}>
        {(grid) =>
          grid.runs.length === 0 ? (
            <Empty title={isFiltered ? common.nothing_fits(filterText) : t.no_runs}>
              {!isFiltered && <p>{t.no_runs_text}</p>}
            </Empty>
          ) : isGantt && chosen.run !== null ? (
            <Gantt key={chosen.run} dagId={dagId} runs={grid.runs} runId={chosen.run} task={chosen.task} onRun={(run) => change({ run })} onTask={(task) => change({ run: chosen.run, task })} onOpen={(task) => open(chosen.run!, task)} />
          ) : (
            <GridView grid={grid} label={t.grid_label(dagId)} run={chosen.run} task={chosen.task} onChoose={(run, task) => change({ run: run ?? undefined, task: task ?? undefined })} onOpen={open} />
          )
        }
      </Loaded>
      {!isGantt && <GridLegend />}
    </Panel>
  );
}

/** The chosen run beside the grid: why it failed, and the graph of the version that ran. */
function ChosenRun({ dagId, runId, task }: { dagId: string; runId: string; task: string | null }) {
  const query = useQuery(dagRun({ dagId, runId }));
  return (
    <Loaded query={query} rows={5} what={runId}>
      {(run) => <RunSide run={run} task={task} />}
    </Loaded>
  );
}

function RunSide({ run, task }: { run: Schema<"DagRun">; task: string | null }) {
  const { dag: t, common } = useT();
  const clock = useClock();
  const address = { dagId: run.dag_id, runId: run.dag_run_id };
  const times = useQuery(timeline(address));
  const version = run.dag_versions[0]?.version_number;
  const sent = useQuery(definition(run.dag_id, version));
  const title = (
    <span className="row">
      <Glyph state={run.state} />
      {moment(clock, Date.parse(run.run_after))}
    </span>
  );
  const open = (
    <Anchor className="btn bare small" href={runHref(address)}>
      {t.open_run} <kbd>↵</kbd>
    </Anchor>
  );
  const root = times.data?.roots[0];
  return (
    <Panel title={title} aside={`v${version}, ${common.run_types[run.run_type] ?? run.run_type}`} actions={open}>
      {run.state === "failed" && root && (
        <div className="note bad side-note cause">
          <Root task={{ ...address, taskId: root[0], mapIndex: root[1] }} victims={0} hasKey={false} />
        </div>
      )}
      <Loaded query={sent} rows={6}>
        {(content) => <SideGraph run={run} content={content as Schema<"Definition">} times={times.data} task={task} />}
      </Loaded>
    </Panel>
  );
}

function SideGraph({ run, content, times, task }: { run: Schema<"DagRun">; content: Schema<"Definition">; times: Parameters<typeof summaries>[0] | undefined; task: string | null }) {
  const { run: t } = useT();
  const { language } = useLanguage();
  const word = useStateWord();
  const change = useSearchChange();
  const navigate = useNavigate();
  const graph = graphOf(content);
  const states = useMemo(
    () => nodeStates(graph, times ? summaries(times) : new Map(), { state: word, duration: (seconds) => duration(language, seconds), tryOf: t.try_n }),
    // The words change with the language only.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [graph, times, language],
  );
  const hrefOf = (taskId: string): string => taskHref({ dagId: run.dag_id, runId: run.dag_run_id, taskId, mapIndex: -1 });
  const name = `v${run.dag_versions[0]?.version_number}`;
  return <GraphView graph={graph} states={states} chosen={task} isDimming={task !== null} label={t.graph_label(name)} direction="down" maxHeight={560} hrefOf={hrefOf} onChoose={(taskId) => change({ task: taskId, run: run.dag_run_id })} onOpen={(taskId) => void navigate({ href: hrefOf(taskId) })} />;
}
