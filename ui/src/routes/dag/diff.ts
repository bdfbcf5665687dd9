/** A unified diff as rows. Pure functions. */

export interface DiffRow {
  kind: "same" | "added" | "removed" | "gap";
  /** Number of the line in the older and in the newer text; null = the line is not in it. */
  older: number | null;
  newer: number | null;
  text: string;
}

const HUNK = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/;

export function diffRows(diff: string): DiffRow[] {
  const rows: DiffRow[] = [];
  let older = 0;
  let newer = 0;
  let isInHunk = false;
  for (const line of diff.replace(/\n$/, "").split("\n")) {
    const hunk = HUNK.exec(line);
    if (hunk) {
      if (isInHunk) rows.push({ kind: "gap", older: null, newer: null, text: "" });
      [older, newer, isInHunk] = [Number(hunk[1]), Number(hunk[2]), true];
    } else if (!isInHunk || line.startsWith("\\")) continue;
    else if (line.startsWith("+")) rows.push({ kind: "added", older: null, newer: newer++, text: line.slice(1) });
    else if (line.startsWith("-")) rows.push({ kind: "removed", older: older++, newer: null, text: line.slice(1) });
    else rows.push({ kind: "same", older: older++, newer: newer++, text: line.slice(1) });
  }
  return rows;
}

/** `13...14` of an address; null = no such pair. */
export function pairOf(text: string | undefined): [older: number, newer: number] | null {
  const parts = /^(\d{1,9})\.{2,3}(\d{1,9})$/.exec(text ?? "");
  return parts ? [Number(parts[1]), Number(parts[2])] : null;
}

/** A line of YAML in pieces: the key, the rest, a comment. What cannot be told apart is plain text. */
export function yamlPieces(line: string): { text: string; className: string }[] {
  const comment = /(^|\s)#.*$/.exec(line);
  // A # within quotes begins no comment; rather none is marked than a wrong one.
  const at = comment && !/["']/.test(line.slice(0, comment.index)) ? comment.index : line.length;
  const key = /^(\s*(?:- )*)([^\s#"'][^:#"']*)(:)(?=\s|$)/.exec(line.slice(0, at));
  const pieces = key ? [{ text: key[1]!, className: "" }, { text: key[2]! + key[3]!, className: "k" }, { text: line.slice(key[0].length, at), className: "" }] : [{ text: line.slice(0, at), className: "" }];
  return [...pieces, { text: line.slice(at), className: "cm" }].filter((piece) => piece.text !== "");
}
