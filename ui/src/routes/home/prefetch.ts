import { api, now, shaped } from "../../api/client.ts";
import { DAGS_PAGE, activity, overview, overviewQuery, queries, summary } from "../../api/queries.ts";
import type { Home } from "../../api/shapes.ts";
import { spanOf } from "./bins.ts";

/** Ask in one request for all that Home shows at first. Each part is kept as the answer of its own query. */
export function prefetchHome(): void {
  const span = spanOf("12h", now());
  const home = shaped<Home>(api.GET("/api/v2/home", { params: { query: { ...overviewQuery({ limit: DAGS_PAGE }), ...span } } }));
  void queries.prefetchQuery({ ...summary(), queryFn: async () => (await home).summary, retry: false });
  void queries.prefetchQuery({ ...activity(span), queryFn: async () => (await home).activity, retry: false });
  void queries.prefetchQuery({ ...overview({ limit: DAGS_PAGE }), queryFn: async () => (await home).overview, retry: false });
}
