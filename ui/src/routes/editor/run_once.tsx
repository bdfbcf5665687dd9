import { useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { type Schema, request } from "../../api/client.ts";
import { checkedText, mediaOf } from "../../api/editing.ts";
import { queries } from "../../api/queries.ts";
import { runHref } from "../../api/run.ts";
import { useT } from "../../i18n/index.tsx";
import { Dialog } from "../../kit/dialog.tsx";
import { Field } from "../../kit/field.tsx";
import { Loaded } from "../../kit/panel.tsx";
import { useToast } from "../../kit/toast.tsx";
import { faultsOf } from "../trigger/dry_run.ts";
import { type Param, paramsOf } from "../trigger/params.ts";
import { ParamFields, ParamsMode, useParamsForm } from "../trigger/params_form.tsx";

interface Props {
  dagId: string;
  text: string;
  isYaml: boolean;
  /** The current version, which stays. */
  version: number;
  onClose(): void;
}

/** Run the text of the editor once, without a save. The server says which params the text declares. */
export function RunOnceDialog(props: Props) {
  const { editor: t } = useT();
  const { dagId, text, isYaml, onClose } = props;
  const query = useQuery(checkedText(dagId, text, isYaml));
  const params = useMemo(() => query.data && paramsOf(query.data.params), [query.data]);
  if (params) return <RunOnce {...props} params={params} />;
  return (
    <Dialog open onClose={onClose} title={t.run_once_title}>
      <Loaded query={query} rows={3}>
        {() => null}
      </Loaded>
    </Dialog>
  );
}

function RunOnce({ dagId, text, isYaml, version, onClose, params }: Props & { params: readonly Param[] }) {
  const { editor: t, actions, common } = useT();
  const navigate = useNavigate();
  const toast = useToast();
  const form = useParamsForm(params);
  const [note, setNote] = useState("");
  const conf = JSON.stringify(form.conf);
  // A double click is one run; other values are another request.
  const key = useMemo(() => crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`, [text, conf, note]);
  const start = useMutation({
    mutationFn: () => {
      const body = { dag_id: dagId, text, media_type: mediaOf(isYaml), logical_date: null, conf: form.conf, note: note || null };
      return request<Schema<"DagRun">>("POST", "/api/v2/dagRuns", { body, headers: { "Idempotency-Key": key } });
    },
    onSuccess: (run) => {
      toast.note(actions.triggered);
      void queries.invalidateQueries();
      void navigate({ href: runHref({ dagId, runId: run.dag_run_id }) });
    },
    onError: (error) => Object.keys(faultsOf(error, common.single_fault)).length === 0 && toast.fail(error),
  });
  const faults = faultsOf(start.error, common.single_fault);
  return (
    <Dialog open onClose={onClose} title={t.run_once_title} submit={{ text: t.run_once, onSubmit: () => start.mutate(), isBusy: start.isPending, off: form.isBroken ? actions.not_json : undefined }}>
      <p>{t.run_once_text(version)}</p>
      {params.length > 0 && (
        <p>
          <ParamsMode form={form} />
        </p>
      )}
      <ParamFields form={form} faults={faults} others={["note"]} />
      <Field label={actions.note} aside={actions.note_hint} error={faults["note"]}>
        {(ids) => <input {...ids} className="inp" value={note} onChange={(event) => setNote(event.target.value)} />}
      </Field>
    </Dialog>
  );
}
