import { QueryClient, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { ApiError, api, ok, request } from "./client.ts";
import type { Activity, Overview, Summary, UiConfig } from "./shapes.ts";
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

export const me = () => queryOptions({ queryKey: ["me"], queryFn: ({ signal }) => ok(api.GET("/api/v2/me", { signal })), meta: { isStatic: true }, staleTime: 60_000 });

export const uiConfig = () => queryOptions({ queryKey: ["uiConfig"], queryFn: ({ signal }) => request<UiConfig>("GET", "/api/v2/uiConfig", { signal }), meta: { isStatic: true }, staleTime: Infinity });

export const summary = () => queryOptions({ queryKey: ["summary"], queryFn: ({ signal }) => request<Summary>("GET", "/api/v2/summary", { signal }) });

export const activity = (from: string, to: string, bins: number) =>
  queryOptions({ queryKey: ["activity", from, to, bins], queryFn: ({ signal }) => request<Activity>("GET", `/api/v2/activity?${new URLSearchParams({ from, to, bins: String(bins) })}`, { signal }) });

export interface OverviewFilter {
  q?: string;
  state?: string;
  tag?: string;
  owner?: string;
  sort?: string;
  limit: number;
}

export const overview = ({ q, state, tag, owner, sort, limit }: OverviewFilter) => {
  const query = new URLSearchParams({ runs: "20", limit: String(limit), order_by: sort ?? "attention" });
  if (q) query.set("dag_id_pattern", `%${q}%`);
  if (tag) query.append("tags", tag);
  if (owner) query.append("owners", owner);
  if (state === "paused") query.set("paused", "true");
  else if (state) query.set("last_dag_run_state", state);
  return queryOptions({ queryKey: ["overview", query.toString()], queryFn: ({ signal }) => request<Overview>("GET", `/api/v2/dagOverview?${query}`, { signal }) });
};
