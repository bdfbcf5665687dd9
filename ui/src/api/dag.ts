/** Queries of the pages of a DAG. */
import { queryOptions } from "@tanstack/react-query";
import { api, ok, shaped } from "./client.ts";
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

/** A DAG day by day of a zone, both ends included. */
export const calendar = (dagId: string, from: string, to: string, timezone: string) =>
  queryOptions({
    queryKey: ["dag", dagId, "calendar", from, to, timezone],
    queryFn: ({ signal }) => ok(api.GET("/api/v2/dags/{dag_id}/calendar", { params: { path: { dag_id: dagId }, query: { from, to, timezone } }, signal })),
  });

/** The latest instances of a task in all runs of its DAG, latest first. */
export const instancesOfTask = (dagId: string, taskId: string, limit: number) =>
  queryOptions({
    queryKey: ["dag", dagId, "instances", taskId, limit],
    queryFn: ({ signal }) =>
      ok(api.GET("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances", { params: { path: { dag_id: dagId, dag_run_id: "~" }, query: { task_id: taskId, limit, order_by: ["-run_after"] } }, signal })),
  });

/** The matrix of tasks and the latest runs, in one request. */
export const grid = (dagId: string, runs: number) =>
  queryOptions({ queryKey: ["grid", dagId, runs], queryFn: ({ signal }) => shaped<Grid>(api.GET("/api/v2/dags/{dag_id}/grid", { params: { path: { dag_id: dagId }, query: { runs } }, signal })) });
