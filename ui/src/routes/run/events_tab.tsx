import { useQuery } from "@tanstack/react-query";
import type { Schema } from "../../api/client.ts";
import { runEvents } from "../../api/run.ts";
import { useT } from "../../i18n/index.tsx";
import { Empty, Loaded, Panel } from "../../kit/panel.tsx";
import { When } from "../../kit/time.tsx";

const SHOWN = 200;

/** Who changed what of the run, newest first. */
export function EventsTab({ run }: { run: Schema<"DagRun"> }) {
  const { run: t } = useT();
  const query = useQuery(runEvents({ dagId: run.dag_id, runId: run.dag_run_id }, SHOWN));
  return (
    <Panel title={t.events} aside={query.data ? query.data.total_entries : ""}>
      <Loaded query={query}>{(page) => (page.event_logs.length === 0 ? <Empty title={t.no_events} /> : <Events events={page.event_logs} />)}</Loaded>
    </Panel>
  );
}

function Events({ events }: { events: readonly Schema<"EventLog">[] }) {
  const { run: t } = useT();
  return (
    <div className="scroll-x" tabIndex={0}>
      <table className="tbl">
        <thead>
          <tr>
            <th>{t.when}</th>
            <th>{t.event}</th>
            <th>{t.task}</th>
            <th>{t.who}</th>
            <th>{t.detail}</th>
          </tr>
        </thead>
        <tbody>
          {events.map((event) => (
            <tr key={event.event_log_id}>
              <td>
                <When at={event.when} long />
              </td>
              <td className="mono">{event.event}</td>
              <td>{event.task_id}</td>
              <td>{event.owner ?? t.scheduler}</td>
              <td className="muted clip" title={event.extra ?? ""}>
                {event.extra}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
