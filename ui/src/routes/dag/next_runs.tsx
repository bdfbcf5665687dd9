import type { ReactNode } from "react";
import type { Schema } from "../../api/client.ts";
import { useT } from "../../i18n/index.tsx";
import { Loaded, Panel } from "../../kit/panel.tsx";
import { Until, useClock } from "../../kit/time.tsx";
import { type Clock, day, exact, moment, time } from "../../time/format.ts";

type Preview = Schema<"SchedulePreview">;

interface Props {
  query: { data: Preview | undefined; error: unknown; refetch: () => unknown };
  from?: ReactNode;
  /** The scheduler makes no run of a stale DAG, whatever its schedule says. */
  isStale?: boolean;
  /** The runs of the schedule are shown still: those to come start once somebody resumes the DAG. */
  isPaused?: boolean;
}

/** When runs start, and, apart from that, the interval of data that each is about. */
export function NextRuns({ query, from, isStale = false, isPaused = false }: Props) {
  const { dag: t } = useT();
  if (isStale) {
    return (
      <Panel title={t.next_runs}>
        <p className="pad muted">{t.stale_runs}</p>
      </Panel>
    );
  }
  return (
    <Panel title={t.next_runs} aside={query.data ? `${t.next_runs_text}, ${query.data.timezone}` : t.next_runs_text} actions={from}>
      <Loaded query={query} rows={5}>
        {(preview) =>
          preview.runs.length ? (
            <>
              {isPaused && <p className="pad muted">{t.paused_runs}</p>}
              <Table runs={preview.runs} />
              <Dropped preview={preview} />
            </>
          ) : (
            <p className="pad muted">{preview.schedule_error ?? t.none_planned}</p>
          )
        }
      </Loaded>
    </Panel>
  );
}

function Table({ runs }: { runs: Preview["runs"] }) {
  const { dag: t } = useT();
  const clock = useClock();
  return (
    <table className="tbl">
      <thead>
        <tr>
          <th>{t.starts}</th>
          <th className="num">{t.in}</th>
          <th className="hide-s">{t.interval}</th>
        </tr>
      </thead>
      <tbody>
        {runs.map((run) => {
          const at = Date.parse(run.run_after);
          return (
            <tr key={run.run_after + run.logical_date}>
              <td title={exact(clock, at)}>
                {day(clock, at)} <b>{time(clock, at)}</b> {run.moved && <span className="t-retry small">{run.moved}</span>}
              </td>
              <td className="num">
                <Until at={run.run_after} />
              </td>
              <td className="hide-s muted">
                <Interval clock={clock} from={Date.parse(run.data_interval_start)} to={Date.parse(run.data_interval_end)} />
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function Interval({ clock, from, to }: { clock: Clock; from: number; to: number }) {
  const { dag: t } = useT();
  if (from === to) return <>{moment(clock, from)}</>;
  return <>{t.span(moment(clock, from), day(clock, from) === day(clock, to) ? time(clock, to) : moment(clock, to))}</>;
}

function Dropped({ preview }: { preview: Preview }) {
  const { dag: t } = useT();
  if (preview.dropped.length === 0) return <p className="pad small muted">{t.nothing_dropped}</p>;
  return (
    <div className="pad small stack" style={{ gap: "4px" }}>
      <b>{t.dropped}</b>
      {preview.dropped.slice(0, 10).map((each) => (
        <span key={each.local_time}>
          {each.local_time} <span className="muted">{each.reason}</span>
        </span>
      ))}
    </div>
  );
}
