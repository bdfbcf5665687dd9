import { QueryClient, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { ApiError, type Schema, api, ok, shaped } from "./client.ts";
import { firstOf } from "./pages.ts";
import type { Activity, Overview, Summary } from "./shapes.ts";
import { pollEvery } from "../live/state.ts";

declare module "@tanstack/react-query" {
  interface Register {
    /** `isStatic`: no event and no poll changes it. */
    queryMeta: { isStatic?: boolean };
    mutationMeta: Record<string, unknown>;
  }
}

/** Whether the same request may succeed later. */
const isPassing = (error: unknown) => error instanceof ApiError && (error.status === 0 || error.status === 429 || error.status >= 500);

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 2000,
      gcTime: 10 * 60_000,
      refetchOnWindowFocus: false,
      retry: (count, error) => isPassing(error) && count < 2,
      refetchInterval: (query) => (query.meta?.isStatic ? false : pollEvery()),
      placeholderData: keepPreviousData,
    },
  },
});

/** Who reads the page. The answer brings the settings of the page along. */
export const me = () =>
  queryOptions({
    queryKey: ["me"],
    queryFn: async ({ signal }) => {
      const answer = await ok(api.GET("/api/v2/me", { signal }));
      queries.setQueryData(uiConfig().queryKey, answer.page);
      return answer;
    },
    meta: { isStatic: true },
    staleTime: 60_000,
  });

export const uiConfig = () => queryOptions({ queryKey: ["uiConfig"], queryFn: ({ signal }) => ok(api.GET("/api/v2/uiConfig", { signal })), meta: { isStatic: true }, staleTime: Infinity });

export const summary = () => queryOptions({ queryKey: ["summary"], queryFn: ({ signal }) => shaped<Summary>(api.GET("/api/v2/summary", { signal })) });

/** A span of time in bins. */
export interface SpanQuery {
  from: string;
  to: string;
  bins: number;
}

export const activity = ({ from, to, bins }: SpanQuery) =>
  queryOptions({ queryKey: ["activity", from, to, bins], queryFn: ({ signal }) => shaped<Activity>(api.GET("/api/v2/activity", { params: { query: { from, to, bins } }, signal })) });

export interface OverviewFilter {
  q?: string;
  state?: string;
  tag?: string;
  owner?: string;
  sort?: string;
  limit: number;
}

/** DAGs that Home shows at first. */
export const DAGS_PAGE = 100;

export const overviewQuery = ({ q, state, tag, owner, sort, limit }: OverviewFilter) => ({
  runs: 20,
  limit,
  order_by: [sort ?? "attention"],
  ...(q ? { dag_id_pattern: `%${q}%` } : {}),
  ...(tag ? { tags: [tag] } : {}),
  ...(owner ? { owners: [owner] } : {}),
  ...(state === "paused" ? { paused: true } : state ? { last_dag_run_state: state as Schema<"DagRunState"> } : {}),
});

export const overview = (filter: OverviewFilter) => {
  const query = overviewQuery(filter);
  return queryOptions({
    queryKey: ["overview", query],
    queryFn: ({ signal }) => firstOf("dags", filter.limit, (page) => shaped<Overview>(api.GET("/api/v2/dagOverview", { params: { query: { ...query, ...page } }, signal }))),
  });
};
