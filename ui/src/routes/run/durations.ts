/** How long the tasks of a run took, as the graph shows it. Pure functions. */
import type { NodeState } from "../../graph/graph_view.tsx";
import type { TaskSummary } from "./states.ts";

export interface TaskDuration {
  /** Of the latest try; of a mapped task from its first start to its last end; up to now while it runs. */
  seconds: number;
  /** Of earlier runs that succeeded; null = there are none, or the task is mapped: the median is of one instance. */
  median: number | null;
  /** Parts of the longest task, from 0 to 1. */
  share: number;
  medianShare: number | null;
  isSlow: boolean;
}

/** By task id; a task that has not started has none. `now`: milliseconds. */
export function durationsOf(tasks: ReadonlyMap<string, TaskSummary>, medians: Readonly<Record<string, number>>, now: number): Map<string, TaskDuration> {
  const rows: [string, number, number | null][] = [];
  for (const [taskId, task] of tasks) {
    if (task.start === null) continue;
    const seconds = Math.max(0, task.took ?? (now - Date.parse(task.start)) / 1000);
    rows.push([taskId, seconds, task.counts === null ? (medians[taskId] ?? null) : null]);
  }
  const longest = Math.max(0, ...rows.map(([, seconds, median]) => Math.max(seconds, median ?? 0)));
  const share = (seconds: number): number => (longest > 0 ? seconds / longest : 0);
  return new Map(rows.map(([taskId, seconds, median]) => [taskId, { seconds, median, share: share(seconds), medianShare: median === null ? null : share(median), isSlow: isSlow(seconds, median) }]));
}

const SLOW_RATIO = 1.5;
const SLOW_SECONDS = 5;

/** Longer than usual by half and by more than what the start of a process varies. */
const isSlow = (seconds: number, median: number | null): boolean => median !== null && seconds > SLOW_RATIO * median && seconds - median > SLOW_SECONDS;

/** The states of the nodes with the duration as their second line; a task without one keeps its own. */
export function withDurations(states: ReadonlyMap<string, NodeState>, durations: ReadonlyMap<string, TaskDuration>, words: { duration(seconds: number): string; median(span: string): string }): Map<string, NodeState> {
  return new Map(
    [...states].map(([taskId, state]) => {
      const task = durations.get(taskId);
      if (!task) return [taskId, state];
      const detail = [words.duration(task.seconds), task.median !== null && words.median(words.duration(task.median))].filter(Boolean).join(", ");
      return [taskId, { ...state, detail, bar: task }];
    }),
  );
}
