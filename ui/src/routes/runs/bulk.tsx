import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { type Schema, api, ok } from "../../api/client.ts";
import { queries } from "../../api/queries.ts";
import { useT } from "../../i18n/index.tsx";
import { Button } from "../../kit/button.tsx";
import { Dialog } from "../../kit/dialog.tsx";
import { Failure, Loading } from "../../kit/panel.tsx";
import { useToast } from "../../kit/toast.tsx";
import { InstanceList } from "../actions/instances.tsx";
import type { Selection } from "./selection.ts";

type Act = "retry" | "clear" | "success" | "failed" | "delete";

/** What can be done with the chosen runs; each act shows first what it would change. */
export function BulkBar({ selection }: { selection: Selection }) {
  const { actions: t, common } = useT();
  const [act, setAct] = useState<Act | null>(null);
  if (selection.size === 0) return null;
  const names: Record<Act, string> = { retry: t.bulk_retry, clear: t.bulk_clear, success: t.bulk_success, failed: t.bulk_failed, delete: t.bulk_delete };
  return (
    <div className="bulk row wrap" role="toolbar" aria-label={common.selected(selection.size)}>
      <b>{common.selected(selection.size)}</b>
      {(Object.keys(names) as Act[]).map((each) => (
        <Button key={each} onClick={() => setAct(each)} className={each === "delete" ? "danger" : ""}>
          {names[each]}
        </Button>
      ))}
      <Button bare onClick={selection.clear}>
        {common.cancel}
      </Button>
      {act && <BulkDialog act={act} title={names[act]} byDag={selection.byDag()} onClose={() => setAct(null)} onDone={selection.clear} />}
    </div>
  );
}

interface DialogProps {
  act: Act;
  title: string;
  byDag: Map<string, string[]>;
  onClose(): void;
  onDone(): void;
}

function BulkDialog({ act, title, byDag, onClose, onDone }: DialogProps) {
  const { actions: t, common } = useT();
  const toast = useToast();
  const runs = [...byDag.values()].reduce((sum, ids) => sum + ids.length, 0);
  const clears = act === "retry" || act === "clear";
  const dry = useQuery({
    queryKey: ["bulk", act, [...byDag.entries()]],
    queryFn: () => clearAll(byDag, act === "retry", true),
    enabled: clears,
    meta: { isStatic: true },
    staleTime: 0,
  });
  const change = useMutation({
    mutationFn: () => (clears ? clearAll(byDag, act === "retry", false).then(() => runs) : patchAll(byDag, act)),
    onSuccess: (done) => {
      toast.note(t.bulk_done(done, runs));
      void queries.invalidateQueries();
      onDone();
      onClose();
    },
    onError: (error) => toast.fail(error),
  });
  const instances = dry.data ?? [];
  const text = {
    retry: t.bulk_retry_text(instances.length, runs),
    clear: t.bulk_clear_text(instances.length, runs),
    success: t.bulk_mark_text(runs, common.states.success),
    failed: t.bulk_mark_text(runs, common.states.failed),
    delete: t.bulk_delete_text(runs),
  }[act];
  const off = clears && dry.data && instances.length === 0 ? t.retry_none : undefined;
  return (
    <Dialog open onClose={onClose} title={title} status={clears ? (dry.isFetching ? t.dry_run_waits : t.dry_run) : t.runs_chosen(runs)} submit={{ text: title, onSubmit: () => change.mutate(), off, isBusy: change.isPending || (clears && !dry.data) }}>
      {clears && dry.error ? <Failure error={dry.error} /> : clears && !dry.data ? <Loading rows={2} /> : <p>{off ?? text}</p>}
      {instances.length > 0 ? <InstanceList instances={instances} /> : !clears && <RunIds byDag={byDag} />}
    </Dialog>
  );
}

const RunIds = ({ byDag }: { byDag: Map<string, string[]> }) => (
  <ul className="dry">
    {[...byDag].flatMap(([dag, ids]) =>
      ids.map((id) => (
        <li key={`${dag} ${id}`} className="cut">
          <b>{dag}</b> <span className="muted">{id}</span>
        </li>
      )),
    )}
  </ul>
);

/** Clear, or say what would be cleared. The instances of all DAGs together. */
async function clearAll(byDag: Map<string, string[]>, onlyFailed: boolean, dryRun: boolean): Promise<Schema<"TaskInstance">[]> {
  const answers = await Promise.all(
    [...byDag].map(([dag_id, ids]) =>
      ok(api.POST("/api/v2/dags/{dag_id}/clearDagRuns", { params: { path: { dag_id } }, body: { dry_run: dryRun, only_failed: onlyFailed, dag_runs: ids.map((dag_run_id) => ({ dag_run_id })) } })),
    ),
  );
  return answers.flatMap((answer) => ("task_instances" in answer ? answer.task_instances : []));
}

/** Mark or delete runs. Returns how many were changed; those that could not be are told apart by the server. */
async function patchAll(byDag: Map<string, string[]>, act: Act): Promise<number> {
  const results = await Promise.all(
    [...byDag].map(([dag_id, ids]) => {
      const action: Schema<"BulkAction"> = act === "delete" ? { action: "delete", entities: ids } : { action: "update", entities: ids.map((dag_run_id) => ({ dag_run_id, state: act as "success" | "failed" })) };
      return ok(api.PATCH("/api/v2/dags/{dag_id}/dagRuns", { params: { path: { dag_id } }, body: { actions: [action] } }));
    }),
  );
  return results.reduce((sum, answer) => sum + ((act === "delete" ? answer.delete : answer.update)?.success.length ?? 0), 0);
}
