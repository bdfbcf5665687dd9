import { useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { ApiError, type Schema, api, ok } from "../../api/client.ts";
import { dagVersions } from "../../api/dag.ts";
import { type SavedText, saveText, savedText } from "../../api/editing.ts";
import { queries } from "../../api/queries.ts";
import { keepDraft, readDraft } from "../../editor/drafts.ts";
import { merged } from "../../editor/merge.ts";
import { useT } from "../../i18n/index.tsx";
import { useToast } from "../../kit/toast.tsx";

/** A saved version with its text. */
export interface Base extends SavedText {
  version: number;
  author: string;
}

export type Note = "restored" | "moved" | null;

export interface Editing {
  base: Base;
  text: string;
  setText(text: string): void;
  /** A newer version whose changes touch the same lines; null = none. */
  rival: Base | null;
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

/** The text first: a version that is saved meanwhile is then noticed as a newer one, and never taken for the one read. */
export async function readBase(dagId: string, signal?: AbortSignal): Promise<Base> {
  const saved = await savedText(dagId, signal);
  const { dag_versions: versions } = await ok(api.GET("/api/v2/dags/{dag_id}/dagVersions", { params: { path: { dag_id: dagId }, query: { limit: 1, order_by: ["-version_number"] } }, ...(signal ? { signal } : {}) }));
  return { ...saved, version: versions[0]?.version_number ?? 1, author: authorOf(versions[0]) };
}

const authorOf = (version: Schema<"DagVersion"> | undefined): string => (version as { created_by?: string | null } | undefined)?.created_by ?? "";

interface Start {
  base: Base;
  text: string;
  rival: Base | null;
  note: Note;
}

/** A draft of this browser goes on where it ended, on the version that is saved now if that is possible. */
function startOf(dagId: string, saved: Base): Start {
  const draft = readDraft(dagId);
  if (draft === null || draft.text === saved.text) return { base: saved, text: saved.text, rival: null, note: null };
  if (draft.etag === saved.etag) return { base: saved, text: draft.text, rival: null, note: "restored" };
  const text = merged(draft.base, draft.text, saved.text);
  if (text !== null) return { base: saved, text, rival: null, note: "moved" };
  return { base: { ...saved, text: draft.base, etag: draft.etag, version: draft.version, author: "" }, text: draft.text, rival: saved, note: "restored" };
}

const DRAFT_MS = 300;

export function useEditing(dagId: string, saved: Base): Editing {
  const { editor: t } = useT();
  const toast = useToast();
  const navigate = useNavigate();
  const [{ base, text, rival, note }, set] = useState<Start>(() => startOf(dagId, saved));
  const change = (next: Partial<Start>) => set((before) => ({ ...before, ...next }));
  useKeptDraft(dagId, base, text);
  const latest = useQuery(dagVersions(dagId, 1)).data?.dag_versions[0];
  const rebase = async () => {
    const next = await readBase(dagId);
    set((before) => {
      const both = merged(before.base.text, before.text, next.text);
      return both === null ? { ...before, rival: next } : { base: next, text: both, rival: null, note: "moved" };
    });
  };
  const mutation = useMutation({
    mutationFn: (message: string) => saveText(dagId, text, base, message),
    onSuccess: (dag) => {
      keepDraft(dagId, null);
      const version = dag.latest_dag_version?.version_number ?? base.version;
      toast.note(version === base.version ? t.same(version) : t.saved(version));
      void queries.invalidateQueries();
      void navigate({ href: `/dags/${encodeURIComponent(dagId)}/definition?version=${version}` });
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
    newer: rival === null && latest && latest.version_number > base.version ? { version: latest.version_number, author: authorOf(latest) } : null,
    setText: (next) => change({ text: next }),
    rebase: () => rebase().catch((reason: unknown) => toast.fail(reason)),
    keepMine: () => rival && change({ base: rival, rival: null, note: null }),
    discard: () => change({ base: rival ?? base, text: (rival ?? base).text, rival: null, note: null }),
    save: (message) => mutation.mutate(message),
    isSaving: mutation.isPending,
  };
}

function useKeptDraft(dagId: string, base: Base, text: string): void {
  useEffect(() => {
    const draft = text === base.text ? null : { base: base.text, etag: base.etag, version: base.version, text };
    const timer = setTimeout(() => keepDraft(dagId, draft), DRAFT_MS);
    return () => clearTimeout(timer);
  }, [dagId, base, text]);
}
