import { useEffect, type RefObject } from "react";
import { copyText } from "../kit/copy.ts";
import { plainText } from "./ansi.ts";
import { inOrder, textBetween, type Place } from "./find.ts";
import { PAGE_LINES, type LogPages } from "./pages.ts";
import type { LogSource } from "./source.ts";

const COPIED_MOST = 50_000;

/**
 * Selecting over rows that are not mounted: the first and the last line are kept, and what is copied comes from the
 * lines, not from the rows. Numbers and times are not copied.
 */
export function useCopy(box: RefObject<HTMLDivElement | null>, pages: LogPages, source: LogSource): void {
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    let anchor: Place | null = null;
    let focus: Place | null = null;
    const onSelect = (): void => {
      const selection = document.getSelection();
      if (!selection || selection.isCollapsed) {
        anchor = placeOf(selection?.anchorNode ?? null, selection?.anchorOffset ?? 0, element);
        focus = null;
        return;
      }
      anchor = placeOf(selection.anchorNode, selection.anchorOffset, element) ?? anchor;
      focus = placeOf(selection.focusNode, selection.focusOffset, element) ?? focus;
    };
    const onCopy = (event: ClipboardEvent): void => {
      if (!anchor || !focus || anchor.n === focus.n) return;
      const [first, last] = inOrder(anchor, focus);
      event.preventDefault();
      const lines = pages.loaded(first.n, last.n);
      if (lines.length === last.n - first.n + 1) {
        event.clipboardData?.setData("text/plain", textBetween(lines.map(([, , text]) => plainText(text)), first, last));
      } else {
        void copyFar(source, first, last);
      }
    };
    document.addEventListener("selectionchange", onSelect);
    element.addEventListener("copy", onCopy);
    return () => {
      document.removeEventListener("selectionchange", onSelect);
      element.removeEventListener("copy", onCopy);
    };
  }, [box, pages, source]);
}

async function copyFar(source: LogSource, first: Place, last: Place): Promise<void> {
  const { signal } = new AbortController();
  const texts: string[] = [];
  const end = Math.min(last.n, first.n + COPIED_MOST - 1);
  for (let from = first.n; from <= end; from += PAGE_LINES) {
    const { lines } = await source.lines(from, Math.min(PAGE_LINES, end - from + 1), signal);
    texts.push(...lines.map(([, , text]) => plainText(text)));
  }
  await copyText(textBetween(texts, first, end === last.n ? last : { n: end, offset: Infinity }));
}

/** The line and the offset in its text of a place in the document; null outside of the text of a line. */
function placeOf(node: Node | null, offset: number, box: Element): Place | null {
  const element = node instanceof Element ? node : node?.parentElement;
  const row = element?.closest<HTMLElement>("[data-n]");
  const text = row?.querySelector(":scope > span");
  if (!node || !row || !text || !box.contains(row)) return null;
  const n = Number(row.dataset["n"]);
  if (!text.contains(node)) return { n, offset: 0 };
  const range = document.createRange();
  range.setStart(text, 0);
  range.setEnd(node, offset);
  return { n, offset: range.toString().length };
}
