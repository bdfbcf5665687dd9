import { useQuery } from "@tanstack/react-query";
import { Link, useSearch } from "@tanstack/react-router";
import { useEffect } from "react";
import { UPCOMING_MOST, upcoming } from "../../api/lists.ts";
import type { Upcoming } from "../../api/shapes.ts";
import { dayAfter } from "../../calendar/months.ts";
import { useT } from "../../i18n/index.tsx";
import { Chip, Segments } from "../../kit/button.tsx";
import { Empty, Loaded, Panel } from "../../kit/panel.tsx";
import { Until, useClock } from "../../kit/time.tsx";
import { day, exact, time } from "../../time/format.ts";
import { dayStart } from "../../time/zone.ts";
import { useSearchChange } from "../search_change.ts";
import { UpcomingCalendar } from "./calendar.tsx";

const DAYS = 7;
const DAY = /^\d{4}-\d\d-\d\d$/;

/** The next starts of all DAGs, as a list or as a calendar. */
export function UpcomingPage() {
  const { lists } = useT();
  const change = useSearchChange();
  const { view = "list", day: asked }: { view?: "list" | "calendar"; day?: string } = useSearch({ strict: false });
  useEffect(() => void (document.title = `${lists.upcoming_title} · Mainspring`), [lists]);
  return (
    <>
      <div className="head">
        <h1>{lists.upcoming_title}</h1>
        <p className="facts beside">
          <span>{lists.upcoming_text}</span>
        </p>
        <div className="acts">
          <Segments<"list" | "calendar"> label={lists.upcoming_view} value={view} options={[["list", lists.list] as const, ["calendar", lists.calendar] as const]} onChange={(next) => change({ view: next === "list" ? undefined : next, day: undefined })} />
        </div>
      </div>
      {view === "calendar" ? <UpcomingCalendar /> : <List date={asked !== undefined && DAY.test(asked) && !Number.isNaN(Date.parse(asked)) ? asked : null} />}
    </>
  );
}

/** date: only this day of the shown zone; null = the next days. */
function List({ date }: { date: string | null }) {
  const { lists } = useT();
  const change = useSearchChange();
  const clock = useClock(300);
  const iso = (instant: number) => new Date(instant).toISOString();
  const from = date === null ? clock.now : Math.max(clock.now, dayStart(clock.zone, date));
  const to = date === null ? clock.now + DAYS * 86_400_000 : dayStart(clock.zone, dayAfter(date, 1)) - 1;
  const query = useQuery({ ...upcoming(iso(from), iso(to)), enabled: to > from });
  const none = (
    <Panel>
      <Empty title={lists.no_upcoming} />
    </Panel>
  );
  return (
    <>
      {date !== null && (
        <p className="row">
          <Chip on onClick={() => change({ day: undefined })} aria-label={lists.all_days}>
            {day(clock, dayStart(clock.zone, date))} ×
          </Chip>
        </p>
      )}
      {to <= from ? none : <Loaded query={query}>{(data) => (data.runs.length ? <Days runs={data.runs} /> : none)}</Loaded>}
    </>
  );
}

function Days({ runs }: { runs: Upcoming["runs"] }) {
  const { lists } = useT();
  const clock = useClock();
  const days = Map.groupBy(runs, (run) => day(clock, Date.parse(run.run_after)));
  return (
    <div className="stack" style={{ gap: "16px" }}>
      {[...days].map(([title, each]) => (
        <Panel key={title} title={title} aside={each.length}>
          <table className="tbl">
            <tbody>
              {each.map((run) => (
                <Row key={`${run.dag_id} ${run.run_after} ${run.dag_run_id}`} run={run} />
              ))}
            </tbody>
          </table>
        </Panel>
      ))}
      {runs.length === UPCOMING_MOST && <p className="muted small">{lists.first_upcoming(UPCOMING_MOST)}</p>}
    </div>
  );
}

function Row({ run }: { run: Upcoming["runs"][number] }) {
  const { lists } = useT();
  const clock = useClock();
  const at = Date.parse(run.run_after);
  return (
    <tr>
      <td className="b" style={{ inlineSize: "72px" }} title={exact(clock, at)}>
        {time(clock, at)}
      </td>
      <td style={{ inlineSize: "40%" }}>
        <Link className="id" to="/dags/$dagId" params={{ dagId: run.dag_id }}>
          {run.dag_id}
        </Link>
      </td>
      <td className="muted hide-s">
        {run.dag_run_id ? (
          <Link className="l" to="/dags/$dagId/runs/$runId" params={{ dagId: run.dag_id, runId: run.dag_run_id }}>
            {lists.future_run}
          </Link>
        ) : (
          lists.planned
        )}
      </td>
      <td className="num">
        <Until at={run.run_after} />
      </td>
    </tr>
  );
}
