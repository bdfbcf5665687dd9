import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams, useRouter } from "@tanstack/react-router";
import { useEffect } from "react";
import { useT } from "../../i18n/index.tsx";
import { useKeys } from "../../keys/keys.ts";
import { Boundary, Empty, Loaded } from "../../kit/panel.tsx";
import { TabCount, Tabs } from "../../kit/tabs.tsx";
import { api, ok, type Schema } from "../../api/client.ts";
import { dagRun, runHref, timeline } from "../../api/run.ts";
import { useClock } from "../../kit/time.tsx";
import { moment } from "../../time/format.ts";
import { Anchor } from "../anchor.tsx";
import { CauseBand } from "./cause.tsx";
import { EventsTab } from "./events_tab.tsx";
import { RunHead } from "./head.tsx";
import { NotesTab } from "./notes_tab.tsx";
import { OutputsTab } from "./outputs_tab.tsx";
import { RunOverview } from "./overview.tsx";
import { ParamsTab } from "./params_tab.tsx";
import { instancesIn } from "./states.ts";
import { TasksTab } from "./tasks_tab.tsx";
import "./run.css";

const TABS = ["tasks", "outputs", "params", "events", "notes"] as const;

/** A run: why it failed, the graph of the version that ran, when each task ran, and the chosen task. */
export function RunPage() {
  const { dagId = "", runId = "" } = useParams({ strict: false });
  const query = useQuery(dagRun({ dagId, runId }));
  return (
    <Loaded query={query} what={`${dagId} / ${runId}`} rows={6}>
      {(run) => <Run run={run} />}
    </Loaded>
  );
}

function Run({ run }: { run: Schema<"DagRun"> }) {
  const { tab } = useParams({ strict: false });
  const { run: t, common } = useT();
  const address = { dagId: run.dag_id, runId: run.dag_run_id };
  const times = useQuery(timeline(address));
  useNeighbourKeys(run);
  const clock = useClock();
  const title = `${run.dag_id}, ${moment(clock, Date.parse(run.run_after))} · Mainspring`;
  useEffect(() => void (document.title = title), [title]);
  const victims = times.data?.instances.filter((instance) => instance.state === "upstream_failed").length ?? 0;
  const counts: Partial<Record<(typeof TABS)[number], number>> = { ...(times.data ? { tasks: instancesIn(times.data) } : {}), params: Object.keys(run.params).length };
  const names = { tasks: t.tab_tasks, outputs: t.tab_outputs, params: t.tab_params, events: t.tab_events, notes: t.tab_notes };
  const href = runHref(address);
  return (
    <>
      <RunHead run={run} />
      <Boundary>{run.state === "failed" && <CauseBand run={run} answer={times.data} victims={victims} />}</Boundary>
      <Tabs label={t.tabs} current={tab}>
        <Anchor href={href} aria-current={tab === undefined ? "page" : undefined}>
          {t.tab_run}
        </Anchor>
        {TABS.map((each) => (
          <Anchor key={each} href={`${href}/${each}`} aria-current={tab === each ? "page" : undefined}>
            {names[each]}
            <TabCount>{counts[each]}</TabCount>
          </Anchor>
        ))}
      </Tabs>
      <Boundary>
        {tab === undefined && <RunOverview run={run} times={times} />}
        {tab === "tasks" && <TasksTab run={run} />}
        {tab === "outputs" && <OutputsTab run={run} />}
        {tab === "params" && <ParamsTab run={run} />}
        {tab === "notes" && <NotesTab run={run} />}
        {tab === "events" && <EventsTab run={run} />}
        {tab !== undefined && !(TABS as readonly string[]).includes(tab) && <Empty title={common.page_not_found} />}
      </Boundary>
    </>
  );
}

/** `[` and `]` go to the run before and after, by the instant at which they were due. */
function useNeighbourKeys(run: Schema<"DagRun">): void {
  const navigate = useNavigate();
  const router = useRouter();
  const go = async (isLater: boolean): Promise<void> => {
    const query = isLater ? { run_after_gt: run.run_after, order_by: ["run_after"], limit: 1 } : { run_after_lt: run.run_after, order_by: ["-run_after"], limit: 1 };
    const { dag_runs: runs } = await ok(api.GET("/api/v2/dags/{dag_id}/dagRuns", { params: { path: { dag_id: run.dag_id }, query } }));
    const [next] = runs;
    if (next) void navigate({ href: runHref({ dagId: run.dag_id, runId: next.dag_run_id }) + router.state.location.searchStr });
  };
  useKeys({ BracketLeft: () => void go(false), BracketRight: () => void go(true) });
}
