import { useQuery } from "@tanstack/react-query";
import type { Schema } from "../../api/client.ts";
import { dagRun, definition, timeline } from "../../api/run.ts";
import type { GridRun } from "../../api/shapes.ts";
import { useT } from "../../i18n/index.tsx";
import { Button } from "../../kit/button.tsx";
import { Loaded } from "../../kit/panel.tsx";
import { Glyph } from "../../kit/state.tsx";
import { useClock } from "../../kit/time.tsx";
import { moment } from "../../time/format.ts";
import { graphOf } from "../run/overview.tsx";
import { RunTimeline, WaitLegend } from "../run/timeline_panel.tsx";

interface Props {
  dagId: string;
  runs: readonly GridRun[];
  runId: string;
  task: string | null;
  onRun(runId: string): void;
  onTask(taskId: string): void;
  onOpen(taskId: string): void;
}

/** When each task of the chosen run ran, and the runs before and after it. */
export function Gantt({ dagId, runs, runId, task, onRun, onTask, onOpen }: Props) {
  const { dag: t } = useT();
  const clock = useClock();
  const address = { dagId, runId };
  const run = useQuery(dagRun(address));
  const times = useQuery(timeline(address));
  const version = run.data?.dag_versions[0]?.version_number;
  const sent = useQuery({ ...definition(dagId, version), enabled: run.data !== undefined });
  const at = runs.findIndex((each) => each.dag_run_id === runId);
  const [earlier, later] = [runs[at - 1], at < 0 ? undefined : runs[at + 1]];
  return (
    <>
      <div className="row wrap gantt-head">
        <Button className="small" disabled={!earlier} hotkey="[" onClick={() => earlier && onRun(earlier.dag_run_id)}>
          {t.earlier_run}
        </Button>
        <Button className="small" disabled={!later} hotkey="]" onClick={() => later && onRun(later.dag_run_id)}>
          {t.later_run}
        </Button>
        {run.data && (
          <span className="st b">
            <Glyph state={run.data.state} />
            {moment(clock, Date.parse(run.data.run_after))}
          </span>
        )}
        <span className="grow" />
        <WaitLegend />
      </div>
      <Loaded query={run} rows={8} what={runId}>
        {(data) => (
          <Loaded query={sent} rows={8}>
            {(content) => <RunTimeline run={data} times={times} graph={graphOf(content as Schema<"Definition">)} chosen={task} onChoose={onTask} onOpen={onOpen} />}
          </Loaded>
        )}
      </Loaded>
    </>
  );
}
