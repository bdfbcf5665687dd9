/** The graph of a definition: what the page draws of one version of a DAG. */

/** The fields of a task of a definition that the graph shows. */
export type DefinitionTask = {
  type?: string;
  task_display_name?: string;
  description?: string;
  depends_on?: readonly string[];
  trigger_rule?: string;
  when?: string;
  expand?: object;
  handler?: string;
  setup?: boolean;
  teardown?: { of?: readonly string[] };
};

/** What a task does for others: makes something, cleans it up, or follows the end of the run. */
export type TaskRole = "setup" | "teardown" | "handler";

export type DagNode = {
  id: string;
  label: string;
  type: string;
  /** What lets the task run, where this is not the success of all before; null otherwise. */
  rule: string | null;
  /** The condition that skips the task when false; null = none. */
  when: string | null;
  isMapped: boolean;
  /** null = a task as any other. */
  role: TaskRole | null;
};

/** A task group with the ids of the tasks in it and in its groups. */
export type DagGroup = { id: string; label: string; tasks: readonly string[] };

/** Groups are each before those in them; absent = the definition has none. */
export type DagGraph = { nodes: DagNode[]; edges: [from: string, to: string][]; groups?: readonly DagGroup[] };

/** Nodes in the order of the definition; `defaultRule` is the trigger rule of tasks that name none. */
export function graphOfTasks(tasks: Readonly<Record<string, DefinitionTask>>, defaultRule = "all_success", groups: readonly DagGroup[] = []): DagGraph {
  const nodes: DagNode[] = [];
  const edges: [string, string][] = [];
  for (const [id, task] of Object.entries(tasks)) {
    // A tear-down goes by the rule of its role.
    const rule = task.teardown ? "all_success" : (task.trigger_rule ?? defaultRule);
    nodes.push({
      id,
      label: task.task_display_name ?? id,
      type: task.type ?? "",
      rule: rule === "all_success" ? null : rule,
      when: task.when ?? null,
      isMapped: task.expand !== undefined,
      role: task.teardown ? "teardown" : task.setup ? "setup" : task.handler ? "handler" : null,
    });
    // A tear-down depends on its set-ups without naming them again.
    const setups = (task.teardown?.of ?? []).filter((name) => name in tasks);
    for (const before of new Set([...(task.depends_on ?? []), ...setups])) edges.push([before, id]);
  }
  return groups.length > 0 ? { nodes, edges, groups } : { nodes, edges };
}

export type Neighbours = { above: ReadonlyMap<string, string[]>; below: ReadonlyMap<string, string[]> };

export function neighbours(graph: DagGraph): Neighbours {
  const above = new Map<string, string[]>(graph.nodes.map((node) => [node.id, []]));
  const below = new Map<string, string[]>(graph.nodes.map((node) => [node.id, []]));
  for (const [from, to] of graph.edges) {
    below.get(from)?.push(to);
    above.get(to)?.push(from);
  }
  return { above, below };
}

/** Everything before and after a task, and the task. */
export function relatives(of: string, { above, below }: Neighbours): Set<string> {
  return new Set([...reach(of, above), ...reach(of, below)]);
}

/** The task and everything that the map leads to from there. */
export function reach(from: string, next: ReadonlyMap<string, string[]>): Set<string> {
  const reached = new Set([from]);
  for (const id of reached) for (const other of next.get(id) ?? []) reached.add(other);
  return reached;
}

/** The tasks in an order in which each comes after all that it depends on. */
export function topological(graph: DagGraph): string[] {
  const { above, below } = neighbours(graph);
  const waiting = new Map(graph.nodes.map((node) => [node.id, above.get(node.id)!.length]));
  const order = graph.nodes.map((node) => node.id).filter((id) => waiting.get(id) === 0);
  for (const id of order) {
    for (const next of below.get(id)!) {
      const left = waiting.get(next)! - 1;
      waiting.set(next, left);
      if (left === 0) order.push(next);
    }
  }
  return order;
}
