import { expect, test } from "vitest";
import { en } from "../../i18n/en.ts";
import { ko } from "../../i18n/ko.ts";
import { dayMark } from "./days.ts";

test("a day says how many runs are due, and leads to them", () => {
  expect(dayMark(["2026-12-01", 12, true], en.lists)).toEqual({ look: "plan", small: "12", label: "12 runs", href: "/upcoming?day=2026-12-01" });
  expect(dayMark(["2026-12-01", 1, true], ko.lists)?.label).toBe("실행 1건");
});

test("a day whose runs were not all counted says so", () => {
  expect(dayMark(["2026-12-02", 1440, false], en.lists)).toMatchObject({ small: "1.4k+", label: "at least 1,440 runs" });
  expect(dayMark(["2026-12-02", 0, false], en.lists)).toMatchObject({ small: "+", label: "runs that are not counted" });
});

test("a day without runs has no mark", () => {
  expect(dayMark(["2026-12-03", 0, true], en.lists)).toBeUndefined();
});
