import { type RefObject, useEffect, useRef, useState } from "react";
import type { Editor } from "../../editor/codemirror.ts";
import { type Option, optionsOf } from "../../editor/complete.ts";

interface Options {
  text: string;
  label: string;
  onChange(text: string): void;
  onSave(): void;
  names: { pools: readonly string[]; secrets: readonly string[] } | undefined;
}

/** The editor below `host`, once its code is loaded. The text may change from outside too, as after a merge. */
export function useCodeMirror(host: RefObject<HTMLDivElement | null>, options: Options): Editor | null {
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
        const { text, label } = latest.current;
        mounted = mountEditor(host.current, {
          text,
          label,
          onChange: (next) => latest.current.onChange(next),
          onSave: () => latest.current.onSave(),
          optionsAt: (before, whole): readonly Option[] => optionsOf(before, whole, fields, latest.current.names ?? { pools: [], secrets: [] }),
        });
        setEditor(mounted);
      })
      .catch(setFailure);
    return () => {
      isOver = true;
      mounted?.destroy();
    };
  }, [host]);
  useEffect(() => editor?.setText(options.text), [editor, options.text]);
  // A part that the server no longer has is an error of the route, which loads the newer page.
  if (failure) throw failure;
  return editor;
}
