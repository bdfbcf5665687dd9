import { useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type RefObject, useEffect, useRef, useState } from "react";
import { ApiError } from "../../api/client.ts";
import { dagVersions } from "../../api/dag.ts";
import { type SavedText, saveText, savedText } from "../../api/editing.ts";
import { queries } from "../../api/queries.ts";
import type { Editor } from "../../editor/codemirror.ts";
import { type Draft, keepDraft, readDraft } from "../../editor/drafts.ts";
import { merged } from "../../editor/merge.ts";
import { useT } from "../../i18n/index.tsx";
import { useToast } from "../../kit/toast.tsx";

export type Note = "restored" | "moved" | null;

export interface Editing {
  base: SavedText;
  text: string;
  /** What was typed, painted or not. */
  textNow(): string;
  /** The editor says its text. */
  setText(text: string): void;
  /** A newer version whose changes touch the same lines; null = none. */
  rival: SavedText | null;
  /** The number of a newer version that was not looked at yet, and its author. */
  newer: { version: number; author: string } | null;
  note: Note;
  /** Put the changes onto the newest version; where both touch the same lines, the reader chooses. */
  rebase(): Promise<void>;
  keepMine(): void;
  discard(): void;
  save(message: string): void;
  isSaving: boolean;
}

interface Start {
  base: SavedText;
  text: string;
  rival: SavedText | null;
  note: Note;
}

/** A draft of this browser goes on where it ended, on the version that is saved now if that is possible. */
function startOf(dagId: string, saved: SavedText): Start {
  const draft = readDraft(dagId);
  if (draft === null || draft.text === saved.text) return { base: saved, text: saved.text, rival: null, note: null };
  if (draft.etag === saved.etag) return { base: saved, text: draft.text, rival: null, note: "restored" };
  const text = merged(draft.base, draft.text, saved.text);
  if (text !== null) return { base: saved, text, rival: null, note: "moved" };
  return { base: { ...saved, text: draft.base, etag: draft.etag, version: draft.version, author: "" }, text: draft.text, rival: saved, note: "restored" };
}

const DRAFT_MS = 300;

/** The editor in `view` follows at once when something else than typing changes the text: a key that comes before the next paint is then kept. */
export function useEditing(dagId: string, saved: SavedText, view: RefObject<Editor | null>): Editing {
  const { editor: t } = useT();
  const toast = useToast();
  const navigate = useNavigate();
  const [{ base, text, rival, note }, show] = useState<Start>(() => startOf(dagId, saved));
  // The answer of a save must see what was typed meanwhile, painted or not.
  const current = useRef<Start>({ base, text, rival, note });
  const set = (next: (before: Start) => Partial<Start>) => {
    current.current = { ...current.current, ...next(current.current) };
    show(current.current);
  };
  const replace = (next: (before: Start) => Partial<Start>) => {
    set(next);
    view.current?.setText(current.current.text);
  };
  const drafts = useKeptDraft(dagId, current, base, text);
  const latest = useQuery(dagVersions(dagId, 1)).data?.dag_versions[0];
  const rebase = async () => {
    const next = await savedText(dagId);
    replace((before) => {
      const both = merged(before.base.text, before.text, next.text);
      return both === null ? { rival: next } : { base: next, text: both, rival: null, note: "moved" };
    });
  };
  const mutation = useMutation({
    mutationFn: ({ sent, message }: { sent: string; message: string }) => saveText(dagId, sent, base, message),
    onSuccess: async (dag, { sent }) => {
      const version = dag.latest_dag_version?.version_number ?? base.version;
      toast.note(version === base.version ? t.same(version) : t.saved(version));
      void queries.invalidateQueries();
      set((before) => ({ base: { ...before.base, text: sent }, note: null }));
      drafts.keep();
      if (!drafts.isOpen()) return;
      if (current.current.text === sent) return navigate({ href: `/dags/${encodeURIComponent(dagId)}/definition?version=${version}` });
      await rebase().catch((reason: unknown) => toast.fail(reason));
    },
    onError: async (error) => {
      if (!(error instanceof ApiError) || error.status !== 412) return toast.fail(error);
      toast.fail(new Error(t.not_saved_newer));
      await rebase().catch((reason: unknown) => toast.fail(reason));
    },
  });
  return {
    base,
    text,
    rival,
    note,
    newer: rival === null && !mutation.isPending && latest && latest.version_number > base.version ? { version: latest.version_number, author: latest.created_by ?? "" } : null,
    textNow: () => current.current.text,
    setText: (next) => set(() => ({ text: next })),
    rebase: () => rebase().catch((reason: unknown) => toast.fail(reason)),
    keepMine: () => rival && set(() => ({ base: rival, rival: null, note: null })),
    discard: () => replace(() => ({ base: rival ?? base, text: (rival ?? base).text, rival: null, note: null })),
    save: (message) => mutation.mutate({ sent: text, message }),
    isSaving: mutation.isPending,
  };
}

const draftOf = ({ base, text }: Start): Draft | null => (text === base.text ? null : { base: base.text, etag: base.etag, version: base.version, text });

/** Keep the draft when the typing pauses, when the reader leaves the editor, and when the page ends. */
function useKeptDraft(dagId: string, current: RefObject<Start>, base: SavedText, text: string): { keep(): void; isOpen(): boolean } {
  // Another tab may edit the same DAG: a draft that this editor did not change is left alone.
  const kept = useRef(JSON.stringify(draftOf(current.current)));
  const isOpen = useRef(false);
  const keep = () => {
    const draft = draftOf(current.current);
    const content = JSON.stringify(draft);
    if (content !== kept.current) keepDraft(dagId, draft);
    kept.current = content;
  };
  useEffect(() => {
    const timer = setTimeout(keep, DRAFT_MS);
    return () => clearTimeout(timer);
    // `keep` reads references alone.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [dagId, base, text]);
  useEffect(() => {
    isOpen.current = true;
    window.addEventListener("pagehide", keep);
    document.addEventListener("visibilitychange", keep);
    return () => {
      isOpen.current = false;
      window.removeEventListener("pagehide", keep);
      document.removeEventListener("visibilitychange", keep);
      keep();
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [dagId]);
  return { keep, isOpen: () => isOpen.current };
}
