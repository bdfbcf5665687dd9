import { expect, it } from "vitest";
import { backoff } from "./stream.ts";

it("waits half a second at first, thirty seconds at most, and never the same for all", () => {
  expect(backoff(0, 0)).toBe(500);
  expect(backoff(3, 0)).toBe(4000);
  expect(backoff(60, 0)).toBe(30_000);
  expect(backoff(60, 1)).toBe(45_000);
});
