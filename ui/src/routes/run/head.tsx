import { useQuery } from "@tanstack/react-query";
import { Fragment, type ReactNode, useState } from "react";
import type { Schema } from "../../api/client.ts";
import { latestVersion, runHref, timeline } from "../../api/run.ts";
import { useLanguage, useT } from "../../i18n/index.tsx";
import { useKeys } from "../../keys/keys.ts";
import { Button } from "../../kit/button.tsx";
import { copyText } from "../../kit/copy.ts";
import { Icon } from "../../kit/icon.tsx";
import { Menu, MenuItem } from "../../kit/menu.tsx";
import { Badge, useReason } from "../../kit/state.tsx";
import { Took, useClock } from "../../kit/time.tsx";
import { useToast } from "../../kit/toast.tsx";
import { useIsOffline } from "../../live/state.ts";
import { day, duration, moment } from "../../time/format.ts";
import { useActions } from "../actions/provider.tsx";
import { Anchor } from "../anchor.tsx";
import { useSession } from "../session.tsx";
import { CancelRunDialog, ClearRunDialog, DeleteRunDialog, MarkRunDialog } from "./dialogs.tsx";

type Run = Schema<"DagRun">;

/** When, in which state, what data, how long, which version, who: and what can be done about it. */
export function RunHead({ run }: { run: Run }) {
  const clock = useClock();
  const reason = useReason();
  return (
    <div className="head">
      <div>
        <h1 className="row wrap">
          {moment(clock, Date.parse(run.run_after))} <Badge state={run.state} />
        </h1>
        <Facts run={run} />
        {run.state_reason === "cancelling" && <p className="small muted">{reason(run.state_reason)}</p>}
        {run.note && <p className="small muted anywhere">{run.note}</p>}
      </div>
      <RunActions run={run} />
    </div>
  );
}

function Facts({ run }: { run: Run }) {
  const { run: t, common } = useT();
  const toast = useToast();
  const type = common.run_types[run.run_type] ?? run.run_type;
  const data = useDataText(run);
  const copy = (): void => void copyText(run.dag_run_id).then(() => toast.note(common.copied));
  const parts: ReactNode[] = [
    <Anchor key="dag" className="l" href={`/dags/${encodeURIComponent(run.dag_id)}`}>
      {run.dag_id}
    </Anchor>,
    [type, data].filter(Boolean).join(", "),
    run.start_date && (
      <span key="took">
        <Took seconds={run.duration} from={run.start_date} />
        <Median run={run} />
      </span>
    ),
    <Version key="version" run={run} />,
    run.triggering_user_name && t.by_user(run.triggering_user_name),
    run.is_paused && !run.is_finished && t.is_paused,
    run.priority !== 0 && t.priority(run.priority),
    run.concurrency_key && t.concurrency_key(run.concurrency_key),
    run.run_type === "operator_triggered" && <Parent key="parent" run={run} />,
    run.sources.length > 0 && <Sources key="sources" run={run} />,
    <button key="id" type="button" className="bare-button mono dim hide-s" title={t.copy_id} onClick={copy}>
      {run.dag_run_id}
    </button>,
  ];
  return (
    <p className="facts small">
      {parts.filter(Boolean).map((part, index) => (
        <span key={index}>{part}</span>
      ))}
    </p>
  );
}

/** How long the latest successful runs of the DAG took, to compare. */
function Median({ run }: { run: Run }) {
  const { run: t } = useT();
  const { language } = useLanguage();
  const { data } = useQuery(timeline({ dagId: run.dag_id, runId: run.dag_run_id }));
  const seconds = data?.median_duration ?? null;
  return seconds === null ? null : <>, {t.median(duration(language, seconds))}</>;
}

const DAY = 86_400_000;

/** The interval of the data: a day by its name, anything else from and to. */
function useDataText(run: Run): string {
  const { run: t } = useT();
  const clock = useClock();
  if (!run.data_interval_start || !run.data_interval_end || run.run_type === "manual") return "";
  const [start, end] = [Date.parse(run.data_interval_start), Date.parse(run.data_interval_end)];
  if (end <= start) return "";
  return end - start === DAY ? t.data_of(day(clock, start)) : t.data_between(moment(clock, start), moment(clock, end));
}

/** The version that ran, and whether there is a newer one now. */
function Version({ run }: { run: Run }) {
  const { run: t } = useT();
  const { data } = useQuery(latestVersion(run.dag_id));
  const ran = run.dag_versions[0];
  const latest = data?.dag_versions[0];
  if (!ran) return null;
  const path = `/dags/${encodeURIComponent(run.dag_id)}`;
  const isNewer = !ran.is_inline && latest !== undefined && latest.version_number > ran.version_number;
  const isDuring = isNewer && run.start_date !== null && (run.end_date === null || latest.created_at < run.end_date);
  const [before, after] = t.version_ran("\0").split("\0");
  const [newBefore, newAfter] = (isDuring ? t.newer_during("\0") : t.newer_since("\0")).split("\0");
  return (
    <>
      {before}
      <Anchor className="l" href={`${path}/definition?version=${ran.version_number}`}>
        v{ran.version_number}
      </Anchor>
      {after}
      {ran.is_inline && (
        <>
          {" "}
          <span className="tag" title={t.not_saved_text}>
            {t.not_saved}
          </span>
        </>
      )}
      {isNewer && (
        <>
          ; {newBefore}
          <Anchor className="l" href={`${path}/versions/${ran.version_number}...${latest.version_number}`}>
            v{latest.version_number}
          </Anchor>
          {newAfter}
        </>
      )}
    </>
  );
}

/** The task that started this run. */
function Parent({ run }: { run: Run }) {
  const { run: t } = useT();
  const { data } = useQuery(timeline({ dagId: run.dag_id, runId: run.dag_run_id }));
  const parent = data?.parent;
  if (!parent) return null;
  const address = { dagId: parent.dag_id, runId: parent.dag_run_id };
  return (
    <>
      {t.parent_run}{" "}
      <Anchor className="l" href={`${runHref(address)}?task=${encodeURIComponent(parent.task_id)}`}>
        {parent.dag_id}
      </Anchor>
    </>
  );
}

/** The runs whose ends made the run. */
function Sources({ run }: { run: Run }) {
  const { run: t } = useT();
  return (
    <>
      {t.after_runs}{" "}
      {run.sources.map((source, index) => (
        <Fragment key={`${source.dag_id} ${source.dag_run_id}`}>
          {index > 0 && ", "}
          <Anchor className="l" href={runHref({ dagId: source.dag_id, runId: source.dag_run_id })}>
            {source.dag_id}
          </Anchor>
        </Fragment>
      ))}
    </>
  );
}

type Dialog = "clear" | "mark" | "cancel" | "delete" | null;

function RunActions({ run }: { run: Run }) {
  const { run: t } = useT();
  const session = useSession();
  const actions = useActions();
  const isOffline = useIsOffline();
  const [dialog, setDialog] = useState<Dialog>(null);
  const canAct = session.may("operator", run.dag_id);
  const isActive = run.state === "running" || run.state === "queued";
  const retry = (): void => actions.retry({ dagId: run.dag_id, runId: run.dag_run_id });
  const act = (what: () => void) => () => canAct && !isOffline && what();
  useKeys({ KeyR: act(retry), KeyC: act(() => setDialog("clear")) });
  if (!canAct) return null;
  const close = (): void => setDialog(null);
  const off = isOffline ? { disabled: true } : {};
  return (
    <div className="acts">
      <Menu label={t.more} className="btn icon" trigger={<Icon name="dots" />}>
        <MenuItem onClick={() => setDialog("delete")}>{t.remove}</MenuItem>
      </Menu>
      <Button {...off} onClick={() => setDialog("mark")}>
        {t.mark}
      </Button>
      <Button {...off} hotkey="C" onClick={() => setDialog("clear")}>
        {t.clear}
      </Button>
      {isActive && (
        <Button {...off} primary onClick={() => setDialog("cancel")}>
          {t.cancel}
        </Button>
      )}
      {run.state === "failed" && (
        <Button {...off} primary hotkey="R" onClick={retry}>
          <Icon name="back" />
          {t.retry_failed}
        </Button>
      )}
      {dialog === "clear" && <ClearRunDialog run={run} onClose={close} />}
      {dialog === "mark" && <MarkRunDialog run={run} onClose={close} />}
      {dialog === "cancel" && <CancelRunDialog run={run} onClose={close} />}
      {dialog === "delete" && <DeleteRunDialog run={run} onClose={close} />}
    </div>
  );
}
