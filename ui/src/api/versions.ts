/** Queries of the versions of a DAG: what a version says, as its author wrote it, and what differs between two. */
import { queryOptions } from "@tanstack/react-query";
import { ApiError, request } from "./client.ts";

export interface DefinitionChange {
  op: string;
  kind: string;
  path: string;
  task_id: string | null;
  before: unknown;
  after: unknown;
  text: string;
}

export interface DescribedVersion {
  version_number: number;
  created_at: string;
  created_by?: string | null;
  message?: string | null;
  summary?: string | null;
  run_count?: number;
}

export interface VersionDiff {
  older: DescribedVersion;
  newer: DescribedVersion;
  changes: DefinitionChange[];
  form: string;
  /** A unified diff; empty = equal texts. */
  diff: string;
}

export const versionDiff = (dagId: string, older: number, newer: number) =>
  queryOptions({
    queryKey: ["diff", dagId, older, newer],
    queryFn: ({ signal }) => request<VersionDiff>("GET", `/api/v2/dags/${encodeURIComponent(dagId)}/dagVersions/${older}/diff/${newer}`, { signal }),
    meta: { isStatic: true },
  });

/** The text as its author sent it; null where an earlier release saved the version without its text. */
export const sentText = (dagId: string, version: number) =>
  queryOptions({
    queryKey: ["definition", dagId, version, "sent"],
    queryFn: async ({ signal }): Promise<string | null> => {
      const address = `/api/v2/dags/${encodeURIComponent(dagId)}/definition?version_number=${version}&form=sent`;
      const response = await fetch(address, { signal, headers: { Accept: "text/plain, application/json;q=0.5", "X-Mainspring-Page": "1" } });
      if (response.status === 404) return null;
      if (!response.ok) throw new ApiError(response.status, {}, response.headers.get("X-Request-Id") ?? "");
      return response.headers.get("Content-Type")?.startsWith("text/plain") ? response.text() : null;
    },
    meta: { isStatic: true },
  });
