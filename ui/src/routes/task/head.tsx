import { useNavigate } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import type { Schema } from "../../api/client.ts";
import { runHref, taskHref, type TaskAddress } from "../../api/run.ts";
import { useT } from "../../i18n/index.tsx";
import { useKeys } from "../../keys/keys.ts";
import { Button } from "../../kit/button.tsx";
import { Icon } from "../../kit/icon.tsx";
import { Badge } from "../../kit/state.tsx";
import { Took, Until, useClock } from "../../kit/time.tsx";
import { useIsOffline } from "../../live/state.ts";
import { moment } from "../../time/format.ts";
import { useActions } from "../actions/provider.tsx";
import { Anchor } from "../anchor.tsx";
import { useWhy } from "../run/cause.tsx";
import { MarkTaskDialog } from "../run/dialogs.tsx";
import { useSession } from "../session.tsx";

interface Props {
  run: Schema<"DagRun">;
  task: TaskAddress;
  instance: Schema<"TaskInstance">;
}

/** Name, state, why, how long, where, of which run: and what can be done about it. */
export function TaskHead({ run, task, instance }: Props) {
  const { task: t, run: r } = useT();
  const clock = useClock();
  const why = useWhy(instance);
  const all = instance.max_tries + 1;
  const tries = instance.try_number > 0 && (all > 1 || instance.try_number > 1) ? t.try_of(instance.try_number, Math.max(all, instance.try_number)) : "";
  const where = [instance.operator, instance.hostname && r.on_host(instance.hostname), instance.executor && r.by_executor(instance.executor)].filter(Boolean);
  const parts: ReactNode[] = [
    [why, tries].filter(Boolean).join(", "),
    instance.start_date && <Took key="took" seconds={instance.duration} from={instance.start_date} />,
    instance.next_try_at && instance.state === "up_for_retry" && (
      <span key="next">
        {r.next_try} <Until at={instance.next_try_at} />
      </span>
    ),
    where.join(" "),
    <span key="run">
      {t.of_run}{" "}
      <Anchor className="l" href={runHref(task)}>
        {moment(clock, Date.parse(run.run_after))}
      </Anchor>
      , v{run.dag_versions[0]?.version_number}
    </span>,
  ];
  return (
    <div className="head">
      <div>
        <h1 className="row wrap anywhere">
          {instance.task_display_name || task.taskId}
          {task.mapIndex >= 0 && ` [${instance.rendered_map_index ?? task.mapIndex}]`} <Badge state={instance.state} />
        </h1>
        <p className="facts small">
          {parts.filter(Boolean).map((part, index) => (
            <span key={index}>{part}</span>
          ))}
        </p>
      </div>
      <TaskActions task={task} state={instance.state} />
    </div>
  );
}

function TaskActions({ task, state }: { task: TaskAddress; state: string | null }) {
  const { task: t } = useT();
  const session = useSession();
  const actions = useActions();
  const navigate = useNavigate();
  const isOffline = useIsOffline();
  const [isMarking, setMarking] = useState(false);
  const canAct = session.may("operator", task.dagId);
  const retry = (): void => actions.retry({ dagId: task.dagId, runId: task.runId, taskId: task.taskId, ...(task.mapIndex >= 0 ? { mapIndex: task.mapIndex } : {}) });
  const explain = (): void => void navigate({ href: task.mapIndex >= 0 ? `${taskHref(task)}?tab=explain` : `${taskHref(task)}/explain` });
  useKeys({ KeyR: () => canAct && !isOffline && retry(), KeyX: explain });
  const off = isOffline ? { disabled: true } : {};
  return (
    <div className="acts">
      <Button hotkey="X" onClick={explain}>
        {t.explain}
      </Button>
      {canAct && (
        <>
          <Button {...off} onClick={() => setMarking(true)}>
            {t.mark}
          </Button>
          <Button {...off} primary={state === "failed" || state === "upstream_failed"} hotkey="R" onClick={retry}>
            <Icon name="back" />
            {t.retry_from_here}
          </Button>
        </>
      )}
      {isMarking && <MarkTaskDialog task={task} onClose={() => setMarking(false)} />}
    </div>
  );
}
