import { expect, test } from "vitest";
import type { GridRun } from "../api/shapes.ts";
import { cellClass, hasTries, heights, instancesOf, moveBy, secondsOf, versionStarts } from "./model.ts";

const run = (rest: Partial<GridRun> = {}): GridRun => ({ dag_run_id: "r", run_type: "scheduled", state: "success", version_number: 1, run_after: "2026-01-01T00:00:00Z", start_date: "2026-01-01T00:00:00Z", end_date: "2026-01-01T00:01:00Z", cells: [], ...rest });
const NOW = Date.parse("2026-01-01T00:02:00Z");

test("arrows move within the grid", () => {
  const size = { rows: 4, columns: 3 };
  expect(moveBy("ArrowRight", { row: 0, column: 2 }, size)).toEqual({ row: 0, column: 2 });
  expect(moveBy("ArrowDown", { row: 0, column: 1 }, size)).toEqual({ row: 1, column: 1 });
  expect(moveBy("Home", { row: 3, column: 2 }, size)).toEqual({ row: 3, column: 0 });
  expect(moveBy("End", { row: 3, column: 0 }, size)).toEqual({ row: 3, column: 2 });
  expect(moveBy("PageDown", { row: 0, column: 0 }, size)).toEqual({ row: 3, column: 0 });
  expect(moveBy("ArrowUp", { row: 0, column: 0 }, { rows: 0, columns: 0 })).toEqual({ row: 0, column: 0 });
  expect(moveBy("r", { row: 0, column: 0 }, size)).toBeNull();
});

test("bars are as high as the run took against the longest", () => {
  const runs = [run(), run({ end_date: null }), run({ start_date: null, end_date: null })];
  expect(runs.map((each) => secondsOf(each, NOW))).toEqual([60, 120, null]);
  expect(heights(runs, NOW)).toEqual({ heights: [0.5, 1, 0], longest: 120 });
  expect(heights([run({ end_date: "2026-01-01T00:00:00Z" })], NOW).heights).toEqual([0.06]);
});

test("a version begins where the run before ran another", () => {
  expect(versionStarts([1, 1, 2, 3, 3].map((version_number) => run({ version_number })))).toEqual([null, null, 2, 3, null]);
});

test("a mapped task has the number of instances of its latest run", () => {
  const runs = [run({ cells: [["success", 1, { success: 3 }]] }), run({ cells: [["failed", 1, { success: 3, failed: 1 }]] }), run({ cells: [null] })];
  expect([instancesOf(runs, 0), instancesOf(runs, 1)]).toEqual([4, null]);
});

test("a cell has the shape of its state, and a corner for more than one try", () => {
  expect([cellClass(null), cellClass(["success", 1]), cellClass(["failed", 3]), cellClass(["new_state", 1]), cellClass([null, 0])]).toEqual(["c-n", "c-s", "c-f", "c-n", "c-n"]);
  expect([hasTries(null), hasTries(["success", 1]), hasTries(["failed", 3])]).toEqual([false, false, true]);
});
