import { useQuery } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import { calendar } from "../../api/dag.ts";
import { CalendarLegend } from "../../calendar/legend.tsx";
import { type DayMark, MonthGrid } from "../../calendar/month_grid.tsx";
import { dayAfter, monthAfter } from "../../calendar/months.ts";
import { useT } from "../../i18n/index.tsx";
import { Button } from "../../kit/button.tsx";
import { Loaded, Panel } from "../../kit/panel.tsx";
import { useNow } from "../../kit/time.tsx";
import { dayStart, useZone, wallText } from "../../time/zone.ts";
import { useSearchChange } from "../search_change.ts";
import { type CalendarDay, markOf } from "./calendar_days.ts";

const MONTHS = 12;
/** So many months lie behind the present one; the last one lies ahead. */
const BEFORE = 10;

/** A year of days of the shown zone: what ran, what is planned, what the schedule leaves out. */
export function CalendarTab({ dagId }: { dagId: string }) {
  const { dag: t } = useT();
  const zone = useZone();
  const search: { from?: string } = useSearch({ strict: false });
  const change = useSearchChange();
  const today = wallText(zone.name, useNow(60)).slice(0, 10);
  const first = /^\d{4}-\d\d-01$/.test(search.from ?? "") ? (search.from ?? "") : monthAfter(today, -BEFORE);
  const last = dayAfter(monthAfter(first, MONTHS), -1);
  const query = useQuery(calendar(dagId, first, last, zone.name));
  const turn = (months: number) => () => change({ from: monthAfter(first, months) });
  const actions = (
    <>
      <Button className="small" onClick={turn(-MONTHS)}>
        {t.calendar.earlier}
      </Button>
      <Button className="small" onClick={() => change({ from: undefined })} disabled={search.from === undefined}>
        {t.calendar.today}
      </Button>
      <Button className="small" onClick={turn(MONTHS)}>
        {t.calendar.later}
      </Button>
    </>
  );
  return (
    <Panel title={t.tabs.calendar} aside={t.calendar.days_of(zone.name)} actions={actions}>
      <Loaded query={query} rows={8}>
        {(data) => <Days dagId={dagId} first={first} last={last} today={today} zone={zone.name} days={data.days as CalendarDay[]} />}
      </Loaded>
      <CalendarLegend entries={(["ok", "bad", "run", "plan", "drop"] as const).map((look) => [look, t.calendar.looks[look]] as const)} />
    </Panel>
  );
}

interface DaysProps {
  dagId: string;
  first: string;
  last: string;
  today: string;
  zone: string;
  days: readonly CalendarDay[];
}

function Days({ dagId, first, last, today, zone, days }: DaysProps) {
  const { dag: t } = useT();
  const known = new Map(days.map((day) => [day[0], day]));
  const mark = (date: string): DayMark | undefined => {
    const day = known.get(date);
    const shown = day && markOf(day, t.calendar);
    if (!day || !shown || day[1] + day[2] + day[3] === 0) return shown;
    return { ...shown, href: runsOfDay(dagId, date, zone) };
  };
  return <MonthGrid first={first} last={last} today={today} markOf={mark} />;
}

/** The list of the runs of a day. */
function runsOfDay(dagId: string, date: string, zone: string): string {
  const midnight = (each: string) => new Date(dayStart(zone, each)).toISOString();
  return `/runs?${new URLSearchParams({ dag: dagId, from: midnight(date), to: midnight(dayAfter(date, 1)) })}`;
}
