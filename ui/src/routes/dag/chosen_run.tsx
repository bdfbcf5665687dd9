import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useMemo } from "react";
import type { Schema } from "../../api/client.ts";
import { dagRun, definition, runHref, taskHref, timeline } from "../../api/run.ts";
import { GraphView } from "../../graph/graph_view.tsx";
import { useLanguage, useT } from "../../i18n/index.tsx";
import { Loaded, Panel } from "../../kit/panel.tsx";
import { Glyph, useStateWord } from "../../kit/state.tsx";
import { useClock } from "../../kit/time.tsx";
import { duration, moment } from "../../time/format.ts";
import { Anchor } from "../anchor.tsx";
import { Root } from "../run/cause.tsx";
import { graphOf } from "../run/overview.tsx";
import { nodeStates, summaries } from "../run/states.ts";
import { useSearchChange } from "../search_change.ts";
import "../run/run.css";

/** The chosen run beside the grid: why it failed, and the graph of the version that ran. */
export function ChosenRun({ dagId, runId, task }: { dagId: string; runId: string; task: string | null }) {
  const query = useQuery(dagRun({ dagId, runId }));
  return (
    <Loaded query={query} rows={5} what={runId}>
      {(run) => <RunSide run={run} task={task} />}
    </Loaded>
  );
}

function RunSide({ run, task }: { run: Schema<"DagRun">; task: string | null }) {
  const { dag: t, common } = useT();
  const clock = useClock();
  const address = { dagId: run.dag_id, runId: run.dag_run_id };
  const times = useQuery(timeline(address));
  const version = run.dag_versions[0]?.version_number;
  const sent = useQuery(definition(run.dag_id, version));
  const title = (
    <span className="row">
      <Glyph state={run.state} />
      {moment(clock, Date.parse(run.run_after))}
    </span>
  );
  const open = (
    <Anchor className="btn bare small" href={runHref(address)}>
      {t.open_run} <kbd>↵</kbd>
    </Anchor>
  );
  const root = times.data?.roots[0];
  return (
    <Panel title={title} aside={`v${version}, ${common.run_types[run.run_type] ?? run.run_type}`} actions={open}>
      {run.state === "failed" && root && (
        <div className="note bad side-note cause">
          <Root task={{ ...address, taskId: root[0], mapIndex: root[1] }} victims={0} hasKey={false} />
        </div>
      )}
      <Loaded query={sent} rows={6}>
        {(content) => <SideGraph run={run} content={content as Schema<"Definition">} times={times.data} task={task} />}
      </Loaded>
    </Panel>
  );
}

function SideGraph({ run, content, times, task }: { run: Schema<"DagRun">; content: Schema<"Definition">; times: Parameters<typeof summaries>[0] | undefined; task: string | null }) {
  const { run: t } = useT();
  const { language } = useLanguage();
  const word = useStateWord();
  const change = useSearchChange();
  const navigate = useNavigate();
  const graph = graphOf(content);
  const states = useMemo(
    () => nodeStates(graph, times ? summaries(times) : new Map(), { state: word, duration: (seconds) => duration(language, seconds), tryOf: t.try_n }),
    // The words change with the language only.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [graph, times, language],
  );
  const hrefOf = (taskId: string): string => taskHref({ dagId: run.dag_id, runId: run.dag_run_id, taskId, mapIndex: -1 });
  const name = `v${run.dag_versions[0]?.version_number}`;
  return <GraphView graph={graph} states={states} chosen={task} isDimming={task !== null} label={t.graph_label(name)} direction="down" maxHeight={560} hrefOf={hrefOf} onChoose={(taskId) => change({ task: taskId, run: run.dag_run_id })} onOpen={(taskId) => void navigate({ href: hrefOf(taskId) })} />;
}
