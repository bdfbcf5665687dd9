/** A small subset of Markdown as data: headings, paragraphs, lists, code, emphasis and links. No HTML, no images. Pure functions. */

export type Inline = { kind: "text" | "code" | "strong" | "em"; text: string } | { kind: "link"; text: string; href: string };

export type Block = { kind: "heading"; level: number; content: Inline[] } | { kind: "paragraph"; content: Inline[] } | { kind: "list"; isOrdered: boolean; items: Inline[][] } | { kind: "code"; text: string };

const INLINE = /`([^`]+)`|\*\*([^*]+)\*\*|\*([^*\s][^*]*)\*|!?\[([^\]]+)\]\(([^)\s]+)\)/g;

export function inlines(text: string): Inline[] {
  const parts: Inline[] = [];
  let end = 0;
  for (const match of text.matchAll(INLINE)) {
    const [whole, code, strong, em, label, href] = match;
    const part = code !== undefined ? { kind: "code" as const, text: code } : strong !== undefined ? { kind: "strong" as const, text: strong } : em !== undefined ? { kind: "em" as const, text: em } : linkOf(whole, label ?? "", href ?? "");
    if (part === null) continue;
    if (match.index > end) parts.push({ kind: "text", text: text.slice(end, match.index) });
    parts.push(part);
    end = match.index + whole.length;
  }
  if (end < text.length) parts.push({ kind: "text", text: text.slice(end) });
  return parts;
}

/** Null = stays text: an image, or an address that is not of the web. */
function linkOf(whole: string, text: string, href: string): Inline | null {
  if (whole.startsWith("!") || !URL.canParse(href)) return null;
  return /^https?:$/.test(new URL(href).protocol) ? { kind: "link", text, href } : null;
}

const HEADING = /^(#{1,6})\s+(.*)$/;
const ITEM = /^\s*(?:[-*+]|(\d+)[.)])\s+(.*)$/;

export function blocks(source: string): Block[] {
  const found: Block[] = [];
  const lines = source.replaceAll("\r\n", "\n").split("\n");
  for (let index = 0; index < lines.length; ) {
    const line = lines[index] ?? "";
    const taken = line.startsWith("```") ? fence(lines, index, found) : textual(lines, index, found);
    index += Math.max(1, taken);
  }
  return found;
}

/** Takes the lines of a fence; returns how many. A fence without an end goes to the end of the text. */
function fence(lines: readonly string[], start: number, found: Block[]): number {
  const end = lines.findIndex((line, index) => index > start && line.startsWith("```"));
  const last = end < 0 ? lines.length : end;
  found.push({ kind: "code", text: lines.slice(start + 1, last).join("\n") });
  return last - start + 1;
}

function textual(lines: readonly string[], start: number, found: Block[]): number {
  const line = lines[start] ?? "";
  const heading = HEADING.exec(line);
  if (heading) return found.push({ kind: "heading", level: heading[1]?.length ?? 1, content: inlines(heading[2] ?? "") }) && 1;
  const first = ITEM.exec(line);
  const holds = (each: string): boolean => (first ? ITEM.test(each) : !HEADING.test(each) && !ITEM.test(each) && !each.startsWith("```"));
  let end = start;
  while (end < lines.length && (lines[end] ?? "").trim() && holds(lines[end] ?? "")) end += 1;
  const taken = lines.slice(start, end);
  if (first) found.push({ kind: "list", isOrdered: first[1] !== undefined, items: taken.map((each) => inlines(ITEM.exec(each)?.[2] ?? "")) });
  else if (taken.length > 0) found.push({ kind: "paragraph", content: inlines(taken.join(" ")) });
  return taken.length;
}
