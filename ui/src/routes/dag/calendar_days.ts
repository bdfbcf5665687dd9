import type { Messages } from "../../i18n/types.ts";
import type { DayMark } from "../../calendar/month_grid.tsx";

/** One day of `get_calendar`. */
export type CalendarDay = [date: string, success: number, failed: number, running: number, planned: number, dropped: string | null];

/** How a day looks: its worst state, and how many runs have it; undefined = nothing ran and nothing is planned. */
export function markOf([, success, failed, running, planned, dropped]: CalendarDay, t: Messages["dag"]["calendar"]): DayMark | undefined {
  const parts = [failed && t.failed(failed), running && t.running(running), success && t.success(success), planned && t.planned(planned), dropped && t.dropped(dropped)].filter((part): part is string => Boolean(part));
  if (parts.length === 0) return undefined;
  const label = parts.join(", ");
  const many = (n: number) => (n > 1 ? String(n) : "");
  if (failed) return { look: "bad", small: `×${failed}`, label };
  if (running) return { look: "run", small: many(running), label };
  if (success) return { look: "ok", small: many(success), label };
  if (planned) return { look: "plan", small: many(planned), label };
  return { look: "drop", label };
}

/** The same for what is still to come, whatever ran on that day. */
export const upcomingOf = ([date, , , , planned, dropped]: CalendarDay, t: Messages["dag"]["calendar"]): DayMark | undefined => markOf([date, 0, 0, 0, planned, dropped], t);
