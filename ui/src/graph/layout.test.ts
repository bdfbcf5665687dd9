import { describe, expect, test } from "vitest";
import { layoutGraph, type Direction, type Graph, type GraphLayout, type Point } from "./layout.ts";
import { chain, diamonds, etl, fan, woven } from "./samples.ts";

const GRAPHS: [string, Graph][] = [
  ["an etl", etl],
  ["a chain", chain(30)],
  ["a fan", fan(40)],
  ["diamonds", diamonds(12)],
  ["one node", chain(1)],
  ["100 woven nodes", woven(100)],
  ["300 woven nodes", woven(300, 11)],
  ["boxes of many sizes", { ...woven(60, 3), nodes: woven(60, 3).nodes.map((node, n) => ({ ...node, width: 90 + (n % 5) * 40, height: 24 + (n % 3) * 14 })) }],
];
const CASES = GRAPHS.flatMap(([name, graph]) => (["right", "down"] as const).map((way) => [name, way, graph] as const));

/** The curve of each pair of points, as short straight pieces, as the page draws it. */
function pieces(route: Point[], direction: Direction): [Point, Point][] {
  const all: [Point, Point][] = [];
  for (let index = 1; index < route.length; index++) {
    const [x0, y0] = route[index - 1]!;
    const [x1, y1] = route[index]!;
    let before: Point = [x0, y0];
    for (let step = 1; step <= 12; step++) {
      const t = step / 12;
      const ease = 3 * t * t - 2 * t * t * t;
      const along = 1.5 * t * (1 - t) * (1 - t) + 1.5 * t * t * (1 - t) + t * t * t;
      const point: Point = direction === "right" ? [x0 + (x1 - x0) * along, y0 + (y1 - y0) * ease] : [x0 + (x1 - x0) * ease, y0 + (y1 - y0) * along];
      all.push([before, point]);
      before = point;
    }
  }
  return all;
}

function overlaps(graph: Graph, layout: GraphLayout): string[] {
  const found: string[] = [];
  graph.nodes.forEach((a, i) => {
    const [ax, ay] = layout.positions[i]!;
    graph.nodes.slice(i + 1).forEach((b, k) => {
      const [bx, by] = layout.positions[i + 1 + k]!;
      if (ax < bx + b.width && bx < ax + a.width && ay < by + b.height && by < ay + a.height) found.push(`${a.id} ${b.id}`);
    });
  });
  return found;
}

function edgesThroughNodes(graph: Graph, layout: GraphLayout): string[] {
  const found: string[] = [];
  layout.routes.forEach((route, edge) => {
    const ends = graph.edges[edge]!;
    for (const [[ax, ay], [bx, by]] of pieces(route, layout.direction)) {
      graph.nodes.forEach((node, i) => {
        if (ends.includes(node.id)) return;
        const [x, y] = layout.positions[i]!;
        const isApart = Math.max(ax, bx) <= x || Math.min(ax, bx) >= x + node.width || Math.max(ay, by) <= y || Math.min(ay, by) >= y + node.height;
        if (!isApart) found.push(`${ends.join(" to ")} through ${node.id}`);
      });
    }
  });
  return found;
}

describe.each(CASES)("%s, %s", (_name, direction, graph) => {
  const layout = layoutGraph(graph, { direction });

  test("no two nodes overlap", () => expect(overlaps(graph, layout)).toEqual([]));
  test("no edge passes through a node", () => expect(edgesThroughNodes(graph, layout)).toEqual([]));
  test("the same graph gives the same drawing", () => expect(layoutGraph(graph, { direction })).toEqual(layout));
  test("every edge goes forward and touches its nodes", () => {
    const at = new Map(graph.nodes.map((node, i) => [node.id, i]));
    const axis = direction === "right" ? 0 : 1;
    graph.edges.forEach(([from, to], edge) => {
      const route = layout.routes[edge]!;
      const [source, target] = [graph.nodes[at.get(from)!]!, layout.positions[at.get(to)!]!];
      const length = direction === "right" ? source.width : source.height;
      expect(route[0]![axis]).toBeCloseTo(layout.positions[at.get(from)!]![axis] + length);
      expect(route.at(-1)![axis]).toBeCloseTo(target[axis]);
      for (let i = 1; i < route.length; i++) expect(route[i]![axis]).toBeGreaterThanOrEqual(route[i - 1]![axis]);
    });
  });
  test("everything lies inside of the drawing", () => {
    graph.nodes.forEach((node, i) => {
      const [x, y] = layout.positions[i]!;
      expect(x).toBeGreaterThanOrEqual(0);
      expect(y).toBeGreaterThanOrEqual(0);
      expect(x + node.width).toBeLessThanOrEqual(layout.width + 1e-6);
      expect(y + node.height).toBeLessThanOrEqual(layout.height + 1e-6);
    });
  });
});

test("a chain is a straight line", () => {
  const heights = new Set(layoutGraph(chain(20)).positions.map(([, y]) => y.toFixed(6)));
  expect(heights.size).toBe(1);
});

test("separate parts lie side by side, without empty bands between them", () => {
  const [one, other] = [fan(5), chain(6)];
  const layout = layoutGraph({ nodes: [...one.nodes, ...other.nodes], edges: [...one.edges, ...other.edges] });
  expect(layout.height).toBeLessThan(6 * 36 + 5 * 14 + 40);
});

test("a graph without crossings is drawn without crossings", () => {
  expect(layoutGraph(fan(40)).crossings).toBe(0);
  expect(layoutGraph(diamonds(12)).crossings).toBe(0);
});

test("an edge that names no node, a circle and a loop do not break the drawing", () => {
  const nodes = ["a", "b", "c"].map((id) => ({ id, width: 100, height: 30 }));
  const layout = layoutGraph({ nodes, edges: [["a", "gone"], ["a", "a"], ["b", "c"], ["c", "b"], ["a", "b"]] });
  expect(layout.routes.slice(0, 4).some((route) => route.length === 0)).toBe(true);
  expect(overlaps({ nodes, edges: [] }, layout)).toEqual([]);
});

test("no node at all is an empty drawing", () => {
  expect(layoutGraph({ nodes: [], edges: [] })).toMatchObject({ positions: [], routes: [], width: 0, height: 0 });
});

test("edges over thousands of layers end", () => {
  const line = chain(2000);
  const long = line.nodes.slice(2).map((node) => ["c0", node.id] as const);
  const layout = layoutGraph({ nodes: line.nodes, edges: [...line.edges, ...long] });
  expect(layout.routes.every((route) => route.length > 1)).toBe(true);
});

test("3,000 nodes keep apart", () => {
  const graph = woven(3000);
  const layout = layoutGraph(graph);
  const columns = new Map<number, [top: number, height: number][]>();
  layout.positions.forEach(([x, y], node) => columns.set(x, [...(columns.get(x) ?? []), [y, graph.nodes[node]!.height]]));
  for (const column of columns.values()) {
    const tops = column.sort(([a], [b]) => a - b);
    for (let i = 1; i < tops.length; i++) expect(tops[i]![0] - tops[i - 1]![0] - tops[i - 1]![1]).toBeGreaterThan(-1e-6);
  }
});
