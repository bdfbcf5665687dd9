import { useRef, useState, useSyncExternalStore, type RefObject } from "react";
import type { DagGraph } from "../../graph/dag.ts";
import { GraphView, type GraphHandle, type NodeState } from "../../graph/graph_view.tsx";
import { TaskTable } from "../../graph/task_table.tsx";
import { useT } from "../../i18n/index.tsx";
import { Button, Segments } from "../../kit/button.tsx";
import { Panel } from "../../kit/panel.tsx";

const MOST_NODES = 3000;
const NARROW = "(max-width: 700px)";

/** Whether the panel is narrow: a graph goes from top to bottom there. */
export function useIsNarrow(): boolean {
  const query = window.matchMedia(NARROW);
  const subscribe = (listener: () => void) => {
    query.addEventListener("change", listener);
    return () => query.removeEventListener("change", listener);
  };
  return useSyncExternalStore(subscribe, () => query.matches);
}

interface Props {
  graph: DagGraph;
  version: number | undefined;
  states?: ReadonlyMap<string, NodeState>;
  chosen: string | null;
  isDimming: boolean;
  view: "graph" | "table" | undefined;
  hrefOf(taskId: string): string;
  onChoose(taskId: string): void;
  onOpen(taskId: string): void;
  onView(view: "graph" | "table"): void;
}

/** The graph of a version and its equal, the table. A graph of thousands of tasks is drawn when the reader asks. */
export function GraphPanel({ graph, version, states, chosen, isDimming, view, hrefOf, onChoose, onOpen, onView }: Props) {
  const { run: t } = useT();
  const isNarrow = useIsNarrow();
  const isHuge = graph.nodes.length > MOST_NODES;
  const [isAsked, setAsked] = useState(false);
  const shown = view ?? (isHuge && !isAsked ? "table" : "graph");
  const name = version === undefined ? "" : `v${version}`;
  const handle = useRef<GraphHandle>(null);
  const choice = (
    <>
      <Segments label={t.view} value={shown} options={[["graph", t.view_graph], ["table", t.view_table]]} onChange={onView} />
      {shown === "graph" && <ZoomButtons handle={handle} />}
    </>
  );
  return (
    <Panel title={t.graph_of(name)} aside={states && <span className="hide-s">{t.that_ran}</span>} actions={choice} label={t.graph_of(name)}>
      {shown === "graph" ? (
        <GraphView graph={graph} {...(states ? { states } : {})} chosen={chosen} isDimming={isDimming} label={t.graph_label(name)} direction={isNarrow ? "down" : "right"} handle={handle} maxHeight={isNarrow ? 900 : 420} hrefOf={hrefOf} onChoose={onChoose} onOpen={onOpen} />
      ) : (
        <>
          {isHuge && view === undefined && (
            <p className="pad row wrap">
              <span className="muted">{t.too_many(graph.nodes.length)}</span>
              <Button onClick={() => setAsked(true)}>{t.draw_anyway}</Button>
            </p>
          )}
          <TaskTable graph={graph} {...(states ? { states } : {})} chosen={chosen} hrefOf={hrefOf} onChoose={onChoose} />
        </>
      )}
    </Panel>
  );
}

function ZoomButtons({ handle }: { handle: RefObject<GraphHandle | null> }) {
  const { run: t } = useT();
  return (
    <span className="graph-zoom">
      <Button bare aria-label={t.zoom_out} title={`${t.zoom_out} (−)`} onClick={() => handle.current?.zoom(1 / 1.4)}>
        −
      </Button>
      <Button bare aria-label={t.zoom_in} title={`${t.zoom_in} (+)`} onClick={() => handle.current?.zoom(1.4)}>
        +
      </Button>
      <Button bare aria-label={t.fit} title={`${t.fit} (0)`} onClick={() => handle.current?.fit()}>
        ⤢
      </Button>
    </span>
  );
}
