/** A merge of two changes of one text, by lines. Pure functions. */

/** Lines `from` to `to` (exclusive) of the base are replaced. */
interface Hunk {
  from: number;
  to: number;
  lines: readonly string[];
}

/** More pairs of lines are not compared: the whole middle counts as one change then. */
const PAIRS_MAX = 4_000_000;

/** What differs, by the longest common subsequence of the lines between the equal beginning and the equal end. */
export function hunksOf(base: readonly string[], other: readonly string[]): Hunk[] {
  let start = 0;
  while (start < base.length && start < other.length && base[start] === other[start]) start += 1;
  let end = 0;
  while (end < base.length - start && end < other.length - start && base[base.length - 1 - end] === other[other.length - 1 - end]) end += 1;
  const olds = base.slice(start, base.length - end);
  const news = other.slice(start, other.length - end);
  if (olds.length === 0 && news.length === 0) return [];
  const pairs = olds.length * news.length > PAIRS_MAX ? [] : commonPairs(olds, news);
  const hunks: Hunk[] = [];
  let [atOld, atNew] = [0, 0];
  for (const [old, now] of [...pairs, [olds.length, news.length] as const]) {
    if (old > atOld || now > atNew) hunks.push({ from: start + atOld, to: start + old, lines: news.slice(atNew, now) });
    [atOld, atNew] = [old + 1, now + 1];
  }
  return hunks;
}

function commonPairs(olds: readonly string[], news: readonly string[]): [number, number][] {
  const width = news.length + 1;
  const lengths = new Uint32Array((olds.length + 1) * width);
  const at = (row: number, column: number): number => lengths[row * width + column] ?? 0;
  for (let row = olds.length - 1; row >= 0; row -= 1) {
    for (let column = news.length - 1; column >= 0; column -= 1) {
      lengths[row * width + column] = olds[row] === news[column] ? at(row + 1, column + 1) + 1 : Math.max(at(row + 1, column), at(row, column + 1));
    }
  }
  const pairs: [number, number][] = [];
  for (let row = 0, column = 0; row < olds.length && column < news.length; ) {
    if (olds[row] === news[column]) pairs.push([row++, column++]);
    else if (at(row + 1, column) >= at(row, column + 1)) row += 1;
    else column += 1;
  }
  return pairs;
}

const isEqual = (one: Hunk, other: Hunk): boolean => one.from === other.from && one.to === other.to && one.lines.join("\n") === other.lines.join("\n");

/** Whether both change the same lines, or put something at the same place. */
const isTouching = (one: Hunk, other: Hunk): boolean => one.from <= other.to && other.from <= one.to;

/** Both changes of `base` in one text; null = both changed the same lines in different ways. */
export function merged(base: string, mine: string, theirs: string): string | null {
  const lines = base.split("\n");
  const [own, others] = [hunksOf(lines, mine.split("\n")), hunksOf(lines, theirs.split("\n"))];
  if (own.some((one) => others.some((other) => isTouching(one, other) && !isEqual(one, other)))) return null;
  const both = [...own, ...others.filter((other) => !own.some((one) => isEqual(one, other)))].sort((one, other) => other.from - one.from);
  for (const hunk of both) lines.splice(hunk.from, hunk.to - hunk.from, ...hunk.lines);
  return lines.join("\n");
}
