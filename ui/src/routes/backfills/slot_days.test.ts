import { expect, test } from "vitest";
import { en } from "../../i18n/en.ts";
import { marksOf } from "./slot_days.ts";

const t = en.lists.slots;
const slot = (logical_date: string, action: string, reason: string | null = null) => ({ logical_date, action, reason });
const day = (instant: number) => new Date(instant).toISOString().slice(0, 10);

test("a day says what happens to its slots, the first action first", () => {
  const marks = marksOf([slot("2026-11-01T01:30:00Z", "keep", "the run succeeded"), slot("2026-11-02T01:30:00Z", "rerun"), slot("2026-11-02T02:30:00Z", "create"), slot("2026-12-25T01:30:00Z", "excluded", "Christmas Day")], day, t);
  expect(marks.get("2026-11-01")).toEqual({ look: "keep", small: "keep", label: "1 keep; the run succeeded" });
  expect(marks.get("2026-11-02")).toEqual({ look: "new", small: "2", label: "1 new; 1 again" });
  expect(marks.get("2026-12-25")?.look).toBe("drop");
  expect(marks.get("2026-11-03")).toBeUndefined();
});
