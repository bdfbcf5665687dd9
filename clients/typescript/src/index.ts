/** A typed client of the Mainspring API. `schema.ts` is generated from its OpenAPI document. */

import createClient, { type Client } from "openapi-fetch";

import { followEvents, type EventOptions } from "./events.js";
import type { components, paths } from "./schema.js";

export { runAndWait, type AwaitOptions } from "./awaited.js";
export { MainspringError, TokenExpiredError } from "./errors.js";
export type { EventKind, EventOptions } from "./events.js";
export { iterate, type PageQuery } from "./pages.js";
export { unwrap } from "./unwrap.js";
export type { components, operations, paths } from "./schema.js";

/** The objects that are sent and answered, by name: `Schemas["Definition"]`. */
export type Schemas = components["schemas"];
export type Definition = Schemas["Definition"];
export type Task = Schemas["Task"];
export type DagRun = Schemas["DagRun"];
export type Problem = Schemas["Problem"];
export type Event = Schemas["Event"];

export interface MainspringClient extends Client<paths, "application/json"> {
  /**
   * Follow what changes, without an end: `for await (const event of client.events())`.
   *
   * The iterator connects again after each end of a connection, with growing pauses, and continues behind the last
   * event: no event is missed, none comes twice. An event of the kind `reset` says that events were lost all
   * the same; the reader reads everything again, and the iterator goes on. Throws a `MainspringError` when the server
   * refuses the request.
   */
  events(options?: EventOptions): AsyncGenerator<Event, void, void>;
}

export interface ClientOptions {
  /** Where the server is, without `/api/v2`: `http://127.0.0.1:8080`. */
  baseUrl: string;
  token: string;
  /** Instead of the global `fetch`. */
  fetch?: (request: Request) => Promise<Response>;
}

export function createMainspringClient({ baseUrl, token, fetch }: ClientOptions): MainspringClient {
  const headers = { Authorization: `Bearer ${token}` };
  const client = createClient<paths, "application/json">({
    baseUrl,
    headers,
    // Lists of values repeat the parameter: `state=failed&state=success`.
    querySerializer: { array: { style: "form", explode: true } },
    ...(fetch === undefined ? {} : { fetch }),
  });
  const connection = { baseUrl, headers, fetch: fetch ?? ((request: Request) => globalThis.fetch(request)) };
  return Object.assign(client, { events: (options: EventOptions = {}) => followEvents(connection, options) });
}
