/**
 * A layered drawing of a directed acyclic graph.
 *
 * The way: layers by longest path, points of bend on edges that pass a layer, sweeps by barycentre that keep the order
 * with the fewest crossings, and positions across the layers by least squares in that order.
 */

export type Direction = "right" | "down";
export type Point = readonly [x: number, y: number];
export type GraphNode = { id: string; width: number; height: number };
export type Graph = { nodes: readonly GraphNode[]; edges: readonly (readonly [from: string, to: string])[] };

export type GraphLayout = {
  direction: Direction;
  /** The top left corner of each node, in the order of the nodes. */
  positions: Point[];
  /** The points of each edge, in the order of the edges; empty for an edge that closes a circle or has no end. */
  routes: Point[][];
  width: number;
  height: number;
  crossings: number;
};

/** Pixels between layers and between neighbours of a layer, and the number of sweeps. */
export type LayoutOptions = { direction?: Direction; layerGap?: number; nodeGap?: number; sweeps?: number };

const BEND_SIZE = 6;
const BEND_WEIGHT = 4;
const POSITION_ROUNDS = 10;
/** Beyond so many bends the longest edges have none: they are drawn straight, so that no graph takes minutes. */
const MOST_BENDS = 60_000;

/** Nodes and bends by number; a bend has a number from `nodeCount` on. Sizes lie along (`lengths`) and across layers. */
type Layers = {
  nodeCount: number;
  layerOf: number[];
  lengths: number[];
  sizes: number[];
  above: number[][];
  below: number[][];
  columns: number[][];
  /** The nodes and bends that each edge passes, in the order of the edges. */
  chains: number[][];
};

/** The same graph gives the same drawing. The time grows with nodes, edges and the layers that edges pass. */
export function layoutGraph(graph: Graph, options: LayoutOptions = {}): GraphLayout {
  const direction = options.direction ?? "right";
  const layers = buildLayers(graph, direction);
  const crossings = orderColumns(layers, options.sweeps ?? 12);
  const across = placeAcross(layers, options.nodeGap ?? 14);
  const { starts, widths, total } = placeAlong(layers, options.layerGap ?? 56);
  const turn = (along: number, beside: number): Point => (direction === "right" ? [along, beside] : [beside, along]);
  const extent = layers.sizes.reduce((most, size, item) => Math.max(most, across[item]! + size), 0);
  const [width, height] = turn(total, extent);
  return {
    direction,
    positions: graph.nodes.map((_, node) => turn(starts[layers.layerOf[node]!]!, across[node]!)),
    routes: layers.chains.map((chain) => route(chain, layers, across, starts, widths).map(([a, b]) => turn(a, b))),
    width,
    height,
    crossings,
  };
}

function buildLayers(graph: Graph, direction: Direction): Layers {
  const numbers = new Map(graph.nodes.map((node, index) => [node.id, index]));
  const nodeCount = graph.nodes.length;
  const edges = graph.edges.map(([from, to]) => [numbers.get(from) ?? -1, numbers.get(to) ?? -1] as const);
  const layerOf = longestPath(nodeCount, edges);
  const right = direction === "right";
  const layers: Layers = {
    nodeCount,
    layerOf,
    lengths: graph.nodes.map((node) => (right ? node.width : node.height)),
    sizes: graph.nodes.map((node) => (right ? node.height : node.width)),
    above: graph.nodes.map(() => []),
    below: graph.nodes.map(() => []),
    columns: [],
    chains: [],
  };
  const spans = edges.map(([from, to]) => (from < 0 || to < 0 ? 0 : layerOf[to]! - layerOf[from]!));
  const longest = longestBentSpan(spans);
  edges.forEach(([from, to], edge) => {
    if (spans[edge]! <= 0) layers.chains.push([]);
    else layers.chains.push(spans[edge]! <= longest ? addChain(layers, from, to) : [from, to]);
  });
  const count = layerOf.reduce((most, layer) => Math.max(most, layer + 1), 0);
  layers.columns = Array.from({ length: count }, () => []);
  layerOf.forEach((layer, item) => layers.columns[layer]!.push(item));
  return layers;
}

/** The layer of each node: after all that come before the node, and no further from its consumers than needed. */
function longestPath(nodeCount: number, edges: readonly (readonly [number, number])[]): number[] {
  const below: number[][] = Array.from({ length: nodeCount }, () => []);
  const waiting = new Array<number>(nodeCount).fill(0);
  for (const [from, to] of edges) {
    if (from < 0 || to < 0 || from === to) continue;
    below[from]!.push(to);
    waiting[to]!++;
  }
  const layerOf = new Array<number>(nodeCount).fill(0);
  const order = [...waiting.keys()].filter((node) => waiting[node] === 0);
  for (let at = 0; at < order.length; at++) {
    const node = order[at]!;
    for (const next of below[node]!) {
      layerOf[next] = Math.max(layerOf[next]!, layerOf[node]! + 1);
      if (--waiting[next]! === 0) order.push(next);
    }
  }
  for (const node of order.toReversed()) {
    const nearest = below[node]!.reduce((least, next) => Math.min(least, layerOf[next]!), Infinity);
    if (nearest < Infinity) layerOf[node] = Math.max(layerOf[node]!, nearest - 1);
  }
  return layerOf;
}

/** The number of layers that an edge may pass and still have a bend in each of them. */
function longestBentSpan(spans: readonly number[]): number {
  let bends = 0;
  for (const span of spans.toSorted((a, b) => a - b)) {
    bends += Math.max(0, span - 1);
    if (bends > MOST_BENDS) return span - 1;
  }
  return Infinity;
}

function addChain(layers: Layers, from: number, to: number): number[] {
  const chain = [from];
  const join = (item: number): void => {
    const before = chain.at(-1)!;
    layers.below[before]!.push(item);
    layers.above[item]!.push(before);
    chain.push(item);
  };
  for (let layer = layers.layerOf[from]! + 1; layer < layers.layerOf[to]!; layer++) {
    layers.layerOf.push(layer);
    layers.lengths.push(0);
    layers.sizes.push(BEND_SIZE);
    layers.above.push([]);
    layers.below.push([]);
    join(layers.layerOf.length - 1);
  }
  join(to);
  return chain;
}

/** Order the columns so that few edges cross; return the number of crossings that are left. */
function orderColumns(layers: Layers, sweeps: number): number {
  const ranks = new Float64Array(layers.layerOf.length);
  const number = (column: number[]): void => column.forEach((item, index) => (ranks[item] = index));
  layers.columns.forEach(number);
  let best = layers.columns.map((column) => [...column]);
  let fewest = countCrossings(layers, ranks);
  for (let sweep = 0; sweep < sweeps && fewest > 0; sweep++) {
    const isDown = sweep % 2 === 0;
    for (let step = 1; step < layers.columns.length; step++) {
      const column = layers.columns[isDown ? step : layers.columns.length - 1 - step]!;
      sortByBarycentre(column, isDown ? layers.above : layers.below, ranks);
      number(column);
    }
    const crossings = countCrossings(layers, ranks);
    if (crossings < fewest) {
      fewest = crossings;
      best = layers.columns.map((column) => [...column]);
    }
  }
  layers.columns = best;
  return fewest;
}

function sortByBarycentre(column: number[], neighbours: readonly number[][], ranks: Float64Array): void {
  const centres = new Map<number, number>();
  for (const item of column) centres.set(item, mean(neighbours[item]!, (near) => ranks[near]!) ?? ranks[item]!);
  column.sort((a, b) => centres.get(a)! - centres.get(b)! || ranks[a]! - ranks[b]!);
}

/** Crossings between neighbouring columns, counted with a Fenwick tree in O(edges · log width). */
function countCrossings(layers: Layers, ranks: Float64Array): number {
  let crossings = 0;
  for (let layer = 0; layer + 1 < layers.columns.length; layer++) {
    const ends = layers.columns[layer]!.flatMap((item) =>
      layers.below[item]!.map((next) => ranks[next]!).sort((a, b) => a - b),
    );
    const width = layers.columns[layer + 1]!.length;
    const tree = new Int32Array(width + 1);
    for (const end of ends.reverse()) {
      for (let at = end; at > 0; at -= at & -at) crossings += tree[at]!;
      for (let at = end + 1; at <= width; at += at & -at) tree[at]!++;
    }
  }
  return crossings;
}

/** The start of each node and bend across the layers, from 0, with at least `gap` between neighbours. */
function placeAcross(layers: Layers, gap: number): Float64Array {
  const starts = new Float64Array(layers.layerOf.length);
  for (const column of layers.columns) {
    let next = 0;
    for (const item of column) {
      starts[item] = next;
      next += layers.sizes[item]! + gap;
    }
    for (const item of column) starts[item]! -= next / 2;
  }
  const middle = (item: number): number => starts[item]! + layers.sizes[item]! / 2;
  for (let round = 0; round < POSITION_ROUNDS; round++) {
    const isDown = round % 2 === 0;
    const isLast = round >= POSITION_ROUNDS - 2;
    for (let step = 0; step < layers.columns.length; step++) {
      const column = layers.columns[isDown ? step : layers.columns.length - 1 - step]!;
      settle(column, starts, layers, gap, (item) => {
        const near = isDown ? layers.above[item]! : layers.below[item]!;
        const centre = mean(isLast ? [...layers.above[item]!, ...layers.below[item]!] : near, middle);
        return centre === null ? starts[item]! : centre - layers.sizes[item]! / 2;
      });
    }
  }
  return closeGaps(starts, layers, gap);
}

/** Take out the bands across the whole drawing that nothing lies in, so that separate parts lie side by side. */
function closeGaps(starts: Float64Array, layers: Layers, gap: number): Float64Array {
  const order = [...starts.keys()].sort((a, b) => starts[a]! - starts[b]!);
  const moved = new Float64Array(starts.length);
  let shift = starts[order[0] ?? 0] ?? 0;
  let end = -Infinity;
  for (const item of order) {
    const empty = starts[item]! - end;
    if (end > -Infinity && empty > gap) shift += empty - gap;
    moved[item] = starts[item]! - shift;
    end = Math.max(end, starts[item]! + layers.sizes[item]!);
  }
  return moved;
}

/**
 * Move the items of a column as near as can be to where they want to be, in their order and without overlap:
 * least squares by pooling adjacent violators. A bend weighs more than a node, so that long edges are straight.
 */
function settle(
  column: number[],
  starts: Float64Array,
  layers: Layers,
  gap: number,
  wanted: (item: number) => number,
): void {
  const offsets: number[] = [];
  const blocks: { sum: number; weight: number; first: number; length: number }[] = [];
  let offset = 0;
  column.forEach((item, index) => {
    offsets.push(offset);
    const weight = item >= layers.nodeCount ? BEND_WEIGHT : 1;
    blocks.push({ sum: (wanted(item) - offset) * weight, weight, first: index, length: 1 });
    offset += layers.sizes[item]! + gap;
    for (let last = blocks.at(-1)!, before = blocks.at(-2); before; last = before, before = blocks.at(-2)) {
      if (before.sum / before.weight <= last.sum / last.weight) break;
      before.sum += last.sum;
      before.weight += last.weight;
      before.length += last.length;
      blocks.pop();
    }
  });
  for (const block of blocks) {
    for (let index = block.first; index < block.first + block.length; index++) {
      starts[column[index]!] = block.sum / block.weight + offsets[index]!;
    }
  }
}

function placeAlong(layers: Layers, gap: number): { starts: number[]; widths: number[]; total: number } {
  const starts: number[] = [];
  const widths: number[] = [];
  let next = 0;
  for (const column of layers.columns) {
    const width = column.reduce((most, item) => Math.max(most, layers.lengths[item]!), 0);
    starts.push(next);
    widths.push(width);
    next += width + gap;
  }
  return { starts, widths, total: Math.max(0, next - gap) };
}

/** From the end of the first node to the start of the last one, straight through every layer on the way. */
function route(
  chain: number[],
  layers: Layers,
  across: Float64Array,
  starts: number[],
  widths: number[],
): Point[] {
  const points: Point[] = [];
  chain.forEach((item, index) => {
    const layer = layers.layerOf[item]!;
    const middle = across[item]! + layers.sizes[item]! / 2;
    const isFirst = index === 0;
    if (isFirst && layers.lengths[item]! < widths[layer]!) points.push([starts[layer]! + layers.lengths[item]!, middle]);
    if (!isFirst) points.push([starts[layer]!, middle]);
    if (index < chain.length - 1) points.push([starts[layer]! + widths[layer]!, middle]);
  });
  return points;
}

function mean(items: readonly number[], value: (item: number) => number): number | null {
  if (items.length === 0) return null;
  let sum = 0;
  for (const item of items) sum += value(item);
  return sum / items.length;
}
