/** The grid of a DAG as numbers: what the arrows do, how high a bar is, where a version begins. Pure functions. */
import type { GridCell, GridRun } from "../api/shapes.ts";

/** A place in the grid: row 0 is the row of the runs, a task has the row of its number plus one. */
export interface Place {
  row: number;
  column: number;
}

export interface GridSize {
  rows: number;
  columns: number;
}

/** Where a key leads; null = the key is none of the grid. */
export function moveBy(key: string, { row, column }: Place, { rows, columns }: GridSize, page = 10): Place | null {
  const clamp = (value: number, most: number): number => Math.min(Math.max(0, most - 1), Math.max(0, value));
  const to = (nextRow: number, nextColumn: number): Place => ({ row: clamp(nextRow, rows), column: clamp(nextColumn, columns) });
  switch (key) {
    case "ArrowLeft":
      return to(row, column - 1);
    case "ArrowRight":
      return to(row, column + 1);
    case "ArrowUp":
      return to(row - 1, column);
    case "ArrowDown":
      return to(row + 1, column);
    case "Home":
      return to(row, 0);
    case "End":
      return to(row, columns);
    case "PageUp":
      return to(row - page, column);
    case "PageDown":
      return to(row + page, column);
    default:
      return null;
  }
}

/** Seconds that a run took; up to now while it runs, null before its start. */
export function secondsOf(run: GridRun, now: number): number | null {
  if (run.start_date === null) return null;
  return Math.max(0, ((run.end_date === null ? now : Date.parse(run.end_date)) - Date.parse(run.start_date)) / 1000);
}

/** Heights of the bars from 0.06 to 1, against the longest run in view. */
export function heights(runs: readonly GridRun[], now: number): { heights: number[]; longest: number } {
  const seconds = runs.map((run) => secondsOf(run, now));
  const longest = seconds.reduce<number>((most, each) => Math.max(most, each ?? 0), 0);
  return { heights: seconds.map((each) => (each === null ? 0 : Math.max(0.06, longest === 0 ? 0 : each / longest))), longest };
}

/** The version of each run where another version begins; null elsewhere, and for the first run in view. */
export function versionStarts(runs: readonly GridRun[]): (number | null)[] {
  return runs.map((run, index) => (index > 0 && runs[index - 1]!.version_number !== run.version_number ? run.version_number : null));
}

/** Instances of a mapped task in the latest run that has them; null = no run has yet. */
export function instancesOf(runs: readonly GridRun[], row: number): number | null {
  const counts = runs.map((run) => run.cells[row]?.[2]).findLast((each) => each !== undefined);
  return counts ? Object.values(counts).reduce((sum, count) => sum + count, 0) : null;
}

const CELLS: Readonly<Record<string, string>> = {
  success: "c-s",
  failed: "c-f",
  running: "c-r",
  restarting: "c-r",
  up_for_retry: "c-u",
  queued: "c-q",
  deferred: "c-d",
  upstream_failed: "c-x",
  skipped: "c-k",
  scheduled: "c-w",
};

/** The class of a cell: shape and colour of the state. */
export const cellClass = (cell: GridCell): string => CELLS[cell?.[0] ?? ""] ?? "c-n";

/** Whether the cell has a corner that says that more than one try was needed. */
export const hasTries = (cell: GridCell): boolean => cell !== null && cell[1] > 1;
