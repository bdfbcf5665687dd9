/** Task groups folded into one node each. Pure functions. */
import { topological, type DagGraph, type DagGroup, type DagNode } from "./dag.ts";

/** More groups would make a graph of thousands of tasks wait, and fill the panel with switches. */
const MOST_GROUPS = 40;

/** The first groups that can be one node: nothing outside of such a group lies between two of its tasks. */
export function foldableGroups(graph: DagGraph): DagGroup[] {
  return (graph.groups ?? []).slice(0, MOST_GROUPS).filter((group) => {
    const folded = foldGraph(graph, new Set([group.id]));
    return topological(folded).length === folded.nodes.length;
  });
}

/** The node that stands for each task: the outermost folded group around it, or the task itself. */
export function standIns(graph: DagGraph, folded: ReadonlySet<string>): Map<string, string> {
  const standIn = new Map(graph.nodes.map((node) => [node.id, node.id]));
  // Outer groups come before those in them.
  for (const group of graph.groups ?? []) {
    if (!folded.has(group.id)) continue;
    for (const task of group.tasks) if (standIn.get(task) === task) standIn.set(task, group.id);
  }
  return standIn;
}

/** The graph with a node for each folded group, where its first task stands. */
export function foldGraph(graph: DagGraph, folded: ReadonlySet<string>, countOf: (n: number) => string = String): DagGraph {
  const standIn = standIns(graph, folded);
  const groups = new Map((graph.groups ?? []).map((group) => [group.id, group]));
  const nodes = new Map<string, DagNode>();
  for (const node of graph.nodes) {
    const id = standIn.get(node.id)!;
    const group = id === node.id ? undefined : groups.get(id);
    if (!nodes.has(id)) nodes.set(id, group ? { id, label: group.label, type: countOf(group.tasks.length), rule: null, when: null, isMapped: false, role: null } : node);
  }
  const edges = new Map<string, [string, string]>();
  for (const [from, to] of graph.edges) {
    const [before, after] = [standIn.get(from) ?? from, standIn.get(to) ?? to];
    if (before !== after) edges.set(JSON.stringify([before, after]), [before, after]);
  }
  return { nodes: [...nodes.values()], edges: [...edges.values()], ...(graph.groups ? { groups: graph.groups } : {}) };
}
