import { expect, test } from "vitest";
import { en } from "../../i18n/en.ts";
import { type CalendarDay, markOf, upcomingOf } from "./calendar_days.ts";

const look = (...day: CalendarDay) => markOf(day, en.dag.calendar);

test("the worst state of a day shows, and how many runs have it", () => {
  expect(look("2026-11-27", 22, 2, 0, 0, null)).toEqual({ look: "bad", small: "×2", label: "2 failed, 22 succeeded" });
  expect(look("2026-11-27", 1, 0, 0, 3, null)?.look).toBe("ok");
  expect(look("2026-11-28", 0, 0, 1, 0, null)?.look).toBe("run");
  expect(look("2026-11-29", 0, 0, 0, 24, null)).toEqual({ look: "plan", small: "24", label: "24 planned" });
});

test("a day that the schedule leaves out says why; an empty one says nothing", () => {
  expect(look("2026-12-25", 0, 0, 0, 0, "Christmas Day (DE-BY)")).toEqual({ look: "drop", label: "left out: Christmas Day (DE-BY)" });
  expect(look("2026-12-26", 0, 0, 0, 0, null)).toBeUndefined();
});

test("what is still to come shows beside what ran on the day", () => {
  expect(upcomingOf(["2026-11-27", 22, 2, 0, 3, null], en.dag.calendar)).toEqual({ look: "plan", small: "3", label: "3 planned" });
  expect(upcomingOf(["2026-11-27", 22, 2, 0, 0, null], en.dag.calendar)).toBeUndefined();
});
