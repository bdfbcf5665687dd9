/** Queries of the versions of a DAG: what a version says, as its author wrote it, and what differs between two. */
import { queryOptions } from "@tanstack/react-query";
import { ApiError, type Schema, api, ok } from "./client.ts";

export type DefinitionChange = Schema<"DefinitionChange">;
export type DescribedVersion = Schema<"DagVersionDetails">;
export type VersionDiff = Schema<"DagVersionDiff">;

export const versionDiff = (dagId: string, older: number, newer: number) =>
  queryOptions({
    queryKey: ["diff", dagId, older, newer],
    queryFn: ({ signal }) => ok(api.GET("/api/v2/dags/{dag_id}/dagVersions/{older}/diff/{newer}", { params: { path: { dag_id: dagId, older, newer } }, signal })),
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
