import { firstCursorRead, onSessionEnd } from "../api/client.ts";
import { queries } from "../api/queries.ts";
import { Collector, EVERYTHING, affectedBy } from "./affected.ts";
import { whileLeading } from "./leader.ts";
import type { FeedEvent } from "./sse.ts";
import { type Mode, getLive, onPause, onResume, setLive } from "./state.ts";
import { backoff, readFeed } from "./stream.ts";

const HIDDEN_MS = 5 * 60_000;
/** After so many tries in a row that brought nothing the page polls: some programs between break streams. */
const FAILURES_MAX = 3;
const POLL_RETRY_MS = 60_000;
/** A stream that ends sooner counts as a failure: a server that is going down opens and closes at once. */
const SHORT_MS = 3000;

type Message = { kind: "events"; events: FeedEvent[]; id: string } | { kind: "status"; mode: Mode; staleSince: number | null } | { kind: "hello" };

const channel = new BroadcastChannel("mainspring.events");
const collector = new Collector((prefixes) => {
  for (const queryKey of prefixes) void queries.invalidateQueries({ queryKey: [...queryKey], predicate: (query) => !query.meta?.isStatic });
});

let lastId: string | null = null;
let participation: AbortController | null = null;
let isLeading = false;
let isListening = false;
let status: { mode: Mode; staleSince: number | null } = { mode: "connecting", staleSince: null };

/** Begin to follow what changes. Called once, by the shell, when somebody is logged in. */
export function startLive(): void {
  if (!participation) participate();
  if (isListening) return;
  isListening = true;
  channel.onmessage = ({ data }: MessageEvent<Message>) => receive(data);
  channel.postMessage({ kind: "hello" } satisfies Message);
  document.addEventListener("visibilitychange", onVisibility);
  onPause(() => collector.hold(true));
  onResume(() => {
    collector.hold(false);
    show(status);
  });
  onSessionEnd(stopLive);
}

/** After a login: read everything once more, and follow. */
export function stopLive(): void {
  participation?.abort();
  participation = null;
}

function receive(message: Message): void {
  if (message.kind === "hello") {
    if (isLeading) channel.postMessage({ kind: "status", ...status } satisfies Message);
  } else if (message.kind === "status") {
    status = { mode: message.mode, staleSince: message.staleSince };
    show(status);
  } else {
    take(message.events, message.id);
    if (status.mode !== "live") announce("live", null, false);
  }
}

function take(events: FeedEvent[], id: string): void {
  lastId = id || lastId;
  for (const event of events) collector.add(affectedBy(event));
  if (getLive().mode === "paused") setLive({ waiting: collector.held });
}

function show(next: { mode: Mode; staleSince: number | null }): void {
  const before = getLive().mode;
  if (before === "paused") return;
  setLive(next);
  // A query decides after each answer when to ask again; so one answer begins the polling.
  if (next.mode === "polling" && before !== "polling") void queries.invalidateQueries({ predicate: (query) => !query.meta?.isStatic });
}

function announce(mode: Mode, staleSince: number | null, isShared = true): void {
  status = { mode, staleSince };
  show(status);
  if (isShared) channel.postMessage({ kind: "status", ...status } satisfies Message);
}

let hiddenTimer: ReturnType<typeof setTimeout> | undefined;

/** A tab that nobody has seen for five minutes leaves; it comes back with what was missed. */
function onVisibility(): void {
  clearTimeout(hiddenTimer);
  if (document.visibilityState === "hidden") hiddenTimer = setTimeout(stopLive, HIDDEN_MS);
  else if (!participation) participate();
}

function participate(): void {
  participation = new AbortController();
  whileLeading(participation.signal, lead);
}

async function lead(signal: AbortSignal): Promise<void> {
  isLeading = true;
  let failures = 0;
  // The stream begins where the first answer was read: nothing between is missed, and nothing is read twice.
  lastId ??= firstCursorRead();
  while (!signal.aborted) {
    let hasOpened = false;
    const begun = performance.now();
    const reading = new AbortController();
    const stop = () => reading.abort();
    window.addEventListener("offline", stop);
    const end = await readFeed(lastId, AbortSignal.any([signal, reading.signal]), {
      onOpen(cursor) {
        hasOpened = true;
        const isFirst = lastId === null;
        lastId ??= cursor;
        announce("live", null);
        // What was read before the stream began may be older than its first event.
        if (isFirst) collector.add(EVERYTHING);
      },
      onEvents(events) {
        const id = events.at(-1)?.id ?? "";
        take(events, id);
        channel.postMessage({ kind: "events", events, id } satisfies Message);
      },
    });
    window.removeEventListener("offline", stop);
    if (signal.aborted) break;
    if (end.kind === "refused" && end.status === 401) return stopLive();
    const hasLasted = hasOpened && performance.now() - begun > SHORT_MS;
    failures = hasLasted ? 0 : failures + 1;
    if (end.kind === "closed" && hasLasted) continue;
    await pause(await afterFailure(failures, end.kind === "refused" ? end.retryAfter * 1000 : 0), signal);
  }
  isLeading = false;
}

/** Say what is the case, and for how long to wait. */
async function afterFailure(failures: number, least: number): Promise<number> {
  const since = status.staleSince ?? Date.now();
  const isThere = await answers();
  if (!isThere) announce("offline", since);
  else if (failures >= FAILURES_MAX || least > 0) announce("polling", null);
  else announce("reconnecting", since);
  if (isThere && failures >= FAILURES_MAX) return Math.max(POLL_RETRY_MS, least);
  return Math.max(backoff(failures), least);
}

async function answers(): Promise<boolean> {
  try {
    const response = await fetch("/api/v2/uiConfig", { cache: "no-store", signal: AbortSignal.timeout(5000) });
    return response.status < 500;
  } catch {
    return false;
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      window.removeEventListener("online", end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    window.addEventListener("online", end, { once: true });
    signal.addEventListener("abort", end, { once: true });
  });
}
