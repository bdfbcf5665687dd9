import type { UpcomingDay } from "../../api/shapes.ts";
import type { DayMark } from "../../calendar/month_grid.tsx";
import type { Messages } from "../../i18n/types.ts";

/** How a day to come looks: how many runs are due, with a plus where more may be. Undefined = none is. */
export function dayMark([date, runs, isComplete]: UpcomingDay, t: Messages["lists"]): DayMark | undefined {
  if (runs === 0 && isComplete) return undefined;
  return { look: "plan", small: (runs > 0 ? shortCount(runs) : "") + (isComplete ? "" : "+"), label: runs > 0 ? t.day_label(runs, isComplete) : t.day_unknown, href: `/upcoming?day=${date}` };
}

/** At most four characters. */
const shortCount = (n: number): string => (n < 1000 ? String(n) : n < 9950 ? `${(n / 1000).toFixed(1)}k` : `${Math.round(n / 1000)}k`);
