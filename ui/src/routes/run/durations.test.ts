import { expect, test } from "vitest";
import { durationsOf, withDurations } from "./durations.ts";
import type { TaskSummary } from "./states.ts";

const NOW = Date.parse("2026-11-27T03:00:00Z");
const task = (taskId: string, more: Partial<TaskSummary>): [string, TaskSummary] => [
  taskId,
  { taskId, state: "success", stateReason: null, text: null, tries: 1, counts: null, start: "2026-11-27T02:00:00Z", end: "2026-11-27T02:01:40Z", took: 100, ...more },
];

test("the longest task or median is the whole of a bar", () => {
  const durations = durationsOf(new Map([task("load", {}), task("report", { took: 25 })]), { load: 200, report: 25 }, NOW);
  expect(durations.get("load")).toEqual({ seconds: 100, median: 200, share: 0.5, medianShare: 1, isSlow: false });
  expect(durations.get("report")).toMatchObject({ share: 0.125, medianShare: 0.125 });
});

test("a task that runs lasts up to now, one that has not started has no bar", () => {
  const durations = durationsOf(new Map([task("load", { end: null, took: null }), task("report", { start: null, end: null, took: null })]), {}, NOW);
  expect(durations.get("load")?.seconds).toBe(3600);
  expect(durations.has("report")).toBe(false);
});

test("a start after now, by another clock, is no negative span", () => {
  expect(durationsOf(new Map([task("load", { start: "2026-11-27T03:00:02Z", end: null, took: null })]), {}, NOW).get("load")).toMatchObject({ seconds: 0, share: 0 });
});

test("a mapped task has no median: that of one instance is no measure for all", () => {
  expect(durationsOf(new Map([task("extract", { counts: { success: 4 } })]), { extract: 10 }, NOW).get("extract")).toMatchObject({ median: null, isSlow: false });
});

test("slow is more than half above the median and more than five seconds", () => {
  const slow = (took: number, median: number) => durationsOf(new Map([task("load", { took })]), { load: median }, NOW).get("load")!.isSlow;
  expect([slow(16, 10), slow(15, 10), slow(4, 1), slow(7, 1)]).toEqual([true, false, false, true]);
});

test("a node names its duration and the median, others stay as they are", () => {
  const tasks = new Map([task("load", {})]);
  const states = new Map(["load", "wait"].map((id) => [id, { state: null, detail: "shell", counts: null }]));
  const words = { duration: (seconds: number) => `${seconds} s`, median: (span: string) => `median ${span}` };
  const shown = withDurations(states, durationsOf(tasks, { load: 50 }, NOW), words);
  expect(shown.get("load")?.detail).toBe("100 s, median 50 s");
  expect(shown.get("wait")).toBe(states.get("wait"));
});
