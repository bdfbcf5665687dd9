import { expect, test } from "vitest";
import { en } from "../../i18n/en.ts";
import { ko } from "../../i18n/ko.ts";
import { dayMark } from "./days.ts";

test("a day says how many runs of how many DAGs are due, and leads to them", () => {
  expect(dayMark(["2026-12-01", 12, 3, true], en.lists)).toEqual({ look: "plan", small: "12", label: "12 runs of 3 DAGs", href: "/upcoming?day=2026-12-01" });
  expect(dayMark(["2026-12-01", 1, 1, true], ko.lists)?.label).toBe("실행 1건, DAG 1개");
});

test("a day whose runs were not all counted says so", () => {
  expect(dayMark(["2026-12-02", 1440, 2, false], en.lists)).toMatchObject({ small: "1.4k+", label: "at least 1,440 runs of 2 DAGs" });
  expect(dayMark(["2026-12-02", 0, 0, false], en.lists)?.small).toBe("?");
});

test("a day without runs has no mark", () => {
  expect(dayMark(["2026-12-03", 0, 0, true], en.lists)).toBeUndefined();
});
