/** The layout in a thread of its own, so that a big graph does not hold up the page. */
import { layoutGraph, type Graph, type LayoutOptions } from "./layout.ts";

export type LayoutRequest = { id: number; graph: Graph; options: LayoutOptions };

addEventListener("message", ({ data }: MessageEvent<LayoutRequest>) => {
  postMessage({ id: data.id, layout: layoutGraph(data.graph, data.options) });
});
