import type { DayMark } from "../../calendar/month_grid.tsx";
import type { Messages } from "../../i18n/types.ts";

export const ACTIONS = ["create", "rerun", "keep", "excluded"] as const;
export type SlotAction = (typeof ACTIONS)[number];

export interface Slot {
  logical_date: string | null;
  action: string;
  reason: string | null;
}

/** Classes of the calendar: what is made, run again, left alone, left out. */
export const LOOKS: Record<SlotAction, string> = { create: "new", rerun: "re", keep: "keep", excluded: "drop" };

/** The slots of each day, by the day on the wall of the zone; a day looks like the first of its actions. */
export function marksOf(slots: readonly Slot[], dayOf: (instant: number) => string, t: Messages["lists"]["slots"]): Map<string, DayMark> {
  const days = Map.groupBy(
    slots.filter((slot) => slot.logical_date !== null),
    (slot) => dayOf(Date.parse(slot.logical_date ?? "")),
  );
  return new Map([...days].map(([day, each]) => [day, markOf(each, t)]));
}

function markOf(slots: readonly Slot[], t: Messages["lists"]["slots"]): DayMark {
  const counts = ACTIONS.map((action) => [action, slots.filter((slot) => slot.action === action).length] as const).filter(([, count]) => count > 0);
  const [first] = counts[0] ?? (["keep", 0] as const);
  const reasons = [...new Set(slots.map((slot) => slot.reason).filter((reason): reason is string => reason !== null))];
  const label = [...counts.map(([action, count]) => `${count} ${t.names[action]}`), ...reasons.slice(0, 2)].join("; ");
  return { look: LOOKS[first], small: slots.length > 1 ? String(slots.length) : t.names[first], label };
}
