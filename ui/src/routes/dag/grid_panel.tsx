import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Suspense, lazy, useRef, type ReactNode } from "react";
import { grid as gridQuery } from "../../api/dag.ts";
import type { Schema } from "../../api/client.ts";
import { runHref, taskHref } from "../../api/run.ts";
import type { Grid } from "../../api/shapes.ts";
import { GridLegend, GridView, useColumns } from "../../grid/grid_view.tsx";
import { useT } from "../../i18n/index.tsx";
import { useKeys } from "../../keys/keys.ts";
import { Chip, Segments } from "../../kit/button.tsx";
import { Empty, Loaded, Loading, Panel } from "../../kit/panel.tsx";
import { useSearchChange } from "../search_change.ts";
import "../run/run.css";
import "./dag.css";

// The grid is seen first; the graph of a run and the Gantt chart are loaded beside it.
const ChosenRun = lazy(() => import("./chosen_run.tsx").then((part) => ({ default: part.ChosenRun })));
const Gantt = lazy(() => import("./gantt.tsx").then((part) => ({ default: part.Gantt })));

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
        {chosen.run !== null && (
          <Suspense fallback={<Loading rows={6} />}>
            <ChosenRun dagId={dagId} runId={chosen.run} task={chosen.task} />
          </Suspense>
        )}
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
            <Suspense fallback={<Loading rows={8} />}>
              <Gantt key={chosen.run} dagId={dagId} runs={grid.runs} runId={chosen.run} task={chosen.task} onRun={(run) => change({ run })} onTask={(task) => change({ run: chosen.run, task })} onOpen={(task) => open(chosen.run!, task)} />
            </Suspense>
          ) : (
            <GridView grid={grid} label={t.grid_label(dagId)} run={chosen.run} task={chosen.task} onChoose={(run, task) => change({ run: run ?? undefined, task: task ?? undefined })} onOpen={open} />
          )
        }
      </Loaded>
      {!isGantt && <GridLegend />}
    </Panel>
  );
}
