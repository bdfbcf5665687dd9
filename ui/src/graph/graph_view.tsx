import { memo, useEffect, useMemo, useRef, type KeyboardEvent, type MouseEvent } from "react";
import { useT } from "../i18n/index.tsx";
import { familyOf, known, useStateWord } from "../kit/state.tsx";
import { neighbours, relatives, type DagGraph, type DagNode } from "./dag.ts";
import { GraphGlyph } from "./glyph.tsx";
import type { Direction, Graph, GraphLayout, Point } from "./layout.ts";
import { useLayout } from "./use_layout.ts";
import { useView } from "./use_view.ts";
import { edgePath, nodeAt, nodeByKey, PADDING, type ArrowKey } from "./view.ts";
import "./graph.css";

/** What a run knows of a task. */
export interface NodeState {
  state: string | null;
  /** The second line of the node: type, try, duration. */
  detail: string;
  /** Instances of a mapped task, such as `6 of 6`; null = not mapped or not expanded yet. */
  counts: string | null;
  /** How long the task took, as parts of the longest; absent = the drawing shows states alone. */
  bar?: NodeBar;
}

export interface NodeBar {
  share: number;
  /** Where the usual duration ends; null = unknown. */
  medianShare: number | null;
  isSlow: boolean;
}

interface Props {
  graph: DagGraph;
  /** By task id; without them the graph of a version is drawn that no run stands behind. */
  states?: ReadonlyMap<string, NodeState>;
  chosen: string | null;
  /** Whether what is neither before nor after the chosen task is dimmed. */
  isDimming?: boolean;
  label: string;
  direction: Direction;
  /** Pixels that the drawing takes at most. */
  maxHeight?: number;
  /** Takes what buttons beside the drawing do. */
  handle?: { current: GraphHandle | null };
  hrefOf(taskId: string): string;
  onChoose(taskId: string): void;
  onOpen(taskId: string): void;
}

export interface GraphHandle {
  zoom(factor: number): void;
  fit(): void;
}

const NODE_WIDTH = 164;
const NODE_HEIGHT = 44;
const PLAIN_HEIGHT = 34;
const LEAST_HEIGHT = 120;

export function GraphView({ graph, states, chosen, isDimming = false, label, direction, maxHeight = 420, handle, ...acts }: Props) {
  const { run: t } = useT();
  const boxes = useBoxes(graph, states !== undefined);
  const layout = useLayout(boxes, direction);
  const svg = useRef<SVGSVGElement>(null);
  const scene = useRef<SVGGElement>(null);
  const numbers = useMemo(() => new Map(graph.nodes.map((node, index) => [node.id, index])), [graph]);
  const focus = chosen === null ? 0 : (numbers.get(chosen) ?? 0);
  const view = useView(svg, scene, layout, boxes.nodes, focus);
  useEffect(() => {
    if (handle) handle.current = view;
  });
  const near = useMemo(() => (isDimming && chosen !== null ? relatives(chosen, neighbours(graph)) : null), [isDimming, chosen, graph]);
  const onKeyDown = useGraphKeys({ graph, layout, numbers, chosen, view, svg, ...acts });
  const chooseAt = (event: MouseEvent<SVGSVGElement>): void => {
    const index = layout ? nodeAt(layout, boxes.nodes, view.pointOf(event.clientX, event.clientY)) : -1;
    if (index < 0) return;
    acts.onChoose(graph.nodes[index]!.id);
    view.reveal(index);
  };
  const height = layout ? Math.min(maxHeight, Math.max(LEAST_HEIGHT, layout.height + 2 * PADDING + 4)) : Math.min(maxHeight, 240);
  return (
    <div className="graph-frame" style={{ height }}>
      <svg ref={svg} className="graph" role="group" onClick={view.seen === null && layout ? (event) => chooseAt(event) : undefined} aria-label={label} tabIndex={view.seen === null || chosen === null ? 0 : -1} onKeyDown={onKeyDown} data-nodes={graph.nodes.length} data-drawn={layout ? "true" : "false"}>
        <g ref={scene}>
          {layout && <Edges graph={graph} layout={layout} states={states} near={near} isTiny={view.seen === null} />}
          {layout && view.seen === null && <Shapes graph={graph} layout={layout} boxes={boxes} states={states} chosen={chosen} />}
          {layout &&
            view.seen?.map((index) => {
              const node = graph.nodes[index]!;
              return <Node key={node.id} node={node} at={layout.positions[index]!} height={boxes.nodes[index]!.height} state={states?.get(node.id)} hasStates={states !== undefined} isChosen={node.id === chosen} isFar={near !== null && !near.has(node.id)} {...acts} />;
            })}
        </g>
      </svg>
      {!layout && <div className="graph-wait">{t.laying_out(graph.nodes.length)}</div>}
    </div>
  );
}

/** Sizes do not depend on states, so that the drawing stays as it is while a run goes on. */
function useBoxes(graph: DagGraph, hasStates: boolean): Graph {
  return useMemo(() => {
    const height = hasStates ? NODE_HEIGHT : PLAIN_HEIGHT;
    return { nodes: graph.nodes.map((node) => ({ id: node.id, width: NODE_WIDTH, height })), edges: graph.edges };
  }, [graph, hasStates]);
}

interface KeysOf extends Pick<Props, "graph" | "chosen" | "onChoose" | "onOpen"> {
  layout: GraphLayout | null;
  numbers: ReadonlyMap<string, number>;
  view: ReturnType<typeof useView>;
  svg: { current: SVGSVGElement | null };
}

/** Arrows go along the edges, Enter opens, + and - zoom, 0 shows all. */
function useGraphKeys({ graph, layout, numbers, chosen, view, svg, onChoose, onOpen }: KeysOf): (event: KeyboardEvent) => void {
  const wanted = useRef<string | null>(null);
  useEffect(() => {
    if (wanted.current === null || wanted.current !== chosen) return;
    const element = svg.current?.querySelector<SVGElement>(`[data-task="${CSS.escape(wanted.current)}"]`);
    if (!element) return;
    wanted.current = null;
    element.focus({ preventScroll: true });
  });
  return (event) => {
    if (!layout || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key.startsWith("Arrow")) {
      event.preventDefault();
      const edges = graph.edges.map(([from, to]) => [numbers.get(from) ?? -1, numbers.get(to) ?? -1] as const);
      const current = chosen === null ? -1 : (numbers.get(chosen) ?? -1);
      const next = current < 0 ? 0 : nodeByKey(layout, edges, current, event.key as ArrowKey);
      const id = graph.nodes[next < 0 ? current : next]?.id;
      if (id === undefined) return;
      wanted.current = id;
      onChoose(id);
      view.reveal(next < 0 ? current : next);
    } else if (event.key === "Enter" && chosen !== null) {
      event.preventDefault();
      onOpen(chosen);
    } else if (event.key === "+" || event.key === "=") view.zoom(1.4);
    else if (event.key === "-") view.zoom(1 / 1.4);
    else if (event.key === "0") view.fit();
  };
}

type EdgeKind = "done" | "hot" | "";

/** One path a kind of edge: a thousand edges are three or six elements. */
const Edges = memo(({ graph, layout, states, near, isTiny }: { graph: DagGraph; layout: GraphLayout; states: Props["states"]; near: Set<string> | null; isTiny: boolean }) => {
  const paths = new Map<string, string>();
  graph.edges.forEach(([from, to], index) => {
    const isFar = near !== null && !(near.has(from) && near.has(to));
    const kind = `${edgeKind(states, from, to)}${isFar ? " far" : ""}`;
    paths.set(kind, (paths.get(kind) ?? "") + edgePath(layout.routes[index]!, layout.direction));
  });
  return (
    <g aria-hidden="true" className={isTiny ? "tiny" : undefined}>
      {[...paths].sort().map(([kind, data]) => (
        <path key={kind} className={`e ${kind}`} d={data} />
      ))}
    </g>
  );
});

function edgeKind(states: Props["states"], from: string, to: string): EdgeKind {
  const [before, after] = [states?.get(from)?.state, states?.get(to)?.state];
  if ((before === "failed" || before === "upstream_failed") && after === "upstream_failed") return "hot";
  return before && ENDED.has(before) && before !== "skipped" && after !== "skipped" ? "done" : "";
}
const ENDED = new Set(["success", "failed", "skipped", "upstream_failed"]);

interface NodeProps extends Pick<Props, "hrefOf" | "onChoose" | "onOpen"> {
  node: DagNode;
  at: Point;
  height: number;
  state: NodeState | undefined;
  hasStates: boolean;
  isChosen: boolean;
  isFar: boolean;
}

const Node = memo(({ node, at: [x, y], height, state, hasStates, isChosen, isFar, hrefOf, onChoose, onOpen }: NodeProps) => {
  const word = useStateWord();
  const family = familyOf(state?.state);
  const isCold = state !== undefined && COLD.has(known(state.state));
  const names = ["n", isCold ? "cold" : family, isChosen && "sel", isFar && "far"].filter(Boolean).join(" ");
  const onClick = (event: MouseEvent): void => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    onChoose(node.id);
  };
  const counts = state?.counts ?? null;
  const { run: t } = useT();
  const label = [node.label, node.role && t.roles[node.role], hasStates && word(state?.state), state?.detail, node.rule, node.when].filter(Boolean).join(", ");
  return (
    <g transform={`translate(${x.toFixed(1)} ${y.toFixed(1)})`}>
    <a className={names} href={hrefOf(node.id)} aria-current={isChosen ? "true" : undefined} tabIndex={isChosen ? 0 : -1} data-task={node.id} onClick={onClick} onDoubleClick={() => onOpen(node.id)}>
      <title>{label}</title>
      {node.isMapped && <path className="stack" d={`M6 ${height + 6}h${NODE_WIDTH - 6}a6 6 0 0 0 6-6v-${height - 6}M3 ${height + 3}h${NODE_WIDTH - 6}a6 6 0 0 0 6-6v-${height - 6}`} fillOpacity="0" />}
      <rect className="box" width={NODE_WIDTH} height={height} rx="6" />
      <g transform={`translate(16 ${hasStates ? 14.5 : height / 2})`}>{hasStates && <GraphGlyph state={state?.state} />}</g>
      <text x={hasStates ? 29 : 12} y={hasStates ? 18.5 : height / 2 + 4}>
        {shorten(node.label, hasStates ? 20 : 22)}
        {node.isMapped && " ×"}
        {node.isMapped && counts}
      </text>
      {hasStates && (
        <text className="sub" x="29" y="34.5">
          {shorten(state?.detail ?? node.type, 25)}
        </text>
      )}
      {state?.bar && <Bar bar={state.bar} height={height} />}
      <Pill node={node} />
    </a>
    </g>
  );
});
const BAR_WIDTH = NODE_WIDTH - 16;
const BAR_LEAST = 2;

/** The duration along the lower edge of a node, with a mark at the usual one. */
const Bar = ({ bar: { share, medianShare, isSlow }, height }: { bar: NodeBar; height: number }) => (
  <g className="took" transform={`translate(8 ${height - 6})`}>
    <rect className="all" width={BAR_WIDTH} height="3" rx="1.5" />
    <rect className={isSlow ? "slow" : "part"} width={Math.max(BAR_LEAST, share * BAR_WIDTH).toFixed(1)} height="3" rx="1.5" />
    {medianShare !== null && <rect className="usual" x={(medianShare * (BAR_WIDTH - 1.5)).toFixed(1)} y="-2" width="1.5" height="7" />}
  </g>
);
const COLD = new Set(["skipped", "upstream_failed", "removed"]);

/** What gates the node, where this is not the success of all before it. */
function Pill({ node }: { node: DagNode }) {
  const { run: t } = useT();
  const text = [node.role && t.roles[node.role], node.rule && ((t.rules as Record<string, string>)[node.rule] ?? node.rule), node.when].filter(Boolean).join(" · ");
  if (!text) return null;
  const shown = shorten(text, 22);
  const width = Math.min(NODE_WIDTH - 12, [...shown].reduce((sum, each) => sum + (each.charCodeAt(0) > 0x1100 ? 10.5 : 5.9), 14));
  return (
    <g transform={`translate(${NODE_WIDTH - 8 - width} -8)`}>
      <rect className="lab-bg" width={width} height="16" rx="8" />
      <text className="lab" x={width / 2} y="11.5" textAnchor="middle">
        {shown}
      </text>
    </g>
  );
}

interface ShapesProps {
  graph: DagGraph;
  layout: GraphLayout;
  boxes: Graph;
  states: Props["states"];
  chosen: string | null;
}

/** So many nodes that no text could be read: one path a state. */
const Shapes = memo(({ graph, layout, boxes, states, chosen }: ShapesProps) => {
  const paths = new Map<string, string>();
  graph.nodes.forEach((node, index) => {
    const state = states?.get(node.id)?.state;
    const kind = known(state) === "upstream_failed" ? "hollow-bad" : familyOf(state) || "mute";
    paths.set(kind, (paths.get(kind) ?? "") + boxData(layout.positions[index]!, boxes.nodes[index]!.height));
  });
  graph.nodes.forEach((node, index) => {
    const bar = states?.get(node.id)?.bar;
    if (bar) paths.set("took", (paths.get("took") ?? "") + boxData(layout.positions[index]!, boxes.nodes[index]!.height, Math.round(bar.share * NODE_WIDTH)));
  });
  const index = graph.nodes.findIndex((node) => node.id === chosen);
  if (index >= 0) paths.set("chosen", boxData(layout.positions[index]!, boxes.nodes[index]!.height));
  return (
    <g className="dots" aria-hidden="true">
      {[...paths].map(([kind, data]) => (
        <path key={kind} className={kind} d={data} />
      ))}
    </g>
  );
});

const boxData = ([x, y]: Point, height: number, width = NODE_WIDTH): string => `M${x.toFixed(0)} ${y.toFixed(0)}h${width}v${height}h-${width}z`;

/** Cut by what is seen: Hangul and other wide letters take two places. */
export function shorten(text: string, places: number): string {
  let taken = 0;
  let end = 0;
  for (const letter of text) {
    taken += letter.codePointAt(0)! > 0x1100 ? 2 : 1;
    if (taken > places) return `${text.slice(0, Math.max(0, end - 1))}…`;
    end += letter.length;
  }
  return text;
}
