import { expect, test } from "vitest";
import { dayAfter, monthAfter, monthsOf } from "./months.ts";

test("a month has all its days below their weekdays", () => {
  const [november] = monthsOf("2026-11-01", "2026-11-30");
  expect(november?.name).toBe("2026-11");
  expect(november?.days.slice(0, 7)).toEqual([null, null, null, null, null, null, "2026-11-01"]);
  expect(november?.days.filter(Boolean)).toHaveLength(30);
});

test("leap years and the turn of the year", () => {
  expect(monthsOf("2028-02-10", "2028-02-11")[0]?.days.at(-1)).toBe("2028-02-29");
  expect(monthsOf("2026-11-15", "2027-02-01").map((month) => month.name)).toEqual(["2026-11", "2026-12", "2027-01", "2027-02"]);
  expect(monthAfter("2026-01-31", -2)).toBe("2025-11-01");
  expect(dayAfter("2026-12-31", 1)).toBe("2027-01-01");
});
