import { useState } from "react";
import type { Schema } from "../../api/client.ts";

type Run = Pick<Schema<"DagRun">, "dag_id" | "dag_run_id">;
export const keyOf = (run: Run): string => `${run.dag_id}\n${run.dag_run_id}`;

/** The chosen runs of a list, kept by id: a row that changes or moves stays chosen. */
export interface Selection {
  size: number;
  has(run: Run): boolean;
  set(runs: readonly Run[], on: boolean): void;
  clear(): void;
  /** Ids of runs by DAG. */
  byDag(): Map<string, string[]>;
}

export function useSelection(): Selection {
  const [chosen, setChosen] = useState<ReadonlyMap<string, Run>>(new Map());
  return {
    size: chosen.size,
    has: (run) => chosen.has(keyOf(run)),
    set: (runs, on) => setChosen((before) => changed(before, runs, on)),
    clear: () => setChosen(new Map()),
    byDag: () => grouped([...chosen.values()]),
  };
}

export function changed(before: ReadonlyMap<string, Run>, runs: readonly Run[], on: boolean): ReadonlyMap<string, Run> {
  const next = new Map(before);
  for (const run of runs) if (on) next.set(keyOf(run), run);
  else next.delete(keyOf(run));
  return next;
}

export function grouped(runs: readonly Run[]): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const { dag_id, dag_run_id } of runs) groups.set(dag_id, [...(groups.get(dag_id) ?? []), dag_run_id]);
  return groups;
}
