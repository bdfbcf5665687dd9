import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { type RefObject, useEffect, useMemo, useRef, useState } from "react";
import { ApiError, type Schema } from "../../api/client.ts";
import { newestNumber } from "../../api/dag.ts";
import { type SavedText, names as namesQuery, plan as planQuery, savedText } from "../../api/editing.ts";
import { type EditorProblem, problemOf } from "../../editor/problems.ts";
import type { Editor } from "../../editor/codemirror.ts";
import { useT } from "../../i18n/index.tsx";
import { useKeys } from "../../keys/keys.ts";
import { Button, Segments } from "../../kit/button.tsx";
import { Dialog } from "../../kit/dialog.tsx";
import { Boundary, Empty, Failure, Loaded, Panel } from "../../kit/panel.tsx";
import { Glyph } from "../../kit/state.tsx";
import { useIsOffline } from "../../live/state.ts";
import { useSession } from "../session.tsx";
import { useDelayed } from "./use_delayed.ts";
import { InFlight, PlanPanel } from "./plan_panel.tsx";
import { RunOnceDialog } from "./run_once.tsx";
import { useCodeMirror } from "./use_codemirror.ts";
import { type Editing, useEditing } from "./use_editing.ts";
import "../dag/dag.css";
import "./editor.css";

/** Edit a definition: the text as its author sent it, and beside it what a save would change. */
export function EditorPage() {
  const { dagId = "" } = useParams({ strict: false }) as { dagId?: string };
  const { common } = useT();
  const session = useSession();
  const isAuthor = session.may("author", dagId);
  const query = useQuery({ queryKey: ["editor", dagId], queryFn: ({ signal }) => savedText(dagId, signal), meta: { isStatic: true }, staleTime: Infinity, gcTime: 0, enabled: isAuthor });
  useEffect(() => void (document.title = `${dagId} · Mainspring`), [dagId]);
  if (!isAuthor) return <Empty title={common.forbidden_now} />;
  return (
    <Loaded query={query} what={`DAG ${dagId}`} rows={10}>
      {(saved) => <DefinitionEditor key={dagId} dagId={dagId} saved={saved} />}
    </Loaded>
  );
}

const PLAN_MS = 400;

function DefinitionEditor({ dagId, saved }: { dagId: string; saved: SavedText }) {
  const { editor: t } = useT();
  const view = useRef<Editor | null>(null);
  const editing = useEditing(dagId, saved, view);
  const { base, text } = editing;
  const [message, setMessage] = useState("");
  const isOffline = useIsOffline();
  const checked = useDelayed(text, PLAN_MS);
  const plan = useQuery(planQuery(dagId, checked, base.isYaml, base.etag));
  const isChecked = checked === text;
  const isCurrent = isChecked && !plan.isPending && !plan.isPlaceholderData;
  const problems = useProblems(checked, plan.error, plan.data);
  const errors = problems.filter((problem) => problem.severity === "error");
  const isChanged = text !== base.text;
  const isValid = isCurrent && plan.isSuccess && !isOffline;
  const isReady = isChanged && isValid && editing.rival === null && !editing.isSaving;
  const save = () => isReady && editing.save(message);
  const host = useRef<HTMLDivElement>(null);
  const { data: names } = useQuery(namesQuery());
  const editor = useCodeMirror(host, view, { start: editing.textNow, label: t.label, onChange: editing.setText, onSave: save, names });
  useEffect(() => {
    if (isChecked) editor?.setProblems(problems, t.fix);
    // The faults belong to the text that was checked.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [editor, problems, isChecked]);
  useKeys({ "Ctrl+KeyS": save });
  const fault = plan.error instanceof ApiError && plan.error.status === 422 ? null : plan.error;
  return (
    <>
      <Head dagId={dagId} editing={editing} isChanged={isChanged} isValid={isValid} isReady={isReady} onSave={save} willChange={plan.data?.action === "change"} />
      <div className="lay-edit">
        <EditorPanel host={host} editor={editor} editing={editing} errors={errors} />
        <div className="stack panels">
          <Notes editing={editing} />
          {problems.length > 0 && <Faults problems={problems} editor={editor} />}
          <Boundary>{fault ? <Failure error={fault} retry={() => void plan.refetch()} /> : errors.length === 0 && <PlanPanel plan={plan.data} version={base.version} isCurrent={isCurrent} />}</Boundary>
          <input className="inp" placeholder={t.message} aria-label={t.message} maxLength={1000} value={message} onChange={(event) => setMessage(event.target.value)} />
          {plan.data && errors.length === 0 && <InFlight plan={plan.data} />}
        </div>
      </div>
    </>
  );
}

/** The faults and doubts of the checked text, at their lines. */
function useProblems(text: string, error: unknown, plan: Schema<"DagPlan"> | undefined): EditorProblem[] {
  const { common } = useT();
  return useMemo(() => {
    const lines = text.split("\n");
    const isRefused = error instanceof ApiError && error.status === 422;
    if (isRefused) return (error.problem.errors ?? []).map((each) => problemOf(each, "error", lines, common.single_fault));
    return error ? [] : (plan?.warnings ?? []).map((each) => problemOf(each, "warning", lines, common.single_fault));
    // The plan and the error belong to the checked text: they change with it.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [error, plan, common]);
}

interface HeadProps {
  dagId: string;
  editing: Editing;
  isChanged: boolean;
  /** The server has checked the text and found no fault. */
  isValid: boolean;
  isReady: boolean;
  onSave(): void;
  willChange: boolean;
}

function Head({ dagId, editing, isChanged, isValid, isReady, onSave, willChange }: HeadProps) {
  const { editor: t, common } = useT();
  const navigate = useNavigate();
  const [isDiscarding, setDiscarding] = useState(false);
  const [isRunning, setRunning] = useState(false);
  const { base } = editing;
  // A version that ran without a save has a number too.
  const newest = useQuery(newestNumber(dagId)).data ?? 0;
  const leave = () => void navigate({ href: `/dags/${encodeURIComponent(dagId)}/definition` });
  return (
    <div className="head">
      <div>
        <h1 className="row wrap">
          <span className="anywhere">{dagId}</span>
          {isChanged && (
            <span className="badge retry">
              <Glyph state="late" />
              {t.unsaved}
            </span>
          )}
        </h1>
        <p className="facts small">
          <span>{t.from_version(base.version, base.author)}</span>
          <span>{base.isSent ? t.as_sent : t.as_json}</span>
        </p>
      </div>
      <div className="acts">
        <Button onClick={() => (isChanged ? setDiscarding(true) : leave())}>{isChanged ? t.discard : common.close}</Button>
        <Button disabled={!isValid} onClick={() => setRunning(true)}>
          {t.run_once_open}
        </Button>
        <Button primary disabled={!isReady} onClick={onSave}>
          {willChange ? t.save_as(Math.max(base.version, newest) + 1) : t.save} <kbd>Ctrl</kbd>
          <kbd>S</kbd>
        </Button>
      </div>
      {isRunning && <RunOnceDialog dagId={dagId} text={editing.text} isYaml={base.isYaml} version={base.version} onClose={() => setRunning(false)} />}
      <Dialog
        open={isDiscarding}
        onClose={() => setDiscarding(false)}
        title={t.discard_title}
        submit={{
          text: t.discard_title,
          onSubmit: () => {
            editing.discard();
            setDiscarding(false);
          },
        }}
      >
        <p>{t.discard_text}</p>
      </Dialog>
    </div>
  );
}

interface PanelProps {
  host: RefObject<HTMLDivElement | null>;
  editor: Editor | null;
  editing: Editing;
  errors: readonly EditorProblem[];
}

function EditorPanel({ host, editor, editing, errors }: PanelProps) {
  const { editor: t } = useT();
  const [mode, setMode] = useState<"edit" | "diff">("edit");
  const other = editing.rival ?? editing.base;
  useEffect(() => editor?.compareWith(mode === "diff" ? other.text : null), [editor, mode, other.text]);
  useEffect(() => {
    if (editing.rival) setMode("diff");
  }, [editing.rival]);
  const options = [["edit", t.edit], ["diff", t.diff_to(other.version)]] as const;
  const count = errors.length > 0 && (
    <>
      <span className="small t-bad b row">
        <Glyph state="failed" />
        {[t.errors(errors.length), errors[0]?.line ? t.line(errors[0].line) : ""].filter(Boolean).join(", ")}
      </span>
      <Button bare className="small hide-s" onClick={() => editor?.nextProblem()} hotkey="F8">
        {t.next_error}
      </Button>
    </>
  );
  return (
    <Panel title={<Segments<"edit" | "diff"> label={t.view} value={mode} options={options} onChange={setMode} />} actions={count || undefined}>
      <div className="editor-host" data-typing ref={host} aria-busy={editor === null} />
    </Panel>
  );
}

/** The faults once more as a list: each leads to its line. */
function Faults({ problems, editor }: { problems: readonly EditorProblem[]; editor: Editor | null }) {
  const { editor: t } = useT();
  return (
    <Panel title={t.faults} aside={problems.length}>
      <ul className="diff" aria-live="polite">
        {problems.map((problem, index) => (
          <li key={index}>
            <Glyph state={problem.severity === "error" ? "failed" : "late"} />
            <div>
              <p className="anywhere">{problem.message}</p>
              {problem.line !== null && (
                <button type="button" className="bare-button l small" onClick={() => editor?.goTo(problem.line ?? 1)}>
                  <span className="link">{t.line(problem.line)}</span>
                </button>
              )}
            </div>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

/** What happened to the text without the reader: a draft came back, somebody else saved. */
function Notes({ editing }: { editing: Editing }) {
  const { editor: t } = useT();
  const { rival, newer, note, base } = editing;
  if (rival) {
    return (
      <div className="note retry wrap" role="status">
        <span className="grow">
          {t.newer(rival.version, rival.author)} {t.both_changed}
        </span>
        <Button onClick={editing.keepMine}>{t.keep_mine}</Button>
        <Button onClick={editing.discard}>{t.take_theirs}</Button>
      </div>
    );
  }
  if (newer) {
    return (
      <div className="note retry wrap" role="status">
        <span className="grow">{t.newer(newer.version, newer.author)}</span>
        <Button onClick={() => void editing.rebase()}>{t.move}</Button>
      </div>
    );
  }
  if (note === null) return null;
  return (
    <p className="note" role="status">
      {note === "moved" ? t.moved(base.version) : t.restored}
    </p>
  );
}
