/** Graphs for tests and measurements; the same arguments give the same graph. */
import type { Graph, GraphNode } from "./layout.ts";

export const box = (id: string): GraphNode => ({ id, width: 152, height: 36 });

export const etl: Graph = {
  nodes: ["fetch", "extract", "dedupe", "gate", "ask", "load", "marts", "publish", "notify", "tidy"].map(box),
  edges: [
    ["fetch", "gate"],
    ["extract", "dedupe"],
    ["dedupe", "gate"],
    ["gate", "ask"],
    ["gate", "load"],
    ["ask", "load"],
    ["load", "marts"],
    ["marts", "publish"],
    ["load", "notify"],
    ["notify", "tidy"],
    ["extract", "tidy"],
  ],
};

/** One node, `count` nodes after it, one node after all of them. */
export function fan(count: number): Graph {
  const middle = Array.from({ length: count }, (_, index) => `f${index}`);
  return {
    nodes: ["first", ...middle, "last"].map(box),
    edges: [...middle.map((id) => ["first", id] as const), ...middle.map((id) => [id, "last"] as const)],
  };
}

export function chain(count: number): Graph {
  const ids = Array.from({ length: count }, (_, index) => `c${index}`);
  return { nodes: ids.map(box), edges: ids.slice(1).map((id, index) => [ids[index]!, id] as const) };
}

/** Diamonds one after the other. */
export function diamonds(count: number): Graph {
  const graph = { nodes: [box("d0")], edges: [] as [string, string][] };
  for (let index = 0; index < count; index++) {
    graph.nodes.push(box(`l${index}`), box(`r${index}`), box(`d${index + 1}`));
    graph.edges.push([`d${index}`, `l${index}`], [`d${index}`, `r${index}`]);
    graph.edges.push([`l${index}`, `d${index + 1}`], [`r${index}`, `d${index + 1}`]);
  }
  return graph;
}

/** A plausible big DAG: each node after one to three nodes of the two rows before it. */
export function woven(count: number, seed = 7): Graph {
  let state = seed;
  const random = (): number => (state = (state * 16807) % 2147483647) / 2147483647;
  const row = Math.max(3, Math.round(Math.sqrt(count) * 1.2));
  const edges: [string, string][] = [];
  for (let node = row; node < count; node++) {
    const sources = new Set<number>();
    for (let edge = 1 + Math.floor(random() * 2.8); edge > 0; edge--) {
      sources.add(Math.max(0, node - row - Math.floor(random() * row)));
    }
    for (const source of sources) edges.push([`t${source}`, `t${node}`]);
  }
  return { nodes: Array.from({ length: count }, (_, node) => box(`t${node}`)), edges };
}
