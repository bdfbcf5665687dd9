import { useQuery } from "@tanstack/react-query";
import { useParams, useSearch } from "@tanstack/react-router";
import { useEffect } from "react";
import { definition, dagRun, explainTask, taskInstance, timeline, type TaskAddress } from "../../api/run.ts";
import type { Schema } from "../../api/client.ts";
import { useT } from "../../i18n/index.tsx";
import { Boundary, Loaded, Panel } from "../../kit/panel.tsx";
import { Glyph, useReason } from "../../kit/state.tsx";
import { Question } from "../approvals/question.tsx";
import { approvalOf } from "./approval.ts";
import { Blockers } from "./explain.tsx";
import { TaskHead } from "./head.tsx";
import { MappedInstances } from "./mapped.tsx";
import { Sides } from "./sides.tsx";
import { TaskLog } from "./task_log.tsx";
import "../run/run.css";
import "./task.css";

/** A task of a run: its tries, what went in and out, and its log, opened at the first error. */
export function TaskPage() {
  const { dagId = "", runId = "", taskId = "", mapIndex, tab } = useParams({ strict: false }) as { dagId?: string; runId?: string; taskId?: string; mapIndex?: string; tab?: string };
  const task: TaskAddress = { dagId, runId, taskId, mapIndex: mapIndex !== undefined && /^\d+$/.test(mapIndex) ? Number(mapIndex) : -1 };
  const run = useQuery(dagRun(task));
  useEffect(() => void (document.title = `${taskId} · ${dagId} · Mainspring`), [taskId, dagId]);
  return (
    <Loaded query={run} what={`${dagId} / ${runId}`} rows={6}>
      {(data) => <OfRun key={`${taskId} ${task.mapIndex}`} run={data} task={task} tab={tab} />}
    </Loaded>
  );
}

/** The definition of the version that ran says whether the task is mapped: then the instances come first. */
function OfRun({ run, task, tab }: { run: Schema<"DagRun">; task: TaskAddress; tab: string | undefined }) {
  const content = useQuery(definition(run.dag_id, run.dag_versions[0]?.version_number));
  const defined = (content.data as Schema<"Definition"> | undefined)?.tasks as Record<string, { type?: string; expand?: object }> | undefined;
  const own = withDefaults(defined?.[task.taskId], content.data as Schema<"Definition"> | undefined);
  if (content.data === undefined && !content.error) return <Loaded query={content}>{() => null}</Loaded>;
  if (own?.expand !== undefined && task.mapIndex < 0) return <MappedInstances run={run} task={task} />;
  return <OneInstance run={run} task={task} tab={tab} defined={own} />;
}

/** A task with the fields that the definition gives to all tasks. */
function withDefaults<Task extends object>(task: Task | undefined, content: Schema<"Definition"> | undefined): Task | undefined {
  return task && { ...(content?.default_args as object | undefined), ...task };
}

function OneInstance({ run, task, tab, defined }: { run: Schema<"DagRun">; task: TaskAddress; tab: string | undefined; defined: object | undefined }) {
  const query = useQuery(taskInstance(task));
  const times = useQuery(timeline(task));
  const search: { try?: number } = useSearch({ strict: false });
  return (
    <Loaded query={query} what={task.taskId} rows={6}>
      {(instance) => {
        const latest = instance.try_number;
        const shown = search.try !== undefined && search.try >= 1 && search.try <= latest ? search.try : latest;
        const isAsking = instance.operator === "approval" && instance.state === "deferred";
        return (
          <>
            <TaskHead run={run} task={task} instance={instance} />
            <div className="lay-task">
              <Boundary>
                <Sides task={task} instance={instance} defined={defined} shown={shown} median={times.data?.medians[task.taskId]} />
              </Boundary>
              <div className="stack task-main">
                {isAsking && <OpenQuestion instance={instance} />}
                {(tab === "explain" || latest === 0) && <WhyPanel task={task} instance={instance} />}
                <Boundary>{latest > 0 && !isAsking && <TaskLog task={task} instance={instance} shown={shown} />}</Boundary>
              </div>
            </div>
          </>
        );
      }}
    </Loaded>
  );
}

/** The question that the task asks, until it has an answer. */
function OpenQuestion({ instance }: { instance: Schema<"TaskInstance"> }) {
  const { common } = useT();
  const open = approvalOf(instance);
  return (
    open && (
      <Panel label={common.approvals}>
        <ul>
          <Question approval={open} />
        </ul>
      </Panel>
    )
  );
}

function WhyPanel({ task, instance }: { task: TaskAddress; instance: Schema<"TaskInstance"> }) {
  const { task: t, common } = useT();
  const { state } = instance;
  const reason = useReason();
  const query = useQuery(explainTask(task));
  const isWaiting = state === null || ["scheduled", "queued", "up_for_retry", "deferred"].includes(state);
  return (
    <Panel title={t.explain_title(task.taskId, isWaiting)} aside={t.explain_now}>
      {!isWaiting && (instance.message || instance.state_reason) ? (
        <p className="pad row">
          <Glyph state={state} />
          <span className="anywhere">{instance.message ? common.said(instance.message) : reason(instance.state_reason)}</span>
        </p>
      ) : (
        <Loaded query={query}>{(explanation) => <Blockers explanation={explanation} />}</Loaded>
      )}
    </Panel>
  );
}
