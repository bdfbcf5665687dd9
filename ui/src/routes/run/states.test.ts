import { expect, test } from "vitest";
import { graphOfTasks } from "../../graph/dag.ts";
import type { TimelineInstance } from "../../timeline/rows.ts";
import { nodeStates, summaries, worstState } from "./states.ts";

const instance = (task_id: string, state: string | null, rest: Partial<TimelineInstance> = {}): TimelineInstance => ({ task_id, map_index: -1, rendered_map_index: null, handler: null, setup_teardown_type: null, state, state_reason: null, text: null, upstream: [], upstream_more: 0, not_before: null, tries: [], ...rest });
const answer = (instances: TimelineInstance[]) => ({ instances, critical_path: [], medians: {}, median_duration: null, roots: [], parent: null });
const words = { state: (state: string | null) => String(state), duration: (seconds: number) => `${seconds}s`, tryOf: (n: number) => `try ${n}` };

test("the worst state of many", () => {
  expect(worstState(["success", "running", "failed", null])).toBe("failed");
  expect(worstState(["success", "skipped"])).toBe("skipped");
  expect(worstState([null])).toBeNull();
});

test("instances of a mapped task are one summary", () => {
  const tasks = summaries(answer([instance("a", "success", { map_index: 0 }), instance("a", "failed", { map_index: 1 }), instance("b", "running")]));
  expect(tasks.get("a")).toMatchObject({ state: "failed", counts: { success: 1, failed: 1 } });
  expect(tasks.get("b")).toMatchObject({ state: "running", counts: null });
});

test("a folded mapped task shows its worst state", () => {
  const tasks = summaries(answer([instance("a", "success", { counts: { success: 398, failed: 2, running: 0 } })]));
  expect(tasks.get("a")?.state).toBe("failed");
});

test("every node of the graph has a state, also one that has no instance yet", () => {
  const graph = graphOfTasks({ extract: { type: "shell" }, load: { type: "python", depends_on: ["extract"] }, map: { type: "noop", expand: {} }, later: {} });
  const tries = [[1, null, "2026-01-01T00:00:00Z", "2026-01-01T00:00:08Z", "success", "w"]] as const;
  const states = nodeStates(
    graph,
    summaries(answer([instance("extract", "success", { tries }), instance("load", "failed", { tries: [[1, null, null, null, "failed", null], [3, null, null, null, "failed", null]] }), instance("map", "success", { counts: { success: 4, failed: 2 } })])),
    words,
  );
  expect([...states].map(([id, { state, detail, counts }]) => [id, state, detail, counts])).toEqual([
    ["extract", "success", "shell · 8s", null],
    ["load", "failed", "python · try 3", null],
    ["map", "failed", "noop · 4/6", "6"],
    ["later", null, "", null],
  ]);
});
