/** The rows of a timeline: what happened to each task of a run, as bars on a line. */
import { timeScale, type Span, type TimeScale } from "./scale.ts";

/** As `get_timeline` answers: number, instants as RFC 3339, state, host. */
export type TryRow = readonly [
  n: number,
  queued: string | null,
  start: string | null,
  end: string | null,
  state: string | null,
  worker: string | null,
];

export interface TimelineInstance {
  task_id: string;
  map_index: number;
  /** The key of a mapped instance, or its index as text; null = not mapped, or folded. */
  rendered_map_index: string | null;
  handler: string | null;
  setup_teardown_type: string | null;
  state: string | null;
  state_reason: string | null;
  /** Why there is no bar, or what the instance waits for, as a sentence; null = nothing to say. */
  text: string | null;
  /** The first tasks before it that failed, or that it waits for, and the number of further ones. */
  upstream: readonly string[];
  upstream_more: number;
  /** When the next try starts, RFC 3339; null = none is due. */
  not_before: string | null;
  tries: readonly TryRow[];
  /** Instances by state, where the instances of a mapped task are folded into one row. */
  counts?: Readonly<Record<string, number>> | null;
}

export interface TimelineAnswer {
  instances: readonly TimelineInstance[];
  critical_path: readonly (readonly [task_id: string, map_index: number])[];
  medians: Readonly<Record<string, number>>;
  /** Seconds; null = no run of the DAG succeeded yet. */
  median_duration: number | null;
  roots: readonly (readonly [task_id: string, map_index: number])[];
  /** The task that made the run; null = none, or one that the reader may not see. */
  parent: { dag_id: string; dag_run_id: string; task_id: string; map_index: number } | null;
}

export type BarKind = "wait" | "try" | "gap";

/** `from` and `to` are positions on the line, from 0 to 1. */
export interface Bar {
  kind: BarKind;
  n: number;
  state: string | null;
  from: number;
  to: number;
  /** Seconds. */
  length: number;
}

export interface TimelineRow {
  key: string;
  instance: TimelineInstance;
  bars: Bar[];
  isCritical: boolean;
  isRoot: boolean;
  /** Seconds in which code ran, over all tries; null = none yet. */
  ran: number | null;
}

export interface Timeline {
  rows: TimelineRow[];
  scale: TimeScale;
  /** Seconds of the critical path, and the task that takes most of it. */
  critical: { seconds: number; longest: string; longestSeconds: number } | null;
}

const at = (instant: string | null): number | null => (instant === null ? null : Date.parse(instant));
export const keyOf = (taskId: string, mapIndex: number): string => (mapIndex < 0 ? taskId : `${taskId} ${mapIndex}`);

/**
 * Rows in the order of `taskOrder`, unknown tasks last. `now` ends what has not ended. A run that lasts is drawn up to
 * `now`, a run that ended up to its last try.
 */
export function buildTimeline(answer: TimelineAnswer, taskOrder: readonly string[], now: number, isActive: boolean): Timeline {
  const rank = new Map(taskOrder.map((id, index) => [id, index]));
  const instances = [...answer.instances].sort(
    (a, b) =>
      (rank.get(a.task_id) ?? Infinity) - (rank.get(b.task_id) ?? Infinity) ||
      a.task_id.localeCompare(b.task_id) ||
      a.map_index - b.map_index,
  );
  const spans = instances.flatMap((instance) => instance.tries.flatMap((each) => spansOf(each, now)));
  if (isActive && spans.length > 0) spans.push([now, now]);
  const scale = timeScale(spans);
  // The row of a folded mapped task stands for all its instances.
  const keysOf = (pairs: TimelineAnswer["roots"]): Set<string> => new Set(pairs.flatMap(([task, index]) => [keyOf(task, index), task]));
  const critical = keysOf(answer.critical_path);
  const roots = keysOf(answer.roots);
  const rows = instances.map((instance): TimelineRow => {
    const key = keyOf(instance.task_id, instance.map_index);
    return {
      key,
      instance,
      bars: barsOf(instance, scale, now),
      isCritical: critical.has(key),
      isRoot: roots.has(key),
      ran: secondsOf(instance.tries, now),
    };
  });
  return { rows, scale, critical: criticalOf(rows) };
}

/** From when a try was queued to its end; a try that never started lasts as long as its wait. */
function spansOf([, queued, start, end]: TryRow, now: number): Span[] {
  const from = at(queued) ?? at(start);
  if (from === null) return [];
  return [[from, Math.max(from, at(end) ?? (start === null && end !== null ? from : now))]];
}

function barsOf(instance: TimelineInstance, scale: TimeScale, now: number): Bar[] {
  const bars: Bar[] = [];
  let before: number | null = null;
  for (const [n, queuedText, startText, endText, state] of instance.tries) {
    const [queued, start] = [at(queuedText), at(startText)];
    const end = at(endText) ?? now;
    const bar = (kind: BarKind, from: number, to: number): void => {
      if (to < from) return;
      const length = (to - from) / 1000;
      bars.push({ kind, n, state, from: scale.position(from), to: scale.position(to), length });
    };
    const begun = queued ?? start;
    if (before !== null && begun !== null && begun > before) bar("gap", before, begun);
    if (queued !== null && (start ?? end) > queued) bar("wait", queued, start ?? end);
    if (start !== null) bar("try", start, end);
    before = start === null && begun === null ? before : end;
  }
  return bars;
}

function secondsOf(tries: readonly TryRow[], now: number): number | null {
  const started = tries.filter(([, , start]) => start !== null);
  if (started.length === 0) return null;
  return started.reduce((sum, [, , start, end]) => sum + Math.max(0, (at(end) ?? now) - at(start)!), 0) / 1000;
}

function criticalOf(rows: readonly TimelineRow[]): Timeline["critical"] {
  const path = rows.filter((row) => row.isCritical && row.bars.length > 0);
  const lengthOf = (row: TimelineRow): number => row.bars.reduce((sum, bar) => sum + bar.length, 0);
  const longest = path.reduce<TimelineRow | null>((best, row) => (best && lengthOf(best) >= lengthOf(row) ? best : row), null);
  if (!longest) return null;
  return {
    seconds: path.reduce((sum, row) => sum + lengthOf(row), 0),
    longest: longest.instance.task_id,
    longestSeconds: lengthOf(longest),
  };
}
