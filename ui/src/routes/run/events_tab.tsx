import { useInfiniteQuery } from "@tanstack/react-query";
import type { Schema } from "../../api/client.ts";
import { runEvents, taskHref } from "../../api/run.ts";
import { useT } from "../../i18n/index.tsx";
import { Button } from "../../kit/button.tsx";
import { Empty, Loaded, Panel } from "../../kit/panel.tsx";
import { State, useReason } from "../../kit/state.tsx";
import { useClock } from "../../kit/time.tsx";
import { day, exact, timeWithSeconds } from "../../time/format.ts";
import { Anchor } from "../anchor.tsx";

/** What happened to the run and its tasks, in order. */
export function EventsTab({ run }: { run: Schema<"DagRun"> }) {
  const { run: t, common } = useT();
  const query = useInfiniteQuery(runEvents({ dagId: run.dag_id, runId: run.dag_run_id }));
  const events = query.data?.pages.flatMap((page) => page.events);
  return (
    <Panel title={t.events} aside={events ? `${events.length}${query.hasNextPage ? "+" : ""}` : ""}>
      <Loaded query={{ ...query, data: events }}>{(shown) => (shown.length === 0 ? <Empty title={t.no_events} /> : <Events run={run} events={shown} />)}</Loaded>
      {query.hasNextPage && (
        <p className="pad line-top">
          <Button onClick={() => void query.fetchNextPage()} disabled={query.isFetchingNextPage}>
            {common.show_more}
          </Button>
        </p>
      )}
    </Panel>
  );
}

function Events({ run, events }: { run: Schema<"DagRun">; events: readonly Schema<"Event">[] }) {
  const { run: t } = useT();
  return (
    <div className="scroll-x" tabIndex={0}>
      <table className="tbl">
        <thead>
          <tr>
            <th>{t.when}</th>
            <th>{t.what}</th>
            <th>{t.state}</th>
            <th className="num hide-s">{t.try}</th>
            <th className="fill">{t.why}</th>
          </tr>
        </thead>
        <tbody>
          {events.map((event) => (
            <Row key={event.id} run={run} data={event.data} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ run, data }: { run: Schema<"DagRun">; data: Schema<"EventData"> }) {
  const { run: t } = useT();
  const clock = useClock();
  const reason = useReason();
  const at = Date.parse(data.at ?? "");
  const mapIndex = data.map_index ?? -1;
  return (
    <tr>
      <td title={exact(clock, at)}>
        <span className="dim hide-s">{day(clock, at)}</span> {timeWithSeconds(clock, at)}
      </td>
      <td className="b">
        {data.task_id ? (
          <Anchor className="l" href={taskHref({ dagId: run.dag_id, runId: run.dag_run_id, taskId: data.task_id, mapIndex })}>
            {data.task_id}
            {mapIndex >= 0 && ` [${mapIndex}]`}
          </Anchor>
        ) : (
          <span className="muted">{t.the_run}</span>
        )}
      </td>
      <td>{data.state && <State state={data.state} />}</td>
      <td className="num hide-s">{data.try_number}</td>
      <td className="muted">{reason(data.state_reason)}</td>
    </tr>
  );
}
