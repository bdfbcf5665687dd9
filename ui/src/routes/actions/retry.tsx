import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { type Schema, api, ok } from "../../api/client.ts";
import { queries } from "../../api/queries.ts";
import { useT } from "../../i18n/index.tsx";
import { Dialog } from "../../kit/dialog.tsx";
import { Checkbox, Radios } from "../../kit/field.tsx";
import { Failure, Loading } from "../../kit/panel.tsx";
import { useToast } from "../../kit/toast.tsx";
import { InstanceList } from "./instances.tsx";
import type { RetryTarget } from "./provider.tsx";

interface Options {
  downstream: boolean;
  upstream: boolean;
  future: boolean;
  isLatest: boolean;
}

/** What the server is asked to clear: one task with what is downstream, or all that failed in the run. */
export function clearBody({ runId, taskId, mapIndex }: RetryTarget, options: Options, dryRun: boolean): Schema<"ClearBody"> {
  const task = taskId && (mapIndex !== undefined && mapIndex >= 0 ? ([taskId, mapIndex] as [string, number]) : taskId);
  return {
    dry_run: dryRun,
    dag_run_id: runId,
    only_failed: !task,
    ...(task ? { task_ids: [task], include_downstream: options.downstream, include_upstream: options.upstream } : {}),
    include_future: options.future,
    run_on_latest_version: options.isLatest,
  };
}

export function RetryDialog({ target, onClose }: { target: RetryTarget; onClose(): void }) {
  const { actions: t } = useT();
  const toast = useToast();
  const [options, setOptions] = useState<Options>({ downstream: true, upstream: false, future: false, isLatest: false });
  const path = { dag_id: target.dagId };
  const dry = useQuery({
    queryKey: ["run", target.dagId, target.runId, "retry", target.taskId, target.mapIndex, options],
    queryFn: ({ signal }) => ok(api.POST("/api/v2/dags/{dag_id}/clearTaskInstances", { params: { path }, body: clearBody(target, options, true), signal })),
    meta: { isStatic: true },
    staleTime: 0,
  });
  const change = useMutation({
    mutationFn: () => ok(api.POST("/api/v2/dags/{dag_id}/clearTaskInstances", { params: { path }, body: clearBody(target, options, false) })),
    onSuccess: (answer) => {
      toast.note(t.retried(answer.total_entries));
      void queries.invalidateQueries({ predicate: ({ queryKey }) => ["run", "summary", "overview", "grid", "runs"].includes(String(queryKey[0])) });
      onClose();
    },
    onError: (error) => toast.fail(error),
  });
  const instances = dry.data?.task_instances ?? [];
  const count = dry.data?.total_entries ?? instances.length;
  const off = count === 0 ? t.retry_none : undefined;
  return (
    <Dialog
      open
      onClose={onClose}
      title={target.taskId ? t.retry_task(target.taskId) : t.retry_run}
      status={dry.isFetching ? t.dry_run_waits : t.dry_run}
      submit={{ text: t.retry_submit(count), onSubmit: () => change.mutate(), off, isBusy: change.isPending || !dry.data }}
    >
      {dry.error ? <Failure error={dry.error} retry={() => void dry.refetch()} /> : !dry.data ? <Loading rows={2} /> : <p>{off ?? t.retry_text(count)}</p>}
      {count > 0 && <InstanceList instances={instances} />}
      <div className="row wrap" style={{ gap: "6px 16px" }}>
        {target.taskId && (
          <>
            <Checkbox checked={options.downstream} onChange={(downstream) => setOptions({ ...options, downstream })}>
              {t.downstream}
            </Checkbox>
            <Checkbox checked={options.upstream} onChange={(upstream) => setOptions({ ...options, upstream })}>
              {t.upstream}
            </Checkbox>
          </>
        )}
        <Checkbox checked={options.future} onChange={(future) => setOptions({ ...options, future })}>
          {t.later_runs}
        </Checkbox>
      </div>
      <VersionChoice target={target} isLatest={options.isLatest} onChange={(isLatest) => setOptions({ ...options, isLatest })} />
    </Dialog>
  );
}

/** Which definition runs: only asked where a newer one exists. */
function VersionChoice({ target, isLatest, onChange }: { target: RetryTarget; isLatest: boolean; onChange(isLatest: boolean): void }) {
  const { actions: t } = useT();
  const path = { dag_id: target.dagId };
  const { data: run } = useQuery({
    queryKey: ["run", target.dagId, target.runId, "details"],
    queryFn: ({ signal }) => ok(api.GET("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}", { params: { path: { ...path, dag_run_id: target.runId } }, signal })),
  });
  const { data: versions } = useQuery({
    queryKey: ["dag", target.dagId, "latest"],
    queryFn: ({ signal }) => ok(api.GET("/api/v2/dags/{dag_id}/dagVersions", { params: { path, query: { limit: 1, order_by: ["-version_number"] } }, signal })),
  });
  const ran = run?.dag_versions.at(-1)?.version_number;
  const latest = versions?.dag_versions[0]?.version_number;
  if (ran === undefined || latest === undefined || ran === latest) return null;
  const choices = [["ran", t.as_it_ran(ran)] as const, ["latest", t.latest(latest)] as const];
  return (
    <div className="field">
      <span className="lab">{t.definition}</span>
      <Radios label={t.definition} value={isLatest ? "latest" : "ran"} options={choices} onChange={(value) => onChange(value === "latest")} />
    </div>
  );
}
