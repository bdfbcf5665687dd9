import { Fragment } from "react";
import type { Schema } from "../../api/client.ts";
import { MonthGrid } from "../../calendar/month_grid.tsx";
import { dayAfter, monthAfter } from "../../calendar/months.ts";
import { useLanguage, useT } from "../../i18n/index.tsx";
import { duration } from "../../time/format.ts";
import { useZone, wallText } from "../../time/zone.ts";
import { ACTIONS, LOOKS, type Slot, marksOf } from "./slot_days.ts";
import "../../calendar/calendar.css";

const MONTHS_MAX = 12;

/** What the backfill would do with each slot of its range, as days; the totals and the estimate below. */
export function SlotCalendar({ plan, places }: { plan: Schema<"DryRunBackfillCollection">; places: number }) {
  const { lists } = useT();
  const { language } = useLanguage();
  const zone = useZone();
  const slots = (plan.slots ?? []) as Slot[];
  const dayOf = (instant: number): string => wallText(zone.name, instant).slice(0, 10);
  const marks = marksOf(slots, dayOf, lists.slots);
  const days = [...marks.keys()];
  const first = days[0];
  const last = days.at(-1);
  if (first === undefined || last === undefined) return <p className="pad muted">{lists.no_slots}</p>;
  const end = dayAfter(monthAfter(first, MONTHS_MAX), -1);
  return (
    <>
      <MonthGrid first={first} last={last < end ? last : end} markOf={(date) => marks.get(date)} />
      {last > end && <p className="pad small muted">{lists.slots.later(dayAfter(end, 1), last)}</p>}
      <dl className="slot-totals small">
        {ACTIONS.map((action) => {
          const count = plan.totals?.[action] ?? 0;
          return count === 0 ? null : (
            <Fragment key={action}>
              <dt>
                <span className="cal">
                  <span className={LOOKS[action]}>{lists.slots.names[action]}</span>
                </span>
              </dt>
              <dd>{lists.slots.totals[action](count)}</dd>
            </Fragment>
          );
        })}
      </dl>
      {plan.estimated_seconds !== null && plan.total_entries > 0 && <p className="note small slot-note">{lists.slots.about(duration(language, plan.estimated_seconds), places)}</p>}
    </>
  );
}
