/**
 * Time on a line of the length 1: gaps in which nothing ran are cut short, so that one late retry does not squeeze
 * the bars of everything else.
 */

export type Span = readonly [start: number, end: number];

/** Instants in milliseconds; positions from 0 to 1. */
export interface TimeScale {
  start: number;
  end: number;
  position(instant: number): number;
  /** The gaps that were cut, each with its place on the line. */
  cuts: { start: number; end: number; position: number }[];
  /** Instants for labels, evenly spread over what was not cut. */
  ticks: number[];
}

/** A gap is cut when it is longer than this share of all time in which something ran. */
const CUT_SHARE = 0.5;
/** The place that a cut gap takes on the line. */
const CUT_WIDTH = 0.03;
const SHORTEST = 1000;

/** The scale of the spans in which something ran or waited; `end` is the end of the line at least. */
export function timeScale(spans: readonly Span[], least?: Span): TimeScale {
  const busy = merge(least ? [...spans] : spans);
  const start = Math.min(least?.[0] ?? Infinity, busy[0]?.[0] ?? Infinity);
  const end = Math.max(least?.[1] ?? -Infinity, busy.at(-1)?.[1] ?? -Infinity);
  if (!Number.isFinite(start) || !Number.isFinite(end)) return emptyScale();
  const pieces = pieceTogether(busy, start, Math.max(end, start + SHORTEST));
  const running = pieces.filter((piece) => !piece.isCut).reduce((sum, piece) => sum + piece.end - piece.start, 0);
  const cutCount = pieces.filter((piece) => piece.isCut).length;
  const share = Math.min(CUT_WIDTH, 0.3 / Math.max(1, cutCount));
  let position = 0;
  const placed = pieces.map((piece) => {
    const width = piece.isCut ? share : ((1 - share * cutCount) * (piece.end - piece.start)) / running;
    position += width;
    return { ...piece, position: position - width, width };
  });
  const at = (instant: number): number => {
    const piece = placed.find((each) => instant <= each.end) ?? placed.at(-1)!;
    const within = (instant - piece.start) / (piece.end - piece.start);
    return piece.position + piece.width * Math.min(1, Math.max(0, within));
  };
  const cuts = placed.filter((piece) => piece.isCut);
  return { start, end: placed.at(-1)!.end, position: at, cuts, ticks: ticksOf(placed, running) };
}

/** Spans in order, joined where they touch. */
function merge(spans: readonly Span[]): [number, number][] {
  const joined: [number, number][] = [];
  for (const [start, end] of [...spans].sort(([a], [b]) => a - b)) {
    const last = joined.at(-1);
    if (last && start <= last[1]) last[1] = Math.max(last[1], end);
    else joined.push([start, end]);
  }
  return joined;
}

interface Piece {
  start: number;
  end: number;
  isCut: boolean;
}

function pieceTogether(busy: readonly Span[], start: number, end: number): Piece[] {
  const ran = busy.reduce((sum, [from, to]) => sum + to - from, 0);
  const longest = Math.max(SHORTEST * 60, ran * CUT_SHARE);
  const pieces: Piece[] = [];
  let before = start;
  for (const [from, to] of [...busy, [end, end] as const]) {
    const isCut = from - before > longest;
    const last = pieces.at(-1);
    if (isCut) pieces.push({ start: before, end: from, isCut });
    if (!isCut && last && !last.isCut) last.end = Math.max(last.end, to);
    else if (!isCut) pieces.push({ start: before, end: to, isCut: false });
    else if (to > from) pieces.push({ start: from, end: to, isCut: false });
    before = Math.max(before, to);
  }
  return pieces.filter((piece) => piece.end > piece.start);
}

/** Steps of a clock, in seconds. */
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800];
const TICKS_MOST = 8;

function ticksOf(pieces: readonly Piece[], running: number): number[] {
  const step = (STEPS.find((seconds) => running / (seconds * 1000) <= TICKS_MOST) ?? 2592000) * 1000;
  const ticks: number[] = [];
  for (const piece of pieces) {
    if (piece.isCut) continue;
    const length = piece.end - piece.start;
    for (let tick = Math.ceil(piece.start / step) * step; tick <= piece.end; tick += step) {
      const isAtEdge = tick - piece.start < length * 0.02 || piece.end - tick < length * 0.02;
      if (!isAtEdge) ticks.push(tick);
    }
  }
  return ticks;
}

const emptyScale = (): TimeScale => ({ start: 0, end: 0, position: () => 0, cuts: [], ticks: [] });
