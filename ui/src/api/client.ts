import createClient, { type Middleware } from "openapi-fetch";
import { fromJson } from "./exact.ts";
import type { components, paths } from "./schema.d.ts";

export type Schema<Name extends keyof components["schemas"]> = components["schemas"][Name];

/** An answer that is an error: RFC 9457, as the server sends it, or what is known when no answer came. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly requestId: string;
  readonly problem: Partial<Schema<"Problem">>;

  constructor(status: number, problem: Partial<Schema<"Problem">>, requestId: string) {
    const { detail, title } = problem;
    super(typeof detail === "string" ? detail : (problem.errors?.[0]?.message ?? title ?? `status ${status}`));
    this.status = status;
    this.code = problem.code ?? "";
    this.requestId = problem.request_id ?? requestId;
    this.problem = problem;
  }

  /** Whether no answer came: the server is not there, or the network is not. */
  get isOffline(): boolean {
    return this.status === 0;
  }
}

type Listener = () => void;
const sessionEnds = new Set<Listener>();

/** Calls back when an answer says that nobody is logged in. Returns how to stop. */
export function onSessionEnd(listener: Listener): () => void {
  sessionEnds.add(listener);
  return () => sessionEnds.delete(listener);
}

/** Tell the page the status of an answer that did not come by `api`. */
export function reportStatus(status: number): void {
  if (status === 401) sessionEnds.forEach((listener) => listener());
}

/** The greatest clock difference that is worth a correction is a second: answers have whole seconds in `Date`. */
let clockAhead = 0;

/** Now, by the clock of the server. The clock of this machine may be an hour off. */
export const now = (): number => Date.now() - clockAhead;

let firstCursor: string | null = null;

/** The place of the event feed as of which the first answer of this page is true; null = no answer has named one. */
export const firstCursorRead = (): string | null => firstCursor;

const watch: Middleware = {
  onResponse({ response }) {
    firstCursor ??= response.headers.get("Mainspring-Cursor");
    const date = Date.parse(response.headers.get("Date") ?? "");
    const difference = Date.now() - date;
    if (Math.abs(difference) > 2000) clockAhead = difference;
    else if (!Number.isNaN(date)) clockAhead = 0;
    if (response.status === 401 && !response.url.endsWith("/auth/session")) sessionEnds.forEach((listener) => listener());
  },
};

/** Answers are read by `fromJson`, so that no integer of an answer is rounded. */
async function exactFetch(request: Request): Promise<Response> {
  const response = await fetch(request);
  response.json = async () => fromJson(await response.text());
  return response;
}

/** The page is a client of the public API as any other. The cookie of the session goes along by itself. */
export const api = createClient<paths>({ baseUrl: "/", fetch: exactFetch, headers: { "X-Mainspring-Page": "1" } });
api.use(watch);

interface Answer<Data> {
  data?: Data;
  error?: unknown;
  response: Response;
}

/** The content of an answer, or an `ApiError`. */
export async function ok<Data>(answer: Promise<Answer<Data>>): Promise<Data> {
  let settled: Answer<Data>;
  try {
    settled = await answer;
  } catch (reason) {
    if (reason instanceof DOMException && reason.name === "AbortError") throw reason;
    throw new ApiError(0, { code: "offline", title: String(reason) }, "");
  }
  const { data, error, response } = settled;
  if (!response.ok) {
    throw new ApiError(response.status, typeof error === "object" && error !== null ? error : {}, response.headers.get("X-Request-Id") ?? "");
  }
  return data as Data;
}

/** The content of an answer whose rows have names for their places; see shapes.ts. */
export const shaped = <Shape>(answer: Promise<Answer<unknown>>): Promise<Shape> => ok(answer) as Promise<Shape>;

/** A request outside the document, as those of the session, or with a header that the document has no place for. */
export async function request<Data>(method: string, path: string, options: { body?: unknown; signal?: AbortSignal; headers?: Record<string, string> } = {}): Promise<Data> {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      cache: "no-store",
      headers: { "X-Mainspring-Page": "1", ...(options.body === undefined ? {} : { "Content-Type": "application/json" }), ...options.headers },
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
      ...(options.signal ? { signal: options.signal } : {}),
    });
  } catch (reason) {
    if (reason instanceof DOMException && reason.name === "AbortError") throw reason;
    throw new ApiError(0, { code: "offline", title: String(reason) }, "");
  }
  if (response.status === 401 && !path.endsWith("/auth/session")) sessionEnds.forEach((listener) => listener());
  const text = await response.text();
  const content: unknown = text ? fromJson(text) : undefined;
  if (!response.ok) throw new ApiError(response.status, content ?? {}, response.headers.get("X-Request-Id") ?? "");
  return content as Data;
}
