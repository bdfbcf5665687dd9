import { type RefObject, useEffect, useRef, useState } from "react";
import type { Editor } from "../../editor/codemirror.ts";
import { type Option, optionsOf } from "../../editor/complete.ts";

interface Options {
  /** What an editor begins with when its code is there. */
  start(): string;
  label: string;
  onChange(text: string): void;
  onSave(): void;
  names: { pools: readonly string[]; secrets: readonly string[] } | undefined;
}

/**
 * The editor below `host`, once its code is loaded; `view` holds it too. The editor owns the text: who changes the text from
 * outside, as a merge does, calls `setText` at once. A text that came back from a painted state would be older than the last key.
 */
export function useCodeMirror(host: RefObject<HTMLDivElement | null>, view: RefObject<Editor | null>, options: Options): Editor | null {
  const [editor, setEditor] = useState<Editor | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  const latest = useRef(options);
  latest.current = options;
  useEffect(() => {
    let mounted: Editor | null = null;
    let isOver = false;
    Promise.all([import("../../editor/codemirror.ts"), import("../../editor/fields.json")])
      .then(([{ mountEditor }, { default: fields }]) => {
        if (isOver || !host.current) return;
        const { start, label } = latest.current;
        mounted = mountEditor(host.current, {
          text: start(),
          label,
          onChange: (next) => latest.current.onChange(next),
          onSave: () => latest.current.onSave(),
          optionsAt: (before, whole): readonly Option[] => optionsOf(before, whole, fields, latest.current.names ?? { pools: [], secrets: [] }),
        });
        view.current = mounted;
        setEditor(mounted);
      })
      .catch(setFailure);
    return () => {
      isOver = true;
      view.current = null;
      mounted?.destroy();
    };
  }, [host, view]);
  // A part that the server no longer has is an error of the route, which loads the newer page.
  if (failure) throw failure;
  return editor;
}
