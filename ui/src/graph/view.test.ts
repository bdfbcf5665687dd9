import { describe, expect, test } from "vitest";
import { graphOfTasks, neighbours, relatives, topological } from "./dag.ts";
import { layoutGraph } from "./layout.ts";
import { etl, woven } from "./samples.ts";
import { edgePath, fitAll, keepInside, nodeAt, nodeByKey, nodesInSight, openingView, zoomAt, type ArrowKey } from "./view.ts";

const layout = layoutGraph(etl);
const frame = { width: 1200, height: 300 };
const at = (id: string): number => etl.nodes.findIndex((node) => node.id === id);
const edges = etl.edges.map(([from, to]) => [at(from), at(to)] as const);
const go = (id: string, key: ArrowKey): string | undefined => etl.nodes[nodeByKey(layout, edges, at(id), key)]?.id;

test("the whole drawing fits the frame", () => {
  const view = fitAll(layout, frame);
  expect(view.x).toBeGreaterThanOrEqual(0);
  expect(view.x + layout.width * view.scale).toBeLessThanOrEqual(frame.width);
  expect(view.y + layout.height * view.scale).toBeLessThanOrEqual(frame.height);
});

test("a wide drawing in a narrow frame opens readable, with the chosen node in sight", () => {
  const narrow = { width: 380, height: 300 };
  const view = openingView(layout, etl.nodes, narrow, at("load"));
  expect(view.scale).toBeGreaterThanOrEqual(0.7);
  expect(nodesInSight(layout, etl.nodes, view, narrow)).toContain(at("load"));
  expect(nodesInSight(layout, etl.nodes, view, narrow)!.length).toBeLessThan(etl.nodes.length);
});

test("zooming keeps the point under the pointer", () => {
  const view = { x: 20, y: 30, scale: 1 };
  const zoomed = zoomAt(view, 1.7, [200, 100]);
  expect((200 - zoomed.x) / zoomed.scale).toBeCloseTo((200 - view.x) / view.scale);
  expect((100 - zoomed.y) / zoomed.scale).toBeCloseTo((100 - view.y) / view.scale);
  expect(zoomAt(view, 1e9, [0, 0]).scale).toBeLessThan(10);
});

test("panning shows no empty space", () => {
  expect(keepInside({ x: 9999, y: 0, scale: 1 }, layout, { width: 400, height: 120 }).x).toBeLessThan(40);
});

test("a point finds the node that it lies in, or next to", () => {
  const [x, y] = layout.positions[at("load")]!;
  expect(nodeAt(layout, etl.nodes, [x + 20, y + 10])).toBe(at("load"));
  expect(nodeAt(layout, etl.nodes, [x - 5, y + 10])).toBe(at("load"));
  expect(nodeAt(layout, etl.nodes, [-5000, 0])).toBe(-1);
});

test("many nodes are drawn without text", () => {
  const big = woven(1000);
  const bigLayout = layoutGraph(big);
  expect(nodesInSight(bigLayout, big.nodes, fitAll(bigLayout, frame), frame)).toBeNull();
  expect(nodesInSight(bigLayout, big.nodes, { x: 0, y: -2000, scale: 1 }, frame)!.length).toBeGreaterThan(3);
});

test("arrows go along the edges and within a layer", () => {
  expect(go("extract", "ArrowRight")).toBe("dedupe");
  expect(go("dedupe", "ArrowLeft")).toBe("extract");
  expect(go("load", "ArrowRight")).toBe("marts");
  const below = go("marts", "ArrowDown") ?? go("marts", "ArrowUp");
  expect(below).toBe("notify");
  expect(go("tidy", "ArrowRight")).toBeUndefined();
});

test("an edge is one path from its first to its last point", () => {
  expect(edgePath([[0, 0], [10, 0], [30, 20]], "right")).toBe("M0 0L10 0C20 0 20 20 30 20");
  expect(edgePath([[0, 0], [20, 30]], "down")).toBe("M0 0C0 15 20 15 20 30");
});

describe("the graph of a definition", () => {
  const graph = graphOfTasks({
    extract: { type: "shell", expand: { day: [1] } },
    load: { type: "python", depends_on: ["extract"], when: "params.go" },
    notify: { type: "http", depends_on: ["load"], trigger_rule: "all_done", task_display_name: "Notify" },
    other: { type: "noop" },
  });

  test("has rules, conditions and mapped tasks", () => {
    expect(graph.nodes.map((node) => [node.label, node.rule, node.when, node.isMapped])).toEqual([
      ["extract", null, null, true],
      ["load", null, "params.go", false],
      ["Notify", "all_done", null, false],
      ["other", null, null, false],
    ]);
  });
  test("a default rule counts for tasks that name none", () => {
    expect(graphOfTasks({ a: {}, b: { trigger_rule: "all_success" } }, "all_done").nodes.map((n) => n.rule)).toEqual(["all_done", null]);
  });
  test("names what a task does for others, and draws a tear-down after its set-ups", () => {
    const { nodes, edges } = graphOfTasks({ up: { setup: true }, load: { depends_on: ["up"] }, down: { depends_on: ["load"], teardown: { of: ["up"] } }, tell: { handler: "finally" } }, "all_done");
    expect(nodes.map((node) => [node.role, node.rule])).toEqual([["setup", "all_done"], [null, "all_done"], ["teardown", null], ["handler", "all_done"]]);
    expect(edges).toEqual([["up", "load"], ["load", "down"], ["up", "down"]]);
  });
  test("knows what lies before and after a task", () => {
    expect([...relatives("load", neighbours(graph))].sort()).toEqual(["extract", "load", "notify"]);
  });
  test("has an order in which nothing comes before what it depends on", () => {
    expect(topological(graph)).toEqual(["extract", "other", "load", "notify"]);
  });
});
