/** What the timeline says of each task, as the graph and the tables show it. Pure functions. */
import type { DagGraph } from "../../graph/dag.ts";
import type { NodeState } from "../../graph/graph_view.tsx";
import type { TimelineAnswer, TimelineInstance } from "../../timeline/rows.ts";

/** The worst first: what a mapped task shows for all its instances. */
const WORST = ["failed", "upstream_failed", "up_for_retry", "restarting", "running", "deferred", "queued", "scheduled", "removed", "skipped", "success"];

export function worstState(states: Iterable<string | null>): string | null {
  let worst: string | null = null;
  let rank = Infinity;
  for (const state of states) {
    const at = state === null ? -1 : WORST.indexOf(state);
    if (at >= 0 && at < rank) {
      rank = at;
      worst = state;
    }
  }
  return worst;
}

export interface TaskSummary {
  taskId: string;
  state: string | null;
  stateReason: string | null;
  text: string | null;
  tries: number;
  /** Instances by state; null = not mapped, or not expanded yet. */
  counts: Readonly<Record<string, number>> | null;
  start: string | null;
  end: string | null;
  /** Seconds of the latest try; null = it has not ended. */
  took: number | null;
}

/** One summary a task: the instances of a mapped task that came one by one are counted here. */
export function summaries(answer: TimelineAnswer): Map<string, TaskSummary> {
  const byTask = new Map<string, TimelineInstance[]>();
  for (const instance of answer.instances) byTask.set(instance.task_id, [...(byTask.get(instance.task_id) ?? []), instance]);
  return new Map([...byTask].map(([taskId, instances]) => [taskId, summaryOf(taskId, instances)]));
}

function summaryOf(taskId: string, instances: readonly TimelineInstance[]): TaskSummary {
  const first = instances[0]!;
  const isMapped = instances.length > 1 || first.map_index >= 0;
  const last = first.tries.at(-1);
  const counts = first.counts ?? (isMapped ? countStates(instances) : null);
  const state = first.counts ? (worstState(Object.keys(first.counts).filter((each) => first.counts![each]! > 0)) ?? first.state) : isMapped ? worstState(instances.map((each) => each.state)) : first.state;
  return {
    taskId,
    state,
    stateReason: first.state_reason,
    text: first.text,
    tries: last?.[0] ?? 0,
    counts,
    start: last?.[2] ?? null,
    end: last?.[3] ?? null,
    took: last?.[2] && last[3] ? (Date.parse(last[3]) - Date.parse(last[2])) / 1000 : null,
  };
}

function countStates(instances: readonly TimelineInstance[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { state } of instances) counts[state ?? "none"] = (counts[state ?? "none"] ?? 0) + 1;
  return counts;
}

/** The number of instances, those of folded tasks too. */
export const instancesIn = (answer: TimelineAnswer): number => answer.instances.reduce((sum, { counts }) => sum + (counts ? totalOf(counts) : 1), 0);

export const totalOf = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((sum, count) => sum + count, 0);

/** The second line of a node: how long, which try, or the word of the state. */
export function nodeStates(graph: DagGraph, tasks: ReadonlyMap<string, TaskSummary>, words: { state(state: string | null): string; duration(seconds: number): string; tryOf(n: number): string }): Map<string, NodeState> {
  const states = new Map<string, NodeState>();
  for (const node of graph.nodes) {
    const task = tasks.get(node.id);
    states.set(node.id, {
      state: task?.state ?? null,
      detail: [node.type, task && detailOf(task, words)].filter(Boolean).join(" · "),
      counts: task?.counts ? String(totalOf(task.counts)) : null,
    });
  }
  return states;
}

/** The states of a graph whose groups are folded: a group has the worst state of its tasks, and how many of them succeeded. */
export function foldedStates(states: ReadonlyMap<string, NodeState>, standIn: ReadonlyMap<string, string>): Map<string, NodeState> {
  const members = new Map<string, NodeState[]>();
  const folded = new Map<string, NodeState>();
  for (const [id, state] of states) {
    const node = standIn.get(id) ?? id;
    if (node === id) folded.set(id, state);
    else members.set(node, [...(members.get(node) ?? []), state]);
  }
  for (const [id, tasks] of members) {
    const done = tasks.filter((each) => each.state === "success").length;
    folded.set(id, { state: worstState(tasks.map((each) => each.state)), detail: `${done}/${tasks.length}`, counts: null });
  }
  return folded;
}

function detailOf(task: TaskSummary, words: { state(state: string | null): string; duration(seconds: number): string; tryOf(n: number): string }): string {
  if (task.counts) {
    const all = totalOf(task.counts);
    return `${task.counts["success"] ?? 0}/${all}`;
  }
  if (task.state === "success" && task.took !== null) return words.duration(task.took);
  if (task.state === "failed" && task.tries > 1) return words.tryOf(task.tries);
  return task.state === null ? "" : words.state(task.state);
}

/** Whether a run of the state is not over. */
export const isActive = (state: string): boolean => state === "running" || state === "queued";
