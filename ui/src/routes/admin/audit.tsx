import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { type Schema, api, ok } from "../../api/client.ts";
import { firstOf } from "../../api/pages.ts";
import { useT } from "../../i18n/index.tsx";
import { Button } from "../../kit/button.tsx";
import { TypedInput } from "../../kit/field.tsx";
import { Icon } from "../../kit/icon.tsx";
import { Empty, Loaded } from "../../kit/panel.tsx";
import { Glyph } from "../../kit/state.tsx";
import { When } from "../../kit/time.tsx";

const PAGE = 100;

/** Who did what, latest first. The filter is a beginning of the user's name. */
export function Audit() {
  const { admin, common } = useT();
  const { q } = useSearch({ strict: false }) as { q?: string };
  const navigate = useNavigate();
  const [limit, setLimit] = useState(PAGE);
  const query = useQuery({
    queryKey: ["admin", "audit", q, limit],
    queryFn: ({ signal }) => firstOf("event_logs", limit, (page) => ok(api.GET("/api/v2/eventLogs", { params: { query: { ...page, order_by: ["-event_log_id"], ...(q ? { owner_prefix_pattern: q } : {}) } }, signal }))),
  });
  return (
    <section className="panel">
      <header className="wrap">
        <h2>{admin.parts.audit}</h2>
        <label className="find">
          <Icon name="search" />
          <TypedInput type="search" placeholder={admin.fields.user} aria-label={admin.fields.user} value={q ?? ""} onChange={(text) => void navigate({ to: "/admin/$part", params: { part: "audit" }, search: text ? { q: text } : {}, replace: true })} />
        </label>
      </header>
      <Loaded query={query} rows={8}>
        {(data) => (data.event_logs.length ? <Events events={data.event_logs} /> : <Empty title={admin.none["audit"]} />)}
      </Loaded>
      {query.data && query.data.event_logs.length >= limit && (
        <p className="pad">
          <Button onClick={() => setLimit(limit + PAGE)}>{common.show_more}</Button>
        </p>
      )}
    </section>
  );
}

function Events({ events }: { events: Schema<"EventLog">[] }) {
  const { admin } = useT();
  const { fields } = admin;
  return (
    <div className="scroll-x">
      <table className="tbl">
        <thead>
          <tr>
            <th>{fields.when}</th>
            <th>{fields.user}</th>
            <th>{fields.event}</th>
            <th className="fill hide-s">{fields.what}</th>
          </tr>
        </thead>
        <tbody>
          {events.map((event) => (
            <tr key={event.event_log_id}>
              <td className="muted">
                <When at={event.when} long />
              </td>
              <td>{event.owner}</td>
              <td>
                <span className="row">
                  {event.outcome === "refused" && <Glyph state="failed" />}
                  <span className="mono">{event.event}</span>
                </span>
              </td>
              <td className="hide-s muted clip">
                {event.dag_id && (
                  <Link className="l" to="/dags/$dagId" params={{ dagId: event.dag_id }}>
                    {event.dag_id}
                  </Link>
                )}{" "}
                {[event.run_id, event.task_id].filter(Boolean).join(" / ")}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
