/** Queries of the pages of a DAG. */
import { queryOptions } from "@tanstack/react-query";
import { type Schema, api, ok, shaped } from "./client.ts";
import { firstOf } from "./pages.ts";
import type { Grid } from "./shapes.ts";

export const dagDetails = (dagId: string) =>
  queryOptions({ queryKey: ["dag", dagId, "details"], queryFn: ({ signal }) => ok(api.GET("/api/v2/dags/{dag_id}/details", { params: { path: { dag_id: dagId } }, signal })) });

/** What is known of a DAG without a saved version too. */
export const anyDag = (dagId: string) =>
  queryOptions({ queryKey: ["dag", dagId, "any"], queryFn: ({ signal }) => ok(api.GET("/api/v2/dags/{dag_id}", { params: { path: { dag_id: dagId } }, signal })) });

export const schedule = (dagId: string, count: number, after?: string) =>
  queryOptions({
    queryKey: ["dag", dagId, "schedule", count, after],
    queryFn: ({ signal }) => ok(api.GET("/api/v2/dags/{dag_id}/schedule", { params: { path: { dag_id: dagId }, query: { count, ...(after ? { after } : {}) } }, signal })),
  });

export const dagVersions = (dagId: string, limit: number) =>
  queryOptions({
    queryKey: ["dag", dagId, "versions", limit],
    queryFn: ({ signal }) => firstOf("dag_versions", limit, (page) => ok(api.GET("/api/v2/dags/{dag_id}/dagVersions", { params: { path: { dag_id: dagId }, query: { ...page, order_by: ["-version_number"] } }, signal }))),
  });

/**
 * How many runs and saved versions a DAG has, and the latest of each. A number of runs that is only known to be at least
 * that has a limit.
 */
export const dagCounts = (dagId: string) =>
  queryOptions({
    queryKey: ["dag", dagId, "counts"],
    queryFn: async ({ signal }) => {
      const path = { dag_id: dagId };
      const [runs, versions] = await Promise.all([
        ok(api.GET("/api/v2/dags/{dag_id}/dagRuns", { params: { path, query: { limit: 1, order_by: ["-run_after"] } }, signal })),
        ok(api.GET("/api/v2/dags/{dag_id}/dagVersions", { params: { path, query: { limit: 1, order_by: ["-version_number"] } }, signal })),
      ]);
      return {
        runs: runs.total_entries,
        isAtLeast: runs.total_entries_limit !== null,
        versions: versions.total_entries,
        lastState: runs.dag_runs[0]?.state ?? null,
        author: versions.dag_versions[0]?.created_by ?? null,
      };
    },
  });

/** The highest number of a version, saved or not. */
export const newestNumber = (dagId: string) =>
  queryOptions({
    queryKey: ["dag", dagId, "newest"],
    queryFn: async ({ signal }) => {
      const query = { limit: 1, order_by: ["-version_number"], include_inline: true };
      const { dag_versions: versions } = await ok(api.GET("/api/v2/dags/{dag_id}/dagVersions", { params: { path: { dag_id: dagId }, query }, signal }));
      return versions[0]?.version_number ?? 0;
    },
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
export const grid = (dagId: string, runs: number, { state, type }: { state?: Schema<"DagRunState"> | undefined; type?: Schema<"DagRunType"> | undefined } = {}) =>
  queryOptions({
    queryKey: ["grid", dagId, runs, state, type],
    queryFn: ({ signal }) => shaped<Grid>(api.GET("/api/v2/dags/{dag_id}/grid", { params: { path: { dag_id: dagId }, query: { runs, ...(state ? { state: [state] } : {}), ...(type ? { run_type: [type] } : {}) } }, signal })),
  });
