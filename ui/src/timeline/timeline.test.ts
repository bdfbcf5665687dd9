import { describe, expect, test } from "vitest";
import { fillOf } from "./fills.ts";
import { buildTimeline, type TimelineAnswer, type TimelineInstance } from "./rows.ts";
import { timeScale } from "./scale.ts";

const T0 = Date.parse("2026-11-27T02:30:00Z");
const minute = (n: number): number => T0 + n * 60_000;
const iso = (n: number): string => new Date(minute(n)).toISOString();

describe("the scale", () => {
  test("goes from 0 to 1 and never back", () => {
    const scale = timeScale([[minute(0), minute(10)], [minute(8), minute(40)]]);
    expect(scale.position(minute(0))).toBe(0);
    expect(scale.position(minute(40))).toBeCloseTo(1);
    expect(scale.position(minute(20))).toBeCloseTo(0.5);
    expect(scale.cuts).toEqual([]);
  });

  test("cuts a long gap and leaves the rest its width", () => {
    const scale = timeScale([[minute(0), minute(40)], [minute(600), minute(620)]]);
    expect(scale.cuts).toHaveLength(1);
    expect(scale.cuts[0]).toMatchObject({ start: minute(40), end: minute(600) });
    expect(scale.position(minute(40))).toBeGreaterThan(0.6);
    const instants = [0, 10, 39, 41, 300, 599, 601, 620].map((n) => scale.position(minute(n)));
    expect(instants).toEqual([...instants].sort((a, b) => a - b));
  });

  test("many gaps leave most of the line to what ran", () => {
    const scale = timeScale(Array.from({ length: 30 }, (_, i) => [minute(i * 500), minute(i * 500 + 1)] as const));
    expect(scale.cuts).toHaveLength(29);
    const ran = Array.from({ length: 30 }, (_, i) => scale.position(minute(i * 500 + 1)) - scale.position(minute(i * 500)));
    expect(ran.reduce((a, b) => a + b)).toBeGreaterThan(0.6);
  });

  test("has a few ticks on whole steps of the clock", () => {
    const { ticks } = timeScale([[minute(0.3), minute(40)]]);
    expect(ticks.length).toBeGreaterThan(2);
    expect(ticks.length).toBeLessThanOrEqual(8);
    expect(ticks.every((tick) => tick % 300_000 === 0)).toBe(true);
  });

  test("one instant and no instant are drawn", () => {
    expect(timeScale([[T0, T0]]).position(T0)).toBe(0);
    expect(timeScale([]).position(T0)).toBe(0);
  });
});

const instance = (task_id: string, tries: TimelineInstance["tries"], rest: Partial<TimelineInstance> = {}): TimelineInstance => ({
  task_id,
  map_index: -1,
  rendered_map_index: null,
  handler: null,
  setup_teardown_type: null,
  state: "success",
  state_reason: null,
  text: null,
  upstream: [],
  upstream_more: 0,
  not_before: null,
  tries,
  ...rest,
});
const answer = (instances: TimelineInstance[], rest: Partial<TimelineAnswer> = {}): TimelineAnswer => ({
  instances,
  critical_path: [],
  medians: {},
  median_duration: null,
  roots: [],
  parent: null,
  ...rest,
});

describe("the rows", () => {
  const load = instance("load", [
    [1, iso(4), iso(5), iso(10), "failed", "w-1"],
    [2, iso(12), iso(12), iso(20), "failed", "w-2"],
  ]);

  test("have a bar a try, its wait, and the gap between two tries", () => {
    const { rows } = buildTimeline(answer([load]), ["load"], minute(99), false);
    expect(rows[0]!.bars.map((bar) => [bar.kind, bar.n, bar.length])).toEqual([
      ["wait", 1, 60],
      ["try", 1, 300],
      ["gap", 2, 120],
      ["try", 2, 480],
    ]);
    expect(rows[0]!.ran).toBe(780);
    const edges = rows[0]!.bars.flatMap((bar) => [bar.from, bar.to]);
    expect(edges).toEqual([...edges].sort((a, b) => a - b));
  });

  test("stand in the order of the graph", () => {
    const all = ["z", "a", "gone"].map((id) => instance(id, []));
    expect(buildTimeline(answer(all), ["a", "z"], minute(1), false).rows.map((row) => row.key)).toEqual(["a", "z", "gone"]);
  });

  test("a try that runs ends now", () => {
    const running = instance("load", [[1, iso(0), iso(1), null, "running", "w-1"]], { state: "running" });
    const { rows, scale } = buildTimeline(answer([running]), [], minute(7), true);
    expect(rows[0]!.ran).toBe(360);
    expect(rows[0]!.bars.at(-1)!.to).toBe(scale.position(minute(7)));
  });

  test("a try that waits is a wait up to now", () => {
    const queued = instance("load", [[1, iso(0), null, null, "queued", null]], { state: "queued" });
    const { rows } = buildTimeline(answer([queued]), [], minute(3), true);
    expect(rows[0]!.bars).toMatchObject([{ kind: "wait", length: 180 }]);
    expect(rows[0]!.ran).toBeNull();
  });

  test("what did not run has no bar and no duration", () => {
    const victim = instance("publish", [], { state: "upstream_failed", text: "did not run: load failed" });
    const { rows } = buildTimeline(answer([load, victim]), ["load", "publish"], minute(30), false);
    expect(rows[1]).toMatchObject({ bars: [], ran: null });
  });

  test("the row of a folded mapped task stands for its instances", () => {
    const folded = instance("map", [[1, iso(0), iso(0), iso(4), "failed", null]], { counts: { failed: 1, success: 3 } });
    const { rows } = buildTimeline(answer([folded], { critical_path: [["map", 2]], roots: [["map", 2]] }), [], minute(9), false);
    expect(rows).toMatchObject([{ key: "map", isCritical: true, isRoot: true }]);
  });

  test("the critical path names what takes most of it", () => {
    const fetch = instance("fetch", [[1, iso(0), iso(0), iso(4), "success", "w"]]);
    const timeline = buildTimeline(answer([fetch, load], { critical_path: [["fetch", -1], ["load", -1]], roots: [["load", -1]] }), [], minute(30), false);
    expect(timeline.critical).toEqual({ seconds: 1200, longest: "load", longestSeconds: 960 });
    expect(timeline.rows.map((row) => [row.key, row.isCritical, row.isRoot])).toEqual([
      ["fetch", true, false],
      ["load", true, true],
    ]);
  });
});

test("only a success looks like one", () => {
  expect(fillOf("success")).toBe("b-success");
  expect(["failed", "cancelled", "lost"].map(fillOf)).toEqual(["f", "f", "f"]);
  expect(fillOf("interrupted")).toBe("b-skipped");
});
