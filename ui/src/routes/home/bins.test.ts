import { expect, it } from "vitest";
import { scaleOf, windowOf } from "./bins.ts";

it("moves once a bin", () => {
  const at = Date.parse("2026-11-27T03:12:00Z");
  const { from, to, bin, bins } = windowOf("12h", at);
  expect(new Date(from).toISOString()).toBe("2026-11-26T21:10:00.000Z");
  expect((to - from) / bin).toBe(bins);
  expect(windowOf("12h", at + 7 * 60_000)).toEqual(windowOf("12h", at));
  expect(windowOf("12h", at + 8 * 60_000)).not.toEqual(windowOf("12h", at));
});

it("draws one run beside many, and none as nothing", () => {
  const bar = { start: 0, success: 1000, failed: 0, running: 0, planned: 0 };
  const scale = scaleOf([bar], 56);
  expect(scale(0)).toBe(0);
  expect(scale(1)).toBeGreaterThanOrEqual(2.5);
  expect(scale(1000)).toBe(56);
});
