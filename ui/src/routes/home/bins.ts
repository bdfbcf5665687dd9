import type { SpanQuery } from "../../api/queries.ts";
import type { ActivityBin } from "../../api/shapes.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export type Span = "12h" | "24h" | "7d";

/** Width of a bin, and how much of the span lies ahead: a half of it up to a day, a day of a week. */
const SPANS: Record<Span, { bin: number; past: number; future: number; tick: number }> = {
  "12h": { bin: 10 * MINUTE, past: 6 * HOUR, future: 6 * HOUR, tick: HOUR },
  "24h": { bin: 20 * MINUTE, past: 12 * HOUR, future: 12 * HOUR, tick: 2 * HOUR },
  "7d": { bin: 2 * HOUR, past: 6 * DAY, future: DAY, tick: DAY },
};

export interface Window {
  from: number;
  to: number;
  bin: number;
  bins: number;
  tick: number;
}

/** The window around now, with edges on whole bins, so that it moves once a bin and requests stay the same between. */
export function windowOf(span: Span, now: number): Window {
  const { bin, past, future, tick } = SPANS[span];
  const from = Math.floor(now / bin) * bin - past;
  const to = from + past + future + bin;
  return { from, to, bin, bins: Math.round((to - from) / bin), tick };
}

/** The question for the runs of the window. */
export function spanOf(span: Span, now: number): SpanQuery {
  const { from, to, bins } = windowOf(span, now);
  const iso = (instant: number) => new Date(instant).toISOString();
  return { from: iso(from), to: iso(to), bins };
}

export interface Bar {
  start: number;
  success: number;
  failed: number;
  running: number;
  planned: number;
}

export const barsOf = (bins: readonly ActivityBin[]): Bar[] => bins.map(([start, success, failed, running, planned]) => ({ start: Date.parse(start), success, failed, running, planned }));

/** The height that a count of runs has, of `height` pixels: by the root, so that one run beside a thousand is seen. */
export function scaleOf(bars: readonly Bar[], height: number): (runs: number) => number {
  const most = Math.max(1, ...bars.map((bar) => bar.success + bar.failed + bar.running + bar.planned));
  return (runs) => (runs === 0 ? 0 : Math.max(2.5, most <= 12 ? (runs / Math.max(most, 4)) * height : Math.sqrt(runs / most) * height));
}
