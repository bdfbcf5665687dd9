import { Glyph, useStateWord } from "../kit/state.tsx";
import { useLanguage, useT } from "../i18n/index.tsx";
import { duration } from "../time/format.ts";
import type { DagGraph } from "./dag.ts";
import type { NodeState } from "./graph_view.tsx";

interface Props {
  graph: DagGraph;
  states?: ReadonlyMap<string, NodeState>;
  /** Seconds by task id, with the usual ones. */
  durations?: ReadonlyMap<string, { seconds: number; median: number | null; isSlow: boolean }>;
  chosen: string | null;
  hrefOf(taskId: string): string;
  onChoose(taskId: string): void;
}

/** The graph as a table: the same tasks, edges and rules, in the order of the definition. */
export function TaskTable({ graph, states, durations, chosen, hrefOf, onChoose }: Props) {
  const { run: t } = useT();
  const { language } = useLanguage();
  const word = useStateWord();
  const above = new Map<string, string[]>();
  for (const [from, to] of graph.edges) above.set(to, [...(above.get(to) ?? []), from]);
  return (
    <div className="scroll-x" tabIndex={0}>
      <table className="tbl">
        <thead>
          <tr>
            <th>{t.task}</th>
            {states && <th>{t.state}</th>}
            {durations && <th className="num">{t.took}</th>}
            {durations && <th className="num">{t.usual}</th>}
            <th>{t.type}</th>
            <th>{t.after}</th>
            <th>{t.rule}</th>
          </tr>
        </thead>
        <tbody>
          {graph.nodes.map((node) => {
            const state = states?.get(node.id);
            const took = durations?.get(node.id);
            return (
              <tr key={node.id} aria-selected={node.id === chosen} onClick={() => onChoose(node.id)}>
                <td>
                  <a className="id" href={hrefOf(node.id)} onClick={(event) => event.preventDefault()}>
                    {node.label}
                    {node.isMapped && ` ×${state?.counts ?? ""}`}
                  </a>
                </td>
                {states && (
                  <td>
                    <span className="st">
                      <Glyph state={state?.state} />
                      {word(state?.state)}
                    </span>
                  </td>
                )}
                {durations && <td className={`num ${took?.isSlow ? "t-retry" : ""}`}>{took && duration(language, took.seconds)}</td>}
                {durations && <td className="num muted">{took && took.median !== null && duration(language, took.median)}</td>}
                <td className="muted">{state?.detail ?? node.type}</td>
                <td className="muted after">{(above.get(node.id) ?? []).join(", ")}</td>
                <td className="muted after">{[node.role && t.roles[node.role], node.rule && ((t.rules as Record<string, string>)[node.rule] ?? node.rule), node.when].filter(Boolean).join(", ")}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
