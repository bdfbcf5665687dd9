import { expect, test } from "vitest";
import { graphOfTasks, type DagGroup } from "./dag.ts";
import { foldableGroups, foldGraph, standIns } from "./fold.ts";

const GROUPS: DagGroup[] = [
  { id: "load", label: "Loading", tasks: ["load.plan", "load.eu.rows", "load.eu.sizes"] },
  { id: "load.eu", label: "load.eu", tasks: ["load.eu.rows", "load.eu.sizes"] },
];
const GRAPH = graphOfTasks(
  {
    start: { type: "noop" },
    report: { type: "noop", depends_on: ["load.eu.rows", "load.eu.sizes"] },
    "load.plan": { type: "noop", depends_on: ["start"] },
    "load.eu.rows": { type: "noop", depends_on: ["load.plan"] },
    "load.eu.sizes": { type: "noop", depends_on: ["load.plan"] },
  },
  undefined,
  GROUPS,
);

test("a folded group is one node with the edges of its tasks", () => {
  const folded = foldGraph(GRAPH, new Set(["load"]), (n) => `${n} tasks`);
  expect(folded.nodes.map((node) => [node.id, node.label, node.type])).toEqual([
    ["start", "start", "noop"],
    ["report", "report", "noop"],
    ["load", "Loading", "3 tasks"],
  ]);
  expect(folded.edges).toEqual([
    ["load", "report"],
    ["start", "load"],
  ]);
});

test("an inner group folds alone, and is part of a folded outer group", () => {
  expect(foldGraph(GRAPH, new Set(["load.eu"])).nodes.map((node) => node.id)).toEqual(["start", "report", "load.plan", "load.eu"]);
  expect(standIns(GRAPH, new Set(["load.eu", "load"])).get("load.eu.rows")).toBe("load");
  expect(foldGraph(GRAPH, new Set()).nodes).toEqual(GRAPH.nodes);
});

test("a group is not folded when a task outside lies between its tasks", () => {
  const graph = graphOfTasks({ "g.a": {}, x: { depends_on: ["g.a"] }, "g.b": { depends_on: ["x"] } }, undefined, [{ id: "g", label: "g", tasks: ["g.a", "g.b"] }]);
  expect(foldableGroups(graph)).toEqual([]);
  expect(foldableGroups(GRAPH).map((group) => group.id)).toEqual(["load", "load.eu"]);
});
