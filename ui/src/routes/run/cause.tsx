import { useQuery } from "@tanstack/react-query";
import { logExcerpt, taskHref, taskInstance, type TaskAddress } from "../../api/run.ts";
import type { Schema } from "../../api/client.ts";
import { plainText } from "../../log/ansi.ts";
import { useT } from "../../i18n/index.tsx";
import { instanceName } from "../../kit/instance.ts";
import { Glyph, useReason } from "../../kit/state.tsx";
import { Anchor } from "../anchor.tsx";
import type { TimelineAnswer } from "../../timeline/rows.ts";

const SHOWN = 3;

interface Props {
  run: Schema<"DagRun">;
  answer: TimelineAnswer | undefined;
  /** Tasks that did not run because of the failed ones. */
  victims: number;
}

/** Why the run failed: the tasks that no other failure caused, each with the line of its log that says why. */
export function CauseBand({ run, answer, victims }: Props) {
  const { run: t, common } = useT();
  const reason = useReason();
  const roots = answer?.roots ?? [];
  if (roots.length === 0) {
    const text = run.message ? common.said(run.message) : reason(run.state_reason);
    return (
      <section className="note bad cause" aria-label={t.run_failed}>
        <p className="row">
          <Glyph state="failed" large />
          <span>
            <b>{t.run_failed}</b>
            {text && `: ${text}`}
          </span>
        </p>
      </section>
    );
  }
  return (
    <section className="note bad cause" aria-label={t.run_failed}>
      {roots.slice(0, SHOWN).map(([taskId, mapIndex], index) => (
        <Root key={`${taskId} ${mapIndex}`} task={{ dagId: run.dag_id, runId: run.dag_run_id, taskId, mapIndex }} victims={index === 0 ? victims : 0} hasKey={index === 0} />
      ))}
      {roots.length > SHOWN && <p className="small muted">{t.more_failed(roots.length - SHOWN)}</p>}
    </section>
  );
}

export function Root({ task, victims, hasKey }: { task: TaskAddress; victims: number; hasKey: boolean }) {
  const { run: t } = useT();
  const { data: instance } = useQuery(taskInstance(task));
  const why = useWhy(instance);
  const line = useErrorLine(task, instance);
  const name = instanceName(task.taskId, instance ? instance.rendered_map_index : task.mapIndex >= 0 ? String(task.mapIndex) : null);
  const href = taskHref(task);
  return (
    <div className="root">
      <Glyph state="failed" large />
      <div className="grow">
        <p>
          <Anchor className="b" href={href}>
            {name}
          </Anchor>
          {instance && t.failed_on(instance.try_number, Math.max(instance.try_number, instance.max_tries + 1), why)} <span className="muted">{t.victims(victims)}</span>
        </p>
        {line && <p className="why cut">{line}</p>}
      </div>
      <Anchor className="btn" href={href}>
        {t.open_log} {hasKey && <kbd>L</kbd>}
      </Anchor>
    </div>
  );
}

/** The reason of a state in a few words: the exit code where there is one. */
export function useWhy(instance: Schema<"TaskInstance"> | undefined): string {
  const { run: t } = useT();
  const reason = useReason();
  if (!instance) return "";
  if (instance.state_reason === "exit_code" && instance.exit_code !== null && instance.exit_code !== undefined) return t.exit_code(instance.exit_code);
  return reason(instance.state_reason);
}

/** The first error of the log of the latest try, else its last line, else the message of its end. */
function useErrorLine(task: TaskAddress, instance: Schema<"TaskInstance"> | undefined): string {
  const { common } = useT();
  const tryNumber = instance?.try_number ?? 0;
  const { data } = useQuery({ ...logExcerpt({ ...task, tryNumber }, true), enabled: tryNumber > 0 });
  const line = data?.lines.find(([n]) => n === data.firstError) ?? data?.lines.findLast(([, , text]) => text.trim() !== "");
  return line ? plainText(line[2]).slice(0, 300) : common.said(instance?.message ?? "");
}
