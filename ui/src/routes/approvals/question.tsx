import { useMutation } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { type Schema, api, ok } from "../../api/client.ts";
import { queries } from "../../api/queries.ts";
import { useT } from "../../i18n/index.tsx";
import { Button } from "../../kit/button.tsx";
import { Checkbox } from "../../kit/field.tsx";
import { instanceName } from "../../kit/instance.ts";
import { Glyph } from "../../kit/state.tsx";
import { Ago, When } from "../../kit/time.tsx";
import { useToast } from "../../kit/toast.tsx";
import { useSession } from "../session.tsx";
import { faultsOf } from "../trigger/dry_run.ts";
import { paramsOf } from "../trigger/params.ts";
import { ParamFields, useParamsForm } from "../trigger/params_form.tsx";
import { REJECT, type Assigned, mayAnswer } from "./answering.ts";

type Approval = Schema<"Approval">;

/** A question with its choices as buttons, for who may answer it. */
export function Question({ approval }: { approval: Approval }) {
  const { lists } = useT();
  const session = useSession();
  const { dag_id, dag_run_id, task_id } = approval;
  const assigned = approval.assigned as Assigned | null;
  return (
    <li className="att approval">
      <Glyph state="asks" large />
      <div className="stack" style={{ gap: "2px" }}>
        <p>
          <Link className="b" to="/dags/$dagId/runs/$runId" params={{ dagId: dag_id, runId: dag_run_id }}>
            {dag_id}
          </Link>{" "}
          <span className="dim">/</span>{" "}
          <Link className="b" to="/dags/$dagId/runs/$runId/tasks/$taskId" params={{ dagId: dag_id, runId: dag_run_id, taskId: task_id }}>
            {instanceName(task_id, approval.rendered_map_index)}
          </Link>{" "}
          <span className="dim nw">
            · <Ago at={approval.requested_at} />
          </span>
          {approval.give_up_at && (
            <span className="dim nw">
              {" "}
              · {lists.columns.gives_up} <When at={approval.give_up_at} />
            </span>
          )}
        </p>
        <p className="anywhere question">{approval.message}</p>
        {assigned && <p className="small muted anywhere">{lists.assigned([...(assigned.users ?? []), ...(assigned.roles ?? []).map((role) => lists.anyone_with(role))].join(", "))}</p>}
        {mayAnswer(session, dag_id, assigned) && <AnswerForm approval={approval} />}
      </div>
    </li>
  );
}

/** The values that the question asks for, and its choices: a button each, or boxes where several may be chosen. */
function AnswerForm({ approval }: { approval: Approval }) {
  const { lists, common } = useT();
  const [note, setNote] = useState("");
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const form = useParamsForm(paramsOf(approval.params));
  const answer = useAnswer(approval);
  const faults = faultsOf(answer.error, common.single_fault);
  const isOff = answer.isPending || form.isBroken;
  const send = (choices: readonly string[]) => answer.mutate({ choices: [...choices], values: form.conf as Schema<"JsonObject">, ...(note ? { note } : {}) });
  const buttons = approval.multiple ? approval.choices.filter((choice) => choice === REJECT) : approval.choices;
  const boxes = approval.choices.filter((choice) => choice !== REJECT);
  return (
    <div className="stack" style={{ marginBlockStart: "6px", gap: "12px" }}>
      {form.params.length > 0 && (
        <div className="stack answer-values">
          <ParamFields form={form} faults={faults} />
        </div>
      )}
      {approval.multiple && (
        <span className="row wrap" role="group" aria-label={lists.choices} style={{ gap: "4px 16px" }}>
          {boxes.map((choice) => (
            <Checkbox key={choice} checked={chosen.includes(choice)} onChange={(on) => setChosen(boxes.filter((each) => (each === choice ? on : chosen.includes(each))))}>
              {lists.choice(choice)}
            </Checkbox>
          ))}
        </span>
      )}
      <div className="row wrap">
        {approval.multiple && (
          <Button primary disabled={isOff || chosen.length === 0} onClick={() => send(chosen)}>
            {lists.answer_with(chosen.length)}
          </Button>
        )}
        {buttons.map((choice, index) => (
          <Button key={choice} primary={!approval.multiple && index === 0} disabled={isOff && choice !== REJECT} onClick={() => send([choice])}>
            {lists.choice(choice)}
          </Button>
        ))}
        <input className="inp grow" style={{ maxInlineSize: "360px" }} value={note} onChange={(event) => setNote(event.target.value)} placeholder={lists.approve_note} aria-label={lists.approve_note} />
      </div>
    </div>
  );
}

function useAnswer({ dag_id, dag_run_id, task_id, map_index }: Approval) {
  const { lists, common } = useT();
  const toast = useToast();
  return useMutation({
    mutationFn: (body: Schema<"ApprovalAnswerBody">) =>
      ok(
        api.POST("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/approval", {
          params: { path: { dag_id, dag_run_id, task_id }, query: map_index >= 0 ? { map_index } : {} },
          body,
        }),
      ),
    onSuccess: (recorded) => toast.note(lists.answered(recorded.choices.map(lists.choice).join(", "))),
    onError: (error) => Object.keys(faultsOf(error, common.single_fault)).length === 0 && toast.fail(error),
    onSettled: () => queries.invalidateQueries({ predicate: ({ queryKey }) => ["approvals", "summary", "run"].includes(String(queryKey[0])) }),
  });
}
