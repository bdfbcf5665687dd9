import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { Schema } from "../../api/client.ts";
import { dagVersions, schedule } from "../../api/dag.ts";
import { dagRuns } from "../../api/lists.ts";
import { PAGE_MAX } from "../../api/pages.ts";
import { useT } from "../../i18n/index.tsx";
import { Button } from "../../kit/button.tsx";
import { Empty, Loaded, Panel } from "../../kit/panel.tsx";
import { BulkBar } from "../runs/bulk.tsx";
import { useSelection } from "../runs/selection.ts";
import { RunTable } from "../runs/table.tsx";
import { useSession } from "../session.tsx";
import { InstantInput } from "../trigger/instant.tsx";
import { NextRuns } from "./next_runs.tsx";
import { UpcomingDays } from "./upcoming_days.tsx";
import { Versions } from "./versions.tsx";

const PAGE = 50;

export function RunsTab({ dagId }: { dagId: string }) {
  const { common, dag: t } = useT();
  const [limit, setLimit] = useState(PAGE);
  const query = useQuery(dagRuns(dagId, undefined, limit));
  const selection = useSelection();
  const session = useSession();
  return (
    <>
      <Panel label={common.runs}>
        <Loaded query={query} rows={8}>
          {(data) =>
            data.dag_runs.length ? (
              <RunTable runs={data.dag_runs} isOneDag selection={session.may("operator", dagId) ? selection : undefined} />
            ) : (
              <Empty title={t.no_runs}>
                <p>{t.no_runs_text}</p>
              </Empty>
            )
          }
        </Loaded>
        {query.data && query.data.dag_runs.length >= limit && (
          <p className="pad">
            <Button onClick={() => setLimit(limit + PAGE)}>{common.show_more}</Button>
          </p>
        )}
      </Panel>
      <BulkBar selection={selection} />
    </>
  );
}

export function VersionsTab({ dagId }: { dagId: string }) {
  const { common } = useT();
  const [limit, setLimit] = useState(PAGE_MAX);
  const query = useQuery(dagVersions(dagId, limit));
  return (
    <Versions dagId={dagId} query={query}>
      {query.data && query.data.total_entries > query.data.dag_versions.length && (
        <p className="pad">
          <Button onClick={() => setLimit(limit + PAGE_MAX)}>{common.show_more}</Button>
        </p>
      )}
    </Versions>
  );
}

/** The next runs from any instant: what a schedule will do over a change of the clocks, or next year. */
export function ScheduleTab({ dag: { dag_id: dagId, is_stale: isStale, is_paused: isPaused } }: { dag: Schema<"DagDetails"> }) {
  const { dag: t } = useT();
  const [after, setAfter] = useState<string | undefined>();
  const query = useQuery(schedule(dagId, 25, after));
  if (isStale) return <NextRuns query={query} isStale />;
  return (
    <div className="lay-two">
      <NextRuns
        query={query}
        isPaused={isPaused}
        from={
          <label className="row wrap small muted">
            {t.schedule_from} <InstantInput ids={{ id: "schedule-from" }} value={after} onChange={setAfter} />
          </label>
        }
      />
      <UpcomingDays dagId={dagId} />
    </div>
  );
}
