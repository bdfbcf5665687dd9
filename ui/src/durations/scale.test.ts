import { expect, test } from "vitest";
import { type Dot, bandOf, ticksOf } from "./scale.ts";

const dot = (duration: number, state = "success"): Dot => ({ key: "", state, duration, at: 0, href: "" });

test("the band is the middle half of what succeeded", () => {
  expect(bandOf([4, 1, 3, 2, 5].map((each) => dot(each)).concat(dot(900, "failed")))).toEqual({ low: 2, median: 3, high: 4 });
  expect(bandOf([dot(2), dot(4)])).toEqual({ low: 2.5, median: 3, high: 3.5 });
  expect(bandOf([dot(3, "failed")])).toBeNull();
});

test("ticks are round, few, and reach the longest", () => {
  for (const longest of [0, 0.04, 0.3, 7, 61, 999, 12_345, 400_000, 9_000_000]) {
    const ticks = ticksOf(longest);
    expect(ticks[0]).toBe(0);
    expect(ticks.at(-1)).toBeGreaterThanOrEqual(longest);
    expect(ticks.length).toBeLessThanOrEqual(6);
  }
  expect(ticksOf(61)).toEqual([0, 15, 30, 45, 60, 75]);
});
