import { useQuery } from "@tanstack/react-query";
import { dagVersions, schedule } from "../../api/dag.ts";
import { GridAndRun } from "./grid_panel.tsx";
import { NextRuns } from "./next_runs.tsx";
import { Versions } from "./versions.tsx";

export function GridTab({ dagId }: { dagId: string }) {
  const next = useQuery(schedule(dagId, 5));
  const versions = useQuery(dagVersions(dagId, 3));
  return <GridAndRun dagId={dagId} below={<NextRuns query={next} />} beside={<Versions dagId={dagId} query={versions} />} />;
}
