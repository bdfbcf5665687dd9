import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect } from "react";
import { upcoming } from "../../api/lists.ts";
import type { Upcoming } from "../../api/shapes.ts";
import { useT } from "../../i18n/index.tsx";
import { Empty, Loaded, Panel } from "../../kit/panel.tsx";
import { Until, useClock } from "../../kit/time.tsx";
import { day, exact, time } from "../../time/format.ts";

const DAYS = 7;

/** The next starts of all DAGs, by day of the shown zone. */
export function UpcomingPage() {
  const { lists } = useT();
  const clock = useClock(300);
  const from = new Date(clock.now).toISOString();
  const to = new Date(clock.now + DAYS * 86_400_000).toISOString();
  const query = useQuery(upcoming(from, to));
  useEffect(() => void (document.title = `${lists.upcoming_title} · Mainspring`), [lists]);
  return (
    <>
      <div className="head">
        <h1>{lists.upcoming_title}</h1>
        <p className="facts" style={{ lineHeight: "28px" }}>
          <span>{lists.upcoming_text}</span>
        </p>
      </div>
      <Loaded query={query}>{(data) => (data.runs.length ? <Days runs={data.runs} /> : <Panel><Empty title={lists.no_upcoming} /></Panel>)}</Loaded>
    </>
  );
}

function Days({ runs }: { runs: Upcoming["runs"] }) {
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
