import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { api, ok, type Schema } from "../../api/client.ts";
import type { RunAddress, TaskAddress } from "../../api/run.ts";
import { useT } from "../../i18n/index.tsx";
import { Dialog } from "../../kit/dialog.tsx";
import { faultText } from "../../kit/fault.ts";
import { Checkbox, Field, Radios } from "../../kit/field.tsx";
import { useToast } from "../../kit/toast.tsx";
import { InstanceList } from "../actions/instances.tsx";

type Run = Schema<"DagRun">;

const pathOf = (run: Run) => ({ dag_id: run.dag_id, dag_run_id: run.dag_run_id });

/** A change of a run: everything of it is read again afterwards, and the error of a refusal is said. */
function useChange(run: RunAddress, change: () => Promise<unknown>, done: () => void) {
  const client = useQueryClient();
  const toast = useToast();
  return useMutation({
    mutationFn: change,
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ["run", run.dagId, run.runId] });
      void client.invalidateQueries({ queryKey: ["summary"] });
      done();
    },
    onError: (error) => toast.fail(error),
  });
}

/** Run all tasks of a run again; the dry run says which. */
export function ClearRunDialog({ run, onClose }: { run: Run; onClose(): void }) {
  const { run: t, common } = useT();
  const address = { dagId: run.dag_id, runId: run.dag_run_id };
  const path = pathOf(run);
  const dry = useQuery({
    queryKey: ["run", run.dag_id, run.dag_run_id, "clear"],
    queryFn: ({ signal }) => ok(api.POST("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/clear", { params: { path }, body: { dry_run: true }, signal })),
    meta: { isStatic: true },
    staleTime: 0,
  });
  const change = useChange(address, () => ok(api.POST("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/clear", { params: { path }, body: { dry_run: false } })), onClose);
  const instances = dry.data && "task_instances" in dry.data ? dry.data.task_instances : [];
  const status = dry.error ? faultText({ common }, dry.error) : dry.data ? common.count_tasks(instances.length) : "";
  return (
    <Dialog open title={t.clear_title} onClose={onClose} status={status} submit={{ text: t.clear_title, onSubmit: () => change.mutate(), isBusy: change.isPending, off: instances.length > 0 ? undefined : status }}>
      <p>{t.clear_text}</p>
      {instances.length > 0 && <InstanceList instances={instances} />}
    </Dialog>
  );
}

/** Say how a run ended, and why. */
export function MarkRunDialog({ run, onClose }: { run: Run; onClose(): void }) {
  const { run: t, common } = useT();
  const toast = useToast();
  const [state, setState] = useState<"success" | "failed">(run.state === "failed" ? "success" : "failed");
  const [note, setNote] = useState(run.note ?? "");
  const body = { state, ...(note === (run.note ?? "") ? {} : { note }) };
  const change = useChange(
    { dagId: run.dag_id, runId: run.dag_run_id },
    () => ok(api.PATCH("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}", { params: { path: pathOf(run) }, body })),
    () => {
      toast.note(t.mark_done(common.states[state]));
      onClose();
    },
  );
  const options = (["success", "failed"] as const).map((each) => [each, common.states[each]] as const);
  return (
    <Dialog open title={t.mark_run_title} onClose={onClose} submit={{ text: state === "success" ? t.mark_success : t.mark_failed, onSubmit: () => change.mutate(), isBusy: change.isPending }}>
      <Radios<"success" | "failed"> label={t.state} value={state} options={options} onChange={setState} />
      <p>{t.mark_run_text}</p>
      <NoteField note={note} onChange={setNote} />
    </Dialog>
  );
}

export const NOTE_MAX = 1000;

const NoteField = ({ note, onChange }: { note: string; onChange(note: string): void }) => {
  const { run: t } = useT();
  return (
    <Field label={t.note} aside={t.note_aside}>
      {(ids) => <input {...ids} className="inp" maxLength={NOTE_MAX} value={note} onChange={(event) => onChange(event.target.value)} />}
    </Field>
  );
};

/** Stop the tasks of a run and end it. */
export function CancelRunDialog({ run, onClose }: { run: Run; onClose(): void }) {
  const { run: t } = useT();
  const toast = useToast();
  const change = useChange(
    { dagId: run.dag_id, runId: run.dag_run_id },
    () => ok(api.PATCH("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}", { params: { path: pathOf(run) }, body: { state: "failed" } })),
    () => {
      toast.note(t.cancelled);
      onClose();
    },
  );
  return (
    <Dialog open title={t.cancel_title} onClose={onClose} submit={{ text: t.cancel_title, onSubmit: () => change.mutate(), isBusy: change.isPending }}>
      <p>{t.cancel_text}</p>
    </Dialog>
  );
}

/** Remove a run for good. */
export function DeleteRunDialog({ run, onClose }: { run: Run; onClose(): void }) {
  const { run: t } = useT();
  const toast = useToast();
  const navigate = useNavigate();
  const client = useQueryClient();
  const change = useMutation({
    mutationFn: () => ok(api.DELETE("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}", { params: { path: pathOf(run) } })),
    onSuccess: () => {
      toast.note(t.deleted);
      client.removeQueries({ queryKey: ["run", run.dag_id, run.dag_run_id] });
      void navigate({ href: `/dags/${encodeURIComponent(run.dag_id)}` });
    },
    onError: (error) => toast.fail(error),
  });
  return (
    <Dialog open title={t.delete_title} onClose={onClose} submit={{ text: t.delete_title, onSubmit: () => change.mutate(), isBusy: change.isPending }}>
      <p>{t.delete_text}</p>
      <p className="mono anywhere">{run.dag_run_id}</p>
    </Dialog>
  );
}

type NewState = "success" | "failed" | "skipped";

/** Say how a task ended; the dry run says which instances are taken. */
export function MarkTaskDialog({ task, onClose }: { task: TaskAddress; onClose(): void }) {
  const { run: t, common } = useT();
  const toast = useToast();
  const [state, setState] = useState<NewState>("success");
  const [withAfter, setWithAfter] = useState(false);
  const [note, setNote] = useState("");
  const path = { dag_id: task.dagId, dag_run_id: task.runId, task_id: task.taskId };
  const query = task.mapIndex >= 0 ? { map_index: task.mapIndex } : {};
  const body = { new_state: state, include_downstream: withAfter };
  const dry = useQuery({
    queryKey: ["run", task.dagId, task.runId, "mark", task.taskId, task.mapIndex, state, withAfter],
    queryFn: ({ signal }) => ok(api.PATCH("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/dry_run", { params: { path, query }, body, signal })),
    meta: { isStatic: true },
    staleTime: 0,
  });
  const change = useChange(
    task,
    () => ok(api.PATCH("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}", { params: { path, query }, body: { ...body, ...(note ? { note } : {}) } })),
    () => {
      toast.note(t.mark_done(common.states[state]));
      onClose();
    },
  );
  const instances = dry.data?.task_instances ?? [];
  const status = dry.error ? faultText({ common }, dry.error) : dry.data ? common.count_tasks(instances.length) : "";
  const options = (["success", "failed", "skipped"] as const).map((each) => [each, common.states[each]] as const);
  return (
    <Dialog open title={t.mark_title(task.taskId)} onClose={onClose} status={status} submit={{ text: t.mark_title(task.taskId), onSubmit: () => change.mutate(), isBusy: change.isPending, off: instances.length > 0 ? undefined : status }}>
      <Radios<NewState> label={t.state} value={state} options={options} onChange={setState} />
      <Checkbox checked={withAfter} onChange={setWithAfter}>
        {t.with_after}
      </Checkbox>
      <NoteField note={note} onChange={setNote} />
      {instances.length > 0 && <InstanceList instances={instances} />}
    </Dialog>
  );
}
