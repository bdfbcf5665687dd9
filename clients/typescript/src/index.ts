/** A typed client of the Mainspring API. `schema.ts` is generated from its OpenAPI document. */

import createClient, { type Client } from "openapi-fetch";

import type { components, paths } from "./schema.js";

export type { components, operations, paths } from "./schema.js";

/** The objects that are sent and answered, by name: `Schemas["Definition"]`. */
export type Schemas = components["schemas"];
export type Definition = Schemas["Definition"];
export type Task = Schemas["Task"];
export type DagRun = Schemas["DagRun"];
export type Problem = Schemas["Problem"];

export type MainspringClient = Client<paths, "application/json">;

/** The server answered with an error. */
export class MainspringError extends Error {
  override readonly name = "MainspringError";

  constructor(
    readonly status: number,
    /** Undefined when something else than the server answered, a proxy for example. */
    readonly problem: Problem | undefined,
  ) {
    super(`${status}: ${problem === undefined ? "no answer of Mainspring" : messageOf(problem)}`);
  }

  /** Stable name of what is wrong, `not_found` for example; undefined when something else than the server answered. */
  get code(): string | undefined {
    return this.problem?.code;
  }
}

export interface ClientOptions {
  /** Where the server is, without `/api/v2`: `http://127.0.0.1:8080`. */
  baseUrl: string;
  token: string;
  /** Instead of the global `fetch`. */
  fetch?: (request: Request) => Promise<Response>;
}

export function createMainspringClient({ baseUrl, token, fetch }: ClientOptions): MainspringClient {
  return createClient<paths, "application/json">({
    baseUrl,
    headers: { Authorization: `Bearer ${token}` },
    // Lists of values repeat the parameter: `state=failed&state=success`.
    querySerializer: { array: { style: "form", explode: true } },
    ...(fetch === undefined ? {} : { fetch }),
  });
}

/** The answer of a call, or a `MainspringError` thrown: `const run = await unwrap(client.GET(...))`. */
export async function unwrap<T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await call;
  if (!response.ok) {
    throw new MainspringError(response.status, isProblem(error) ? error : undefined);
  }
  return data as T;
}

function isProblem(body: unknown): body is Problem {
  return typeof body === "object" && body !== null && "code" in body && "detail" in body;
}

function messageOf(problem: Problem): string {
  if (problem.errors !== undefined && problem.errors.length > 0) {
    return problem.errors.map(faultOf).join("; ");
  }
  const { detail } = problem;
  if (typeof detail === "string") {
    return detail;
  }
  return "message" in detail ? String(detail.message) : JSON.stringify(detail);
}

function faultOf({ line, pointer, message, hint }: Schemas["ErrorItem"]): string {
  const place = `${line === null ? "" : `line ${line}, `}${pointer === "" ? "" : `${pointer}: `}`;
  return `${place}${message}${hint === null ? "" : ` (${hint})`}`;
}
