import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type KeyboardEvent, useState } from "react";
import { api, ok, type Schema } from "../../api/client.ts";
import { notedInstances, taskHref } from "../../api/run.ts";
import { useT } from "../../i18n/index.tsx";
import { Button } from "../../kit/button.tsx";
import { Loaded, Panel } from "../../kit/panel.tsx";
import { Glyph } from "../../kit/state.tsx";
import { instanceName } from "../../kit/instance.ts";
import { useToast } from "../../kit/toast.tsx";
import { useIsOffline } from "../../live/state.ts";
import { Anchor } from "../anchor.tsx";
import { useSession } from "../session.tsx";
import { NOTE_MAX } from "./dialogs.tsx";

const STEP = 100;

/** What people wrote on the run and on its tasks. */
export function NotesTab({ run }: { run: Schema<"DagRun"> }) {
  return (
    <div className="stack run-body">
      <RunNote key={run.dag_run_id} run={run} />
      <TaskNotes run={run} />
    </div>
  );
}

function RunNote({ run }: { run: Schema<"DagRun"> }) {
  const { run: t } = useT();
  const mayWrite = useSession().may("operator", run.dag_id);
  const isOffline = useIsOffline();
  const [isOpen, setOpen] = useState(false);
  const edit = mayWrite && !isOpen && (
    <Button disabled={isOffline} onClick={() => setOpen(true)}>
      {run.note ? t.note_edit : t.note_write}
    </Button>
  );
  return (
    <Panel title={t.note_of_run} actions={edit}>
      {isOpen ? <NoteForm run={run} onClose={() => setOpen(false)} /> : <p className={`pad anywhere lines ${run.note ? "" : "muted"}`}>{run.note || t.no_note}</p>}
    </Panel>
  );
}

function NoteForm({ run, onClose }: { run: Schema<"DagRun">; onClose(): void }) {
  const { run: t, common } = useT();
  const client = useQueryClient();
  const toast = useToast();
  const [text, setText] = useState(run.note ?? "");
  const path = { dag_id: run.dag_id, dag_run_id: run.dag_run_id };
  const change = useMutation({
    mutationFn: () => ok(api.PATCH("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}", { params: { path }, body: { note: text.trim() } })),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ["run", run.dag_id, run.dag_run_id] });
      toast.note(text.trim() ? t.note_saved : t.note_removed);
      onClose();
    },
    onError: (error) => toast.fail(error),
  });
  const save = () => !change.isPending && change.mutate();
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) save();
    // A key pressed by mistake takes no text away; the button does.
    else if (event.key === "Escape" && text === (run.note ?? "")) onClose();
  };
  return (
    <form
      onKeyDown={onKeyDown}
      onSubmit={(event) => {
        event.preventDefault();
        save();
      }}
    >
      <div className="pad stack">
        <textarea className="inp" rows={4} autoFocus maxLength={NOTE_MAX} aria-label={t.note_of_run} value={text} onChange={(event) => setText(event.target.value)} />
      </div>
      <footer className="form-foot">
        <Button primary type="submit" disabled={change.isPending}>
          {common.save} <kbd>Ctrl</kbd>
          <kbd>↵</kbd>
        </Button>
        <Button onClick={onClose}>{common.cancel}</Button>
        <span className="small muted push">{t.note_counted(text.length, NOTE_MAX)}</span>
      </footer>
    </form>
  );
}

function TaskNotes({ run }: { run: Schema<"DagRun"> }) {
  const { run: t, common } = useT();
  const [limit, setLimit] = useState(STEP);
  const query = useQuery(notedInstances({ dagId: run.dag_id, runId: run.dag_run_id }, limit));
  return (
    <Panel title={t.notes_of_tasks} aside={query.data?.total_entries || ""}>
      <Loaded query={query}>
        {({ task_instances: noted, total_entries: total }) =>
          noted.length === 0 ? (
            <p className="pad muted">{t.no_task_notes}</p>
          ) : (
            <>
              <dl className="notes">
                {noted.map((each) => (
                  <div key={each.id}>
                    <dt className="row">
                      <Glyph state={each.state} />
                      <Anchor className="l cut" href={taskHref({ dagId: run.dag_id, runId: run.dag_run_id, taskId: each.task_id, mapIndex: each.map_index })}>
                        {instanceName(each.task_id, each.rendered_map_index)}
                      </Anchor>
                    </dt>
                    <dd className="anywhere lines">{each.note}</dd>
                  </div>
                ))}
              </dl>
              {total > noted.length && (
                <p className="pad line-top">
                  <Button onClick={() => setLimit(limit + STEP)}>{common.show_more}</Button>
                </p>
              )}
            </>
          )
        }
      </Loaded>
    </Panel>
  );
}
