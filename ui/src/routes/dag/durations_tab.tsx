import { useQuery } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { Schema } from "../../api/client.ts";
import { instancesOfTask } from "../../api/dag.ts";
import { dagRuns } from "../../api/lists.ts";
import { definition, runHref, taskHref } from "../../api/run.ts";
import { DurationChart } from "../../durations/chart.tsx";
import { type Dot, bandOf } from "../../durations/scale.ts";
import { useLanguage, useT } from "../../i18n/index.tsx";
import { Empty, Loaded, Panel } from "../../kit/panel.tsx";
import { duration } from "../../time/format.ts";
import { useSearchChange } from "../search_change.ts";

const SHOWN = 100;

/** How long the latest runs took, as a whole or one of their tasks. */
export function DurationsTab({ dagId }: { dagId: string }) {
  const { dag: t } = useT();
  const search: { task?: string } = useSearch({ strict: false });
  const change = useSearchChange();
  const content = useQuery(definition(dagId, undefined));
  const tasks = Object.keys(((content.data as Schema<"Definition"> | undefined)?.tasks as object | undefined) ?? {});
  const names = search.task && !tasks.includes(search.task) ? [search.task, ...tasks] : tasks;
  const choice = (
    <label className="row small muted">
      {t.durations.of}{" "}
      <select className="inp small" value={search.task ?? ""} onChange={(event) => change({ task: event.target.value || undefined })}>
        <option value="">{t.durations.of_runs}</option>
        {names.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
    </label>
  );
  return search.task === undefined ? <OfRuns dagId={dagId} choice={choice} /> : <OfTask key={search.task} dagId={dagId} taskId={search.task} choice={choice} />;
}

function OfRuns({ dagId, choice }: { dagId: string; choice: ReactNode }) {
  const { dag: t } = useT();
  const query = useQuery(dagRuns(dagId, undefined, SHOWN));
  const dots = query.data?.dag_runs.flatMap((run): Dot[] => (run.duration === null ? [] : [{ key: run.dag_run_id, state: run.state, duration: run.duration, at: Date.parse(run.run_after), href: runHref({ dagId, runId: run.dag_run_id }) }]));
  return <Dots query={{ ...query, data: dots }} what={t.durations.of_runs} choice={choice} />;
}

function OfTask({ dagId, taskId, choice }: { dagId: string; taskId: string; choice: ReactNode }) {
  const query = useQuery(instancesOfTask(dagId, taskId, SHOWN));
  const dots = query.data?.task_instances.flatMap((each): Dot[] =>
    each.duration === null || each.state === null ? [] : [{ key: `${each.dag_run_id} ${each.map_index}`, state: each.state, duration: each.duration, at: Date.parse(each.run_after), href: taskHref({ dagId, runId: each.dag_run_id, taskId, mapIndex: each.map_index }) }],
  );
  return <Dots query={{ ...query, data: dots }} what={taskId} choice={choice} />;
}

interface DotsProps {
  query: { data: Dot[] | undefined; error: unknown; refetch: () => unknown };
  what: string;
  choice: ReactNode;
}

function Dots({ query, what, choice }: DotsProps) {
  const { dag: t } = useT();
  const { language } = useLanguage();
  const dots = query.data?.toReversed();
  const band = dots && bandOf(dots);
  return (
    <Panel title={t.tabs.durations} aside={band ? `${t.durations.median(duration(language, band.median))}; ${t.durations.band}` : ""} actions={choice}>
      <Loaded query={{ ...query, data: dots }} rows={8}>
        {(shown) =>
          shown.length === 0 ? (
            <Empty title={t.durations.none} />
          ) : (
            <>
              <DurationChart dots={shown} what={what} />
              <p className="pad small muted">{t.durations.shown(shown.length)}</p>
            </>
          )
        }
      </Loaded>
    </Panel>
  );
}
