/** Queries of the pages that list things of all DAGs. */
import { queryOptions } from "@tanstack/react-query";
import { type Schema, api, ok, shaped } from "./client.ts";
import { firstOf } from "./pages.ts";
import type { UpcomingDays } from "./shapes.ts";

export interface RunFilter {
  dag?: string;
  state?: string;
  type?: string;
  from?: string;
  to?: string;
  conf?: string;
  limit: number;
}

/** Runs of all DAGs whose names begin with `dag`, latest first. */
export const runs = ({ dag, state, type, from, to, conf, limit }: RunFilter) =>
  queryOptions({
    queryKey: ["runs", dag, state, type, from, to, conf, limit],
    queryFn: ({ signal }) => {
      const query = {
        order_by: ["-run_after"],
        ...(dag ? { dag_id_prefix_pattern: dag } : {}),
        ...(state ? { state: state.split(",") as Schema<"DagRunState">[] } : {}),
        ...(type ? { run_type: [type as Schema<"DagRunType">] } : {}),
        ...(from ? { run_after_gte: from } : {}),
        ...(to ? { run_after_lt: to } : {}),
        ...(conf ? { conf_contains: conf } : {}),
      };
      return firstOf("dag_runs", limit, (page) => ok(api.GET("/api/v2/dags/{dag_id}/dagRuns", { params: { path: { dag_id: "~" }, query: { ...query, ...page } }, signal })));
    },
  });

/** Runs of one DAG, latest first. */
export const dagRuns = (dagId: string, state: string | undefined, limit: number) =>
  queryOptions({
    queryKey: ["runs", "of", dagId, state, limit],
    queryFn: ({ signal }) =>
      firstOf("dag_runs", limit, (page) =>
        ok(api.GET("/api/v2/dags/{dag_id}/dagRuns", { params: { path: { dag_id: dagId }, query: { ...page, order_by: ["-run_after"], ...(state ? { state: [state as Schema<"DagRunState">] } : {}) } }, signal })),
      ),
  });

/** The oldest approvals that wait for an answer. */
export const approvals = (limit: number) =>
  queryOptions({
    queryKey: ["approvals", limit],
    queryFn: ({ signal }) => firstOf("approvals", limit, (page) => ok(api.GET("/api/v2/approvals", { params: { query: { ...page, order_by: ["requested_at"] } }, signal }))),
  });

/** Runs to come that one answer lists. */
export const UPCOMING_MOST = 500;

export const upcoming = (from: string, to: string) =>
  queryOptions({ queryKey: ["upcoming", from, to], queryFn: ({ signal }) => ok(api.GET("/api/v2/upcoming", { params: { query: { from, to, limit: UPCOMING_MOST } }, signal })) });

/** Runs to come of all DAGs, day by day of a zone, both ends included. */
export const upcomingDays = (from: string, to: string, timezone: string) =>
  queryOptions({ queryKey: ["upcoming", "days", from, to, timezone], queryFn: ({ signal }) => shaped<UpcomingDays>(api.GET("/api/v2/upcoming/days", { params: { query: { from, to, timezone } }, signal })) });

export const backfills = (limit: number) =>
  queryOptions({
    queryKey: ["backfills", "all", limit],
    queryFn: ({ signal }) => firstOf("backfills", limit, (page) => ok(api.GET("/api/v2/backfills", { params: { query: { ...page, order_by: ["-id"] } }, signal }))),
  });

export const backfill = (id: number) =>
  queryOptions({ queryKey: ["backfills", "one", id], queryFn: ({ signal }) => ok(api.GET("/api/v2/backfills/{backfill_id}", { params: { path: { backfill_id: id } }, signal })) });

export const backfillRuns = (id: number, limit: number) =>
  queryOptions({
    queryKey: ["backfills", "runs", id, limit],
    queryFn: ({ signal }) => firstOf("dag_runs", limit, (page) => ok(api.GET("/api/v2/backfills/{backfill_id}/dagRuns", { params: { path: { backfill_id: id }, query: page }, signal }))),
  });

/** DAGs whose names contain a text. */
export const dagNames = (text: string) =>
  queryOptions({
    queryKey: ["dag", "~names", text],
    queryFn: ({ signal }) => ok(api.GET("/api/v2/dags", { params: { query: { limit: 12, ...(text ? { dag_id_pattern: `%${text}%` } : {}) } }, signal })),
  });

/** DAGs, tasks and runs whose names have the words of a text. */
export const search = (text: string) =>
  queryOptions({ queryKey: ["search", text], queryFn: ({ signal }) => ok(api.GET("/api/v2/search", { params: { query: { q: text } }, signal })), meta: { isStatic: true }, staleTime: 10_000 });

/** The logical date of the latest slot of a DAG that succeeded, up to now; null = none did. */
export const lastSuccess = (dagId: string) =>
  queryOptions({
    queryKey: ["runs", "of", dagId, "last success"],
    queryFn: async ({ signal }) => {
      const query = { state: ["success" as const], run_type: ["scheduled" as const, "backfill" as const], logical_date_lte: new Date().toISOString(), order_by: ["-logical_date"], limit: 1 };
      const { dag_runs: runs } = await ok(api.GET("/api/v2/dags/{dag_id}/dagRuns", { params: { path: { dag_id: dagId }, query }, signal }));
      return runs[0]?.logical_date ?? null;
    },
  });
