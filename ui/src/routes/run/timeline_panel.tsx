import { useQuery } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import { type ReactNode, useMemo } from "react";
import type { Schema } from "../../api/client.ts";
import { taskHref, timeline } from "../../api/run.ts";
import { topological, type DagGraph } from "../../graph/dag.ts";
import { useLanguage, useT } from "../../i18n/index.tsx";
import { Loaded, Panel } from "../../kit/panel.tsx";
import { useNow } from "../../kit/time.tsx";
import { duration } from "../../time/format.ts";
import { buildTimeline, keyOf, type Timeline, type TimelineAnswer, type TimelineInstance } from "../../timeline/rows.ts";
import { TimelineView } from "../../timeline/timeline_view.tsx";
import { useSearchChange } from "../search_change.ts";
import { isActive } from "./states.ts";

interface Props {
  run: Schema<"DagRun">;
  times: { data: TimelineAnswer | undefined; error: unknown; refetch: () => unknown };
  graph: DagGraph;
  chosen: string | null;
  onChoose(taskId: string): void;
  onOpen(taskId: string): void;
}

/** When each task of a run ran, in a panel of its own. */
export function TimelinePanel(props: Props) {
  const { run: t } = useT();
  const answer = useExpanded(props);
  return (
    <Loaded query={{ ...props.times, data: answer }} rows={8}>
      {(data) => <TimelineWith {...props} answer={data}>{(built, view) => <Panel title={t.timeline} aside={<CriticalPath built={built} />} actions={<WaitLegend />}>{view}</Panel>}</TimelineWith>}
    </Loaded>
  );
}

/** The same without a panel, for one that shows other things too. */
export function RunTimeline(props: Props) {
  const answer = useExpanded(props);
  return (
    <Loaded query={{ ...props.times, data: answer }} rows={8}>
      {(data) => <TimelineWith {...props} answer={data}>{(_, view) => view}</TimelineWith>}
    </Loaded>
  );
}

/** The timeline with the instances of the mapped task that the address names. */
function useExpanded({ run, times }: Props): TimelineAnswer | undefined {
  const search: { expand?: string } = useSearch({ strict: false });
  const address = { dagId: run.dag_id, runId: run.dag_run_id };
  const expanded = useQuery({ ...timeline(address, search.expand ?? null), enabled: search.expand !== undefined });
  return (search.expand !== undefined ? expanded.data : undefined) ?? times.data;
}

interface WithProps extends Omit<Props, "times"> {
  answer: TimelineAnswer;
  children(built: Timeline, view: ReactNode): ReactNode;
}

function TimelineWith({ run, answer, graph, chosen, onChoose, onOpen, children }: WithProps) {
  const active = isActive(run.state);
  const now = useNow(active ? 1 : 3600);
  const order = useMemo(() => topological(graph), [graph]);
  const built = useMemo(() => buildTimeline(answer, order, now, active), [answer, order, now, active]);
  const search: { expand?: string } = useSearch({ strict: false });
  const change = useSearchChange();
  const hrefOf = (instance: TimelineInstance): string => taskHref({ dagId: run.dag_id, runId: run.dag_run_id, taskId: instance.task_id, mapIndex: instance.map_index });
  return children(
    built,
    <TimelineView timeline={built} chosen={chosen === null ? null : keyOf(chosen, -1)} isActive={active} hrefOf={hrefOf} onChoose={(instance) => onChoose(instance.task_id)} onOpen={(instance) => onOpen(instance.task_id)} onExpand={(taskId) => change({ expand: search.expand === taskId ? undefined : taskId })} />,
  );
}

export function WaitLegend() {
  const { run: t } = useT();
  return (
    <span className="small dim hide-s tl-legend">
      <span className="lane" aria-hidden="true">
        <b className="w" />
      </span>{" "}
      {t.waits_for_slot}
    </span>
  );
}

function CriticalPath({ built: { critical } }: { built: Timeline }) {
  const { run: t } = useT();
  const { language } = useLanguage();
  if (!critical) return null;
  return (
    <span className="muted hide-s">
      <span className="u-crit">{t.critical_path}</span> {t.critical_text(duration(language, critical.seconds), duration(language, critical.longestSeconds), critical.longest)}
    </span>
  );
}
