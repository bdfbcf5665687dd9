import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Collector, EVERYTHING, type Prefix, affectedBy } from "./affected.ts";

const event = (kind: string, data: object) => ({ id: "1", event: kind, data });

describe("what an event puts out of date", () => {
  it("is the run and the lists that show it", () => {
    const prefixes = affectedBy(event("run", { dag_id: "etl", dag_run_id: "r1", state: "failed" }));
    expect(prefixes).toContainEqual(["run", "etl", "r1"]);
    expect(prefixes).toContainEqual(["summary"]);
    expect(prefixes).toContainEqual(["grid", "etl"]);
  });
  it("is no list of runs for a task that starts", () => {
    const prefixes = affectedBy(event("task", { dag_id: "etl", dag_run_id: "r1", task_id: "a", state: "running" }));
    expect(prefixes).toEqual([["run", "etl", "r1"], ["grid", "etl"]]);
  });
  it("is everything after a reset, and nothing of what a newer server sends", () => {
    expect(affectedBy(event("reset", { reason: "too_old" }))).toBe(EVERYTHING);
    expect(affectedBy(event("comet", {}))).toEqual([]);
  });
});

describe("the collector", () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());
  const start = () => {
    const handed: Prefix[][] = [];
    return { handed, collector: new Collector((prefixes) => handed.push(prefixes), () => Date.now()) };
  };

  it("hands out a single change at once", () => {
    const { handed, collector } = start();
    collector.add([["summary"]]);
    vi.advanceTimersByTime(50);
    expect(handed).toEqual([[["summary"]]]);
  });

  it("hands out a storm once a second, and the last of it too", () => {
    const { handed, collector } = start();
    for (let index = 0; index < 300; index += 1) {
      collector.add([["summary"]]);
      vi.advanceTimersByTime(10);
    }
    vi.advanceTimersByTime(2000);
    expect(handed.length).toBeGreaterThanOrEqual(3);
    expect(handed.length).toBeLessThanOrEqual(5);
  });

  it("lets no key wait for another", () => {
    const { handed, collector } = start();
    collector.add([["summary"]]);
    vi.advanceTimersByTime(100);
    collector.add([["summary"], ["run", "etl", "r1"]]);
    vi.advanceTimersByTime(100);
    expect(handed.flat()).toContainEqual(["run", "etl", "r1"]);
    vi.advanceTimersByTime(1000);
    expect(handed.flat().filter((prefix) => prefix[0] === "summary")).toHaveLength(2);
  });

  it("says the wider one alone", () => {
    const { handed, collector } = start();
    collector.add([["run", "etl", "r1"], []]);
    vi.advanceTimersByTime(50);
    expect(handed).toEqual([[[]]]);
  });

  it("keeps everything while held, and counts", () => {
    const { handed, collector } = start();
    collector.hold(true);
    collector.add([["summary"]]);
    collector.add([["runs"]]);
    vi.advanceTimersByTime(5000);
    expect(handed).toEqual([]);
    expect(collector.held).toBe(2);
    collector.hold(false);
    vi.advanceTimersByTime(50);
    expect(handed.flat()).toHaveLength(2);
  });
});
