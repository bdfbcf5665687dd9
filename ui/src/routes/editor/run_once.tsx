import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { type Schema, request } from "../../api/client.ts";
import { mediaOf } from "../../api/editing.ts";
import { queries } from "../../api/queries.ts";
import { runHref } from "../../api/run.ts";
import { useT } from "../../i18n/index.tsx";
import { Dialog } from "../../kit/dialog.tsx";
import { Field } from "../../kit/field.tsx";
import { useToast } from "../../kit/toast.tsx";
import { faultsOf } from "../trigger/dry_run.ts";

interface Props {
  dagId: string;
  text: string;
  isYaml: boolean;
  /** The current version, which stays. */
  version: number;
  onClose(): void;
}

/** Run the text of the editor once, without a save. */
export function RunOnceDialog({ dagId, text, isYaml, version, onClose }: Props) {
  const { editor: t, actions } = useT();
  const navigate = useNavigate();
  const toast = useToast();
  const [conf, setConf] = useState("");
  const [note, setNote] = useState("");
  const values = objectOf(conf);
  // A double click is one run; other values are another request.
  const key = useMemo(() => crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`, [text, conf, note]);
  const start = useMutation({
    mutationFn: () => {
      const body = { dag_id: dagId, text, media_type: mediaOf(isYaml), logical_date: null, conf: values, note: note || null };
      return request<Schema<"DagRun">>("POST", "/api/v2/dagRuns", { body, headers: { "Idempotency-Key": key } });
    },
    onSuccess: (run) => {
      toast.note(actions.triggered);
      void queries.invalidateQueries();
      void navigate({ href: runHref({ dagId, runId: run.dag_run_id }) });
    },
    onError: (error) => Object.keys(faultsOf(error)).length === 0 && toast.fail(error),
  });
  const faults = faultsOf(start.error);
  const { note: noteFault, ...confFaults } = faults;
  const confFault = values === null ? actions.not_json : Object.entries(confFaults).map(([name, message]) => `${name}: ${message}`).join("; ");
  return (
    <Dialog open onClose={onClose} title={t.run_once_title} submit={{ text: t.run_once, onSubmit: () => start.mutate(), isBusy: start.isPending, off: values === null ? actions.not_json : undefined }}>
      <p>{t.run_once_text(version)}</p>
      <Field label={t.run_once_conf} aside={t.run_once_conf_hint} error={confFault || undefined}>
        {(ids) => <textarea {...ids} className={`${confFault ? "inp bad" : "inp"} mono`} rows={4} value={conf} spellCheck={false} placeholder="{}" onChange={(event) => setConf(event.target.value)} />}
      </Field>
      <Field label={actions.note} aside={actions.note_hint} error={noteFault}>
        {(ids) => <input {...ids} className="inp" value={note} onChange={(event) => setNote(event.target.value)} />}
      </Field>
    </Dialog>
  );
}

/** The object of a JSON text; an empty text is an empty object, null = no object. */
function objectOf(text: string): Record<string, unknown> | null {
  if (!text.trim()) return {};
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
