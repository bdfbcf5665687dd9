import { useMemo, useRef, useState, useSyncExternalStore, type RefObject } from "react";
import type { DagGraph, DagGroup } from "../../graph/dag.ts";
import { foldableGroups, foldGraph, standIns } from "../../graph/fold.ts";
import { GraphView, type GraphHandle, type NodeState } from "../../graph/graph_view.tsx";
import { TaskTable } from "../../graph/task_table.tsx";
import { useLanguage, useT } from "../../i18n/index.tsx";
import { Button, Chip, Segments } from "../../kit/button.tsx";
import { Panel } from "../../kit/panel.tsx";
import { duration } from "../../time/format.ts";
import { type TaskDuration, withDurations } from "./durations.ts";
import { foldedStates } from "./states.ts";

const MOST_NODES = 3000;
const NARROW = "(max-width: 700px)";

/** Whether the panel is narrow: a graph goes from top to bottom there. */
export function useIsNarrow(): boolean {
  const query = window.matchMedia(NARROW);
  const subscribe = (listener: () => void) => {
    query.addEventListener("change", listener);
    return () => query.removeEventListener("change", listener);
  };
  return useSyncExternalStore(subscribe, () => query.matches);
}

/** States and durations are one drawing with other words; the table has both. */
export type GraphPanelView = "graph" | "durations" | "table";

interface Props {
  graph: DagGraph;
  version: number | undefined;
  states?: ReadonlyMap<string, NodeState>;
  chosen: string | null;
  isDimming: boolean;
  /** By task id; without them there is no view of durations. */
  durations?: ReadonlyMap<string, TaskDuration>;
  view: GraphPanelView | undefined;
  hrefOf(taskId: string): string;
  onChoose(taskId: string): void;
  onOpen(taskId: string): void;
  onView(view: GraphPanelView): void;
}

/** The graph of a version and its equal, the table. A graph of thousands of tasks is drawn when the reader asks. */
export function GraphPanel({ graph, version, states, durations, chosen, isDimming, view, hrefOf, onChoose, onOpen, onView }: Props) {
  const { run: t } = useT();
  const timed = useTimedStates(states, durations, view === "durations");
  const groups = useFolding(graph, timed);
  const isNarrow = useIsNarrow();
  const isHuge = graph.nodes.length > MOST_NODES;
  const [isAsked, setAsked] = useState(false);
  const shown = (view === "durations" && !durations ? "graph" : view) ?? (isHuge && !isAsked ? "table" : "graph");
  const name = version === undefined ? "" : `v${version}`;
  const handle = useRef<GraphHandle>(null);
  const choice = (
    <>
      <Segments label={t.view} value={shown} options={durations ? [["graph", t.view_states], ["durations", t.view_durations], ["table", t.view_table]] : [["graph", t.view_graph], ["table", t.view_table]]} onChange={onView} />
      {shown !== "table" && <ZoomButtons handle={handle} />}
    </>
  );
  return (
    <Panel title={t.graph_of(name)} aside={states && <span className="hide-s">{t.that_ran}</span>} actions={choice} label={t.graph_of(name)}>
      {shown !== "table" ? (
        <>
          <GroupChips {...groups} />
          {/* A drawing belongs to its nodes: other nodes begin another drawing. */}
          <GraphView key={[...groups.folded].sort().join(" ")} graph={groups.graph} {...(groups.states ? { states: groups.states } : {})} chosen={chosen === null ? null : groups.nodeOf(chosen)} isDimming={isDimming} label={t.graph_label(name)} direction={isNarrow ? "down" : "right"} handle={handle} maxHeight={isNarrow ? 900 : 420} hrefOf={(id) => hrefOf(groups.taskOf(id))} onChoose={(id) => groups.open(id) || onChoose(id)} onOpen={(id) => groups.open(id) || onOpen(id)} />
        </>
      ) : (
        <>
          {isHuge && view === undefined && (
            <p className="pad row wrap">
              <span className="muted">{t.too_many(graph.nodes.length)}</span>
              <Button onClick={() => setAsked(true)}>{t.draw_anyway}</Button>
            </p>
          )}
          <TaskTable graph={graph} {...(states ? { states } : {})} {...(durations ? { durations } : {})} chosen={chosen} hrefOf={hrefOf} onChoose={onChoose} />
        </>
      )}
    </Panel>
  );
}

interface Folding {
  graph: DagGraph;
  states: Props["states"];
  foldable: readonly DagGroup[];
  folded: ReadonlySet<string>;
  setFolded(folded: ReadonlySet<string>): void;
  /** The node that stands for a task. */
  nodeOf(taskId: string): string;
  /** The task behind a node: the first of a folded group. */
  taskOf(nodeId: string): string;
  /** Unfolds a group; false = the node is no folded group. */
  open(nodeId: string): boolean;
}

/** The graph with the groups that the reader has folded. */
function useFolding(graph: DagGraph, states: Props["states"]): Folding {
  const { common } = useT();
  const [folded, setFolded] = useState<ReadonlySet<string>>(new Set());
  const foldable = useMemo(() => foldableGroups(graph), [graph]);
  const standIn = useMemo(() => standIns(graph, folded), [graph, folded]);
  // The words change with the language only.
  const shown = useMemo(() => (folded.size === 0 ? graph : foldGraph(graph, folded, common.count_tasks)), [graph, folded, common]);
  const shownStates = useMemo(() => (states && folded.size > 0 ? foldedStates(states, standIn) : states), [states, standIn, folded]);
  return {
    graph: shown,
    states: shownStates,
    foldable,
    folded,
    setFolded,
    nodeOf: (taskId) => standIn.get(taskId) ?? taskId,
    taskOf: (nodeId) => (folded.has(nodeId) ? (graph.groups?.find((group) => group.id === nodeId)?.tasks[0] ?? nodeId) : nodeId),
    open: (nodeId) => {
      if (!folded.has(nodeId)) return false;
      setFolded(new Set([...folded].filter((id) => id !== nodeId)));
      return true;
    },
  };
}

/** A switch for each group that can be one node; pressed = folded. */
function GroupChips({ foldable, folded, setFolded }: Folding) {
  const { run: t } = useT();
  if (foldable.length === 0) return null;
  const toggle = (id: string): void => setFolded(new Set(folded.has(id) ? [...folded].filter((each) => each !== id) : [...folded, id]));
  return (
    <p className="pad row wrap" role="group" aria-label={t.fold_groups}>
      <span className="muted">{t.fold_groups}</span>
      {foldable.map((group) => (
        <Chip key={group.id} on={folded.has(group.id)} onClick={() => toggle(group.id)}>
          {group.label}
        </Chip>
      ))}
    </p>
  );
}

/** The states with the durations in their words, where these are shown. */
function useTimedStates(states: Props["states"], durations: Props["durations"], isTimed: boolean): Props["states"] {
  const { run: t } = useT();
  const { language } = useLanguage();
  return useMemo(() => (isTimed && states && durations ? withDurations(states, durations, { duration: (seconds) => duration(language, seconds), median: t.median }) : states), [isTimed, states, durations, language, t]);
}

function ZoomButtons({ handle }: { handle: RefObject<GraphHandle | null> }) {
  const { run: t } = useT();
  return (
    <span className="graph-zoom">
      <Button bare aria-label={t.zoom_out} title={`${t.zoom_out} (−)`} onClick={() => handle.current?.zoom(1 / 1.4)}>
        −
      </Button>
      <Button bare aria-label={t.zoom_in} title={`${t.zoom_in} (+)`} onClick={() => handle.current?.zoom(1.4)}>
        +
      </Button>
      <Button bare aria-label={t.fit} title={`${t.fit} (0)`} onClick={() => handle.current?.fit()}>
        ⤢
      </Button>
    </span>
  );
}
