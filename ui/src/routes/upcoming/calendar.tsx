import { useQuery } from "@tanstack/react-query";
import { upcomingDays } from "../../api/lists.ts";
import type { UpcomingDay } from "../../api/shapes.ts";
import { CalendarLegend } from "../../calendar/legend.tsx";
import { type DayMark, MonthGrid } from "../../calendar/month_grid.tsx";
import { dayAfter, monthAfter } from "../../calendar/months.ts";
import { useT } from "../../i18n/index.tsx";
import { Loaded, Panel } from "../../kit/panel.tsx";
import { useNow } from "../../kit/time.tsx";
import { useZone, wallText } from "../../time/zone.ts";
import { dayMark } from "./days.ts";

const MONTHS = 3;

/** Three months of days of the shown zone: how many runs of all DAGs are due. A day leads to its list. */
export function UpcomingCalendar() {
  const { lists, dag } = useT();
  const zone = useZone();
  const today = wallText(zone.name, useNow(60)).slice(0, 10);
  const last = dayAfter(monthAfter(today, MONTHS), -1);
  const query = useQuery(upcomingDays(today, last, zone.name));
  return (
    <Panel title={lists.calendar} aside={dag.calendar.days_of(zone.name)}>
      <Loaded query={query} rows={8}>
        {({ days }) => {
          const marks = new Map(days.map((day: UpcomingDay): [string, DayMark | undefined] => [day[0], dayMark(day, lists)]));
          return <MonthGrid isAhead first={today} last={last} today={today} markOf={(date) => marks.get(date)} />;
        }}
      </Loaded>
      <CalendarLegend entries={[["plan", lists.runs_of_day]]} />
    </Panel>
  );
}
