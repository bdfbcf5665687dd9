import { useQuery } from "@tanstack/react-query";
import { calendar } from "../../api/dag.ts";
import { CalendarLegend } from "../../calendar/legend.tsx";
import { MonthGrid } from "../../calendar/month_grid.tsx";
import { dayAfter, monthAfter } from "../../calendar/months.ts";
import { useT } from "../../i18n/index.tsx";
import { Loaded, Panel } from "../../kit/panel.tsx";
import { useNow } from "../../kit/time.tsx";
import { useZone, wallText } from "../../time/zone.ts";
import { type CalendarDay, upcomingOf } from "./calendar_days.ts";

const MONTHS = 3;

/** The days from today on for which runs are planned, and those that the schedule leaves out. */
export function UpcomingDays({ dagId }: { dagId: string }) {
  const { dag: t } = useT();
  const zone = useZone();
  const today = wallText(zone.name, useNow(60)).slice(0, 10);
  const last = dayAfter(monthAfter(today, MONTHS), -1);
  const query = useQuery(calendar(dagId, today, last, zone.name));
  return (
    <Panel title={t.days} aside={t.calendar.days_of(zone.name)}>
      <Loaded query={query} rows={8}>
        {(data) => {
          const days = new Map((data.days as CalendarDay[]).map((day) => [day[0], upcomingOf(day, t.calendar)]));
          return <MonthGrid isAhead first={today} last={last} today={today} markOf={(date) => days.get(date)} />;
        }}
      </Loaded>
      <CalendarLegend entries={(["plan", "drop"] as const).map((look) => [look, t.calendar.looks[look]] as const)} />
    </Panel>
  );
}
