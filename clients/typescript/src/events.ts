/** Following the event feed: one iterator over as many connections as the feed takes. */

import { failureOf, MainspringError } from "./errors.js";
import type { components } from "./schema.js";

type Event = components["schemas"]["Event"];
export type EventKind = Event["event"];

export interface EventOptions {
  /** Id of an event, or the header `Mainspring-Cursor` of an answer: only events behind it. Without it: from now on. */
  after?: string;
  /** Only events of these DAGs. */
  dagIds?: readonly string[];
  /** Only events of these kinds. `many` and `reset` always come. */
  types?: readonly EventKind[];
  /** Ends the iterator. */
  signal?: AbortSignal;
  /** How long the server may be unreachable, in milliseconds; without it: without a limit. */
  giveUpAfter?: number;
}

const PAUSE_MIN = 500;
const PAUSE_MAX = 30_000;
/** A connection that lasted this long shows that the server is well: the pauses begin anew. */
const STEADY = 10_000;
/** The server sends a comment every 15 seconds. A connection that is silent for longer is dead. */
const SILENCE_MAX = 35_000;
/** Statuses of a server, or of a proxy before it, that may do better later. */
const LATER = new Set([408, 425, 429, 500, 502, 503, 504]);

export interface Connection {
  baseUrl: string;
  headers: Record<string, string>;
  fetch: (request: Request) => Promise<Response>;
}

/** See `MainspringClient.events`. */
export async function* followEvents(connection: Connection, options: EventOptions): AsyncGenerator<Event, void, void> {
  const { signal, giveUpAfter = Infinity } = options;
  let position = options.after;
  let failures = 0;
  let heardAt = Date.now();
  while (!signal?.aborted) {
    const positionBefore = position;
    const attempt = new Attempt(signal);
    try {
      const response = await attempt.open(connection, options, position);
      const connectedAt = (heardAt = Date.now());
      // A stream without a position begins now: its cursor says where, also when no event comes.
      position ??= response.headers.get("Mainspring-Cursor") ?? undefined;
      for await (const event of attempt.events(response, () => (heardAt = Date.now()))) {
        failures = 0;
        position = event.id;
        yield event;
      }
      heardAt = Date.now();
      if (heardAt - connectedAt >= STEADY) failures = 0;
    } catch (error) {
      if (signal?.aborted) return;
      if (error instanceof MainspringError && !LATER.has(error.status)) throw error;
      if (Date.now() - heardAt >= giveUpAfter) throw error;
    } finally {
      attempt.close();
    }
    // The server ends each stream in time, and the next one goes on.
    if (position !== positionBefore) continue;
    await pause(failures++, signal);
  }
}

/** One connection, ended by silence or by the caller's signal. */
class Attempt {
  private readonly controller = new AbortController();
  private readonly onAbort = () => this.controller.abort();
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly signal: AbortSignal | undefined) {
    signal?.addEventListener("abort", this.onAbort);
  }

  async open({ baseUrl, headers, fetch }: Connection, options: EventOptions, after?: string): Promise<Response> {
    const query = new URLSearchParams();
    for (const dagId of options.dagIds ?? []) query.append("dag_id", dagId);
    for (const kind of options.types ?? []) query.append("types", kind);
    if (after !== undefined) query.append("after", after);
    this.hear();
    const response = await fetch(
      new Request(`${baseUrl.replace(/\/$/, "")}/api/v2/events?${query}`, {
        headers: { ...headers, Accept: "text/event-stream" },
        cache: "no-store",
        signal: this.controller.signal,
      }),
    );
    if (!response.ok) throw await failureOf(response);
    return response;
  }

  /** `onAsk` is called before each read: the time that the reader takes for an event is no silence of the server. */
  async *events(response: Response, onAsk: () => void): AsyncGenerator<Event, void, void> {
    const reader = response.body!.getReader();
    const decoder = new TextDecoder();
    let rest = "";
    for (;;) {
      onAsk();
      this.hear();
      const { done, value } = await reader.read();
      if (done) return;
      const blocks = (rest + decoder.decode(value, { stream: true })).split("\n\n");
      rest = blocks.pop() ?? "";
      for (const block of blocks) {
        const event = parse(block);
        if (event !== undefined) yield event;
      }
    }
  }

  close(): void {
    clearTimeout(this.timer);
    this.signal?.removeEventListener("abort", this.onAbort);
    this.controller.abort();
  }

  private hear(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(this.onAbort, SILENCE_MAX);
  }
}

/** The event of a block of lines; undefined for comments, and for what this client cannot read. */
function parse(block: string): Event | undefined {
  const members: Record<string, string> = {};
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) members[line.slice(0, colon)] = line.slice(colon + 1).replace(/^ /, "");
  }
  const { id, event, data } = members;
  if (id === undefined || event === undefined || data === undefined) return undefined;
  try {
    return { id, event: event as EventKind, data: JSON.parse(data) as Event["data"] };
  } catch {
    return undefined;
  }
}

/** Exponential backoff with jitter of one half. */
function pause(failures: number, signal: AbortSignal | undefined): Promise<void> {
  const milliseconds = Math.min(PAUSE_MAX, PAUSE_MIN * 2 ** Math.min(failures, 10)) * (0.5 + Math.random() / 2);
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal?.addEventListener("abort", end);
  });
}
