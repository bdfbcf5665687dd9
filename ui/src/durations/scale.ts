/** Durations as dots. Pure functions. */

export interface Dot {
  key: string;
  state: string;
  /** Seconds. */
  duration: number;
  at: number;
  href: string;
}

export interface Band {
  low: number;
  median: number;
  high: number;
}

/** The middle half of the successful ones; null = none succeeded. Quartiles by linear interpolation. */
export function bandOf(dots: readonly Dot[]): Band | null {
  const sorted = dots
    .filter((dot) => dot.state === "success")
    .map((dot) => dot.duration)
    .sort((a, b) => a - b);
  if (sorted.length === 0) return null;
  const quantile = (share: number): number => {
    const place = (sorted.length - 1) * share;
    const below = sorted[Math.floor(place)] ?? 0;
    return below + ((sorted[Math.ceil(place)] ?? below) - below) * (place % 1);
  };
  return { low: quantile(0.25), median: quantile(0.5), high: quantile(0.75) };
}

const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800];

/** Round values from 0 up to the first that no duration is above; at most six of them. */
export function ticksOf(longest: number): number[] {
  const step = STEPS.find((each) => longest / each <= 5) ?? Math.ceil(longest / 5 / 604_800) * 604_800;
  return Array.from({ length: Math.max(1, Math.ceil(longest / step)) + 1 }, (_, index) => Number((index * step).toFixed(1)));
}
