/** Texts that are not saved yet stay in this browser. */

export interface Draft {
  /** What was edited: the text and its ETag. */
  base: string;
  etag: string;
  version: number;
  text: string;
}

const keyOf = (dagId: string): string => `mainspring.draft.${dagId}`;

export function readDraft(dagId: string): Draft | null {
  try {
    const draft: unknown = JSON.parse(localStorage.getItem(keyOf(dagId)) ?? "null");
    return isDraft(draft) ? draft : null;
  } catch {
    return null;
  }
}

const isDraft = (draft: unknown): draft is Draft => typeof draft === "object" && draft !== null && ["base", "etag", "text"].every((name) => typeof (draft as Record<string, unknown>)[name] === "string") && typeof (draft as Draft).version === "number";

/** Null forgets the draft. A text that the browser has no room for is not kept. */
export function keepDraft(dagId: string, draft: Draft | null): void {
  try {
    if (draft === null) localStorage.removeItem(keyOf(dagId));
    else localStorage.setItem(keyOf(dagId), JSON.stringify(draft));
  } catch {
    // The text is still in the editor.
  }
}
