/** Places of a log to go to: marks, matches, lines of an address. Pure functions. */

/** `#L12`, `#L12-L40` or `#L12-40`; null = no line. */
export function linesOfHash(hash: string): { first: number; last: number } | null {
  const parts = /^#?L([1-9]\d{0,9})(?:-L?([1-9]\d{0,9}))?$/.exec(hash);
  if (!parts) return null;
  const [from, to] = [Number(parts[1]), Number(parts[2] ?? parts[1])];
  return { first: Math.min(from, to), last: Math.max(from, to) };
}

export const hashOfLines = (first: number, last: number): string => (first === last ? `#L${first}` : `#L${Math.min(first, last)}-L${Math.max(first, last)}`);

/** The next of the ascending numbers after (or before) a line, around the end; null = there is none. */
export function nextOf(numbers: readonly number[], line: number, isBack: boolean): number | null {
  if (numbers.length === 0) return null;
  if (isBack) return numbers.findLast((n) => n < line) ?? numbers.at(-1)!;
  return numbers.find((n) => n > line) ?? numbers[0]!;
}

/** Where a literal text stands in a line, without regard to case. */
export function rangesOf(line: string, text: string): [start: number, length: number][] {
  const ranges: [number, number][] = [];
  if (text === "") return ranges;
  const [where, what] = [line.toLowerCase(), text.toLowerCase()];
  for (let at = where.indexOf(what); at >= 0 && ranges.length < 200; at = where.indexOf(what, at + what.length)) {
    ranges.push([at, what.length]);
  }
  return ranges;
}

export interface RulerMark {
  kind: "error" | "warning" | "match";
  /** From 0 to 1. */
  position: number;
}

const RULER_STEPS = 240;

/** At most one mark of a kind at each step of the ruler, however many lines are marked. */
export function rulerMarks(total: number, lines: { errors: readonly number[]; warnings: readonly number[]; matches: readonly number[] }): RulerMark[] {
  const marks: RulerMark[] = [];
  const add = (kind: RulerMark["kind"], numbers: readonly number[]): void => {
    const taken = new Set<number>();
    for (const n of numbers) {
      const step = Math.floor(((n - 1) / Math.max(1, total)) * RULER_STEPS);
      if (taken.has(step) || n > total) continue;
      taken.add(step);
      marks.push({ kind, position: (n - 0.5) / total });
    }
  };
  add("warning", lines.warnings);
  add("match", lines.matches);
  add("error", lines.errors);
  return marks;
}

/** The place in a text: a line and an offset in it. */
export interface Place {
  n: number;
  offset: number;
}

/** The lines between two places, the first and last cut at their offsets. */
export function textBetween(lines: readonly string[], first: Place, last: Place): string {
  return lines
    .map((line, index) => {
      const from = index === 0 ? first.offset : 0;
      const to = index === lines.length - 1 ? last.offset : line.length;
      return line.slice(from, to);
    })
    .join("\n");
}

export const inOrder = (one: Place, other: Place): [Place, Place] =>
  one.n < other.n || (one.n === other.n && one.offset <= other.offset) ? [one, other] : [other, one];
