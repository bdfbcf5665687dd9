import { useQuery } from "@tanstack/react-query";
import type { Schema } from "../../api/client.ts";
import { dagVersions, schedule } from "../../api/dag.ts";
import { GridAndRun } from "./grid_panel.tsx";
import { NextRuns } from "./next_runs.tsx";
import { Versions } from "./versions.tsx";

export function GridTab({ dag: { dag_id: dagId, is_stale: isStale, is_paused: isPaused } }: { dag: Schema<"DagDetails"> }) {
  const next = useQuery(schedule(dagId, 5));
  const versions = useQuery(dagVersions(dagId, 3));
  return <GridAndRun dagId={dagId} below={<NextRuns query={next} isStale={isStale} isPaused={isPaused} />} beside={<Versions dagId={dagId} query={versions} />} />;
}
