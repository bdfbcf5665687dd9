import { useQuery } from "@tanstack/react-query";
import { dagRuns } from "../../api/lists.ts";
import { definition } from "../../api/run.ts";
import { type Param, newNames, paramsOf } from "./params.ts";

export interface NewParams {
  names: ReadonlySet<string>;
  /** Version of the latest run. */
  since: number;
}

/** The params that the version of the latest run lacked; null = none, or the DAG never ran. */
export function useNewParams(dagId: string, params: readonly Param[]): NewParams | null {
  const { data: latest } = useQuery(dagRuns(dagId, undefined, 1));
  const version = latest?.dag_runs[0]?.dag_versions[0];
  const isKnown = version !== undefined && !version.is_inline && params.length > 0;
  const { data } = useQuery({ ...definition(dagId, version?.version_number), enabled: isKnown });
  if (!isKnown || data === undefined || typeof data === "string") return null;
  const names = newNames(params, paramsOf(data.params));
  return names.size === 0 ? null : { names, since: version.version_number };
}
