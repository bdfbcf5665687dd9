import { useMutation } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { type Schema, api, ok } from "../../api/client.ts";
import { queries } from "../../api/queries.ts";
import { useT } from "../../i18n/index.tsx";
import { Button } from "../../kit/button.tsx";
import { instanceName } from "../../kit/instance.ts";
import { Glyph } from "../../kit/state.tsx";
import { Ago, When } from "../../kit/time.tsx";
import { useToast } from "../../kit/toast.tsx";
import { useSession } from "../session.tsx";

/** A question with its choices as buttons, for who may answer it. */
export function Question({ approval }: { approval: Schema<"Approval"> }) {
  const { lists } = useT();
  const session = useSession();
  const toast = useToast();
  const [note, setNote] = useState("");
  const { dag_id, dag_run_id, task_id, map_index } = approval;
  const answer = useMutation({
    mutationFn: (choice: string) =>
      ok(
        api.POST("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/approval", {
          params: { path: { dag_id, dag_run_id, task_id }, query: map_index >= 0 ? { map_index } : {} },
          body: { choice, ...(note ? { note } : {}) },
        }),
      ),
    onSuccess: (_, choice) => toast.note(lists.answered(lists.choice(choice))),
    onError: (error) => toast.fail(error),
    onSettled: () => queries.invalidateQueries({ predicate: ({ queryKey }) => ["approvals", "summary", "run"].includes(String(queryKey[0])) }),
  });
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
        {session.may("operator", dag_id) && (
          <div className="row wrap" style={{ marginBlockStart: "6px" }}>
            {approval.choices.map((choice, index) => (
              <Button key={choice} primary={index === 0} disabled={answer.isPending} onClick={() => answer.mutate(choice)}>
                {lists.choice(choice)}
              </Button>
            ))}
            <input className="inp grow" style={{ maxInlineSize: "360px" }} value={note} onChange={(event) => setNote(event.target.value)} placeholder={lists.approve_note} aria-label={lists.approve_note} />
          </div>
        )}
      </div>
    </li>
  );
}
