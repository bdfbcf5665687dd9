/** Queries of the pages of a DAG. */
import { queryOptions } from "@tanstack/react-query";
import { api, ok, request } from "./client.ts";
import type { Grid } from "./shapes.ts";

export const dagDetails = (dagId: string) =>
  queryOptions({ queryKey: ["dag", dagId, "details"], queryFn: ({ signal }) => ok(api.GET("/api/v2/dags/{dag_id}/details", { params: { path: { dag_id: dagId } }, signal })) });

export const schedule = (dagId: string, count: number, after?: string) =>
  queryOptions({
    queryKey: ["dag", dagId, "schedule", count, after],
    queryFn: ({ signal }) => ok(api.GET("/api/v2/dags/{dag_id}/schedule", { params: { path: { dag_id: dagId }, query: { count, ...(after ? { after } : {}) } }, signal })),
  });

export const dagVersions = (dagId: string, limit: number) =>
  queryOptions({
    queryKey: ["dag", dagId, "versions", limit],
    queryFn: ({ signal }) => ok(api.GET("/api/v2/dags/{dag_id}/dagVersions", { params: { path: { dag_id: dagId }, query: { limit, order_by: ["-version_number"] } }, signal })),
  });

/** The matrix of tasks and the latest runs, in one request. */
export const grid = (dagId: string, runs: number) =>
  queryOptions({ queryKey: ["grid", dagId, runs], queryFn: ({ signal }) => request<Grid>("GET", `/api/v2/dags/${encodeURIComponent(dagId)}/grid?runs=${runs}`, { signal }) });
