import { useEffect, useMemo, useState } from "react";
import { layoutGraph, type Direction, type Graph, type GraphLayout } from "./layout.ts";
import type { LayoutRequest } from "./worker.ts";
import workerAddress from "./worker.ts?worker&url";

/** Up to so many nodes a layout takes less than a frame: no thread is worth its start. */
const INLINE_NODES = 120;
const KEPT = 24;

/** Layouts by the content of the graph: states change while a run goes on, the graph does not. */
const cache = new Map<string, GraphLayout>();
let worker: Worker | null = null;
let requests = 0;

/** The layout of a graph, or null while a thread works it out. */
export function useLayout(graph: Graph, direction: Direction): GraphLayout | null {
  const key = useMemo(() => `${direction} ${JSON.stringify(graph)}`, [graph, direction]);
  const inline = useMemo(() => {
    if (cache.has(key)) return cache.get(key)!;
    return graph.nodes.length <= INLINE_NODES ? keep(key, layoutGraph(graph, { direction })) : null;
  }, [key, graph, direction]);
  const [made, setMade] = useState<{ key: string; layout: GraphLayout } | null>(null);
  useEffect(() => {
    if (inline) return;
    let isCurrent = true;
    void layoutInThread(graph, direction).then((layout) => {
      keep(key, layout);
      if (isCurrent) setMade({ key, layout });
    });
    return () => {
      isCurrent = false;
    };
  }, [inline, key, graph, direction]);
  return inline ?? (made?.key === key ? made.layout : null);
}

function keep(key: string, layout: GraphLayout): GraphLayout {
  cache.set(key, layout);
  for (const oldest of cache.keys()) {
    if (cache.size <= KEPT) break;
    cache.delete(oldest);
  }
  return layout;
}

function layoutInThread(graph: Graph, direction: Direction): Promise<GraphLayout> {
  const request: LayoutRequest = { id: ++requests, graph, options: { direction } };
  return new Promise((resolve) => {
    const thread = startWorker();
    if (!thread) return resolve(layoutGraph(graph, request.options));
    const end = (layout: GraphLayout): void => {
      thread.removeEventListener("message", onMessage);
      thread.removeEventListener("error", onError);
      resolve(layout);
    };
    const onMessage = ({ data }: MessageEvent<{ id: number; layout: GraphLayout }>): void => {
      if (data.id === request.id) end(data.layout);
    };
    const onError = (): void => {
      worker = null;
      end(layoutGraph(graph, request.options));
    };
    thread.addEventListener("message", onMessage);
    thread.addEventListener("error", onError);
    thread.postMessage(request);
  });
}

/** The one thread of the page; null where the browser refuses threads. */
function startWorker(): Worker | null {
  if (worker) return worker;
  try {
    worker = new Worker(scriptAddress(workerAddress) as string, { type: "module" });
  } catch {
    return null;
  }
  return worker;
}

interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(address: string): string }): { createScriptURL(address: string): unknown };
}

let policy: { createScriptURL(address: string): unknown } | null = null;

/** The page's only policy of trusted types: scripts of threads come from the bundle and from nowhere else. */
function scriptAddress(address: string): unknown {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  policy ??=
    trustedTypes?.createPolicy("mainspring", {
      createScriptURL: (asked) => {
        const { origin, pathname } = new URL(asked, location.href);
        if (origin !== location.origin || !pathname.startsWith("/static/")) throw new TypeError(`no script of the page: ${asked}`);
        return asked;
      },
    }) ?? null;
  return policy ? policy.createScriptURL(address) : address;
}
