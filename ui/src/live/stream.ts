import { type FeedEvent, EventParser } from "./sse.ts";

const SILENCE_MS = 35_000;

/** Why a stream ended. */
export type End = { kind: "closed" } | { kind: "refused"; status: number; retryAfter: number } | { kind: "broken" };

export interface StreamHandlers {
  onOpen(cursor: string | null): void;
  onEvents(events: FeedEvent[]): void;
}

/**
 * Read the feed until it ends. By `fetch`, as an `EventSource` hides the status and cannot carry the page's header; with
 * `no-store`, as the browser's cache lets only one of equal requests through.
 */
export async function readFeed(after: string | null, signal: AbortSignal, handlers: StreamHandlers): Promise<End> {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), SILENCE_MS);
  try {
    const response = await fetch(`/api/v2/events${after ? `?${new URLSearchParams({ after })}` : ""}`, {
      cache: "no-store",
      headers: { Accept: "text/event-stream", "X-Mainspring-Page": "1" },
      signal: AbortSignal.any([signal, silence.signal]),
    });
    const isStream = response.headers.get("Content-Type")?.startsWith("text/event-stream");
    if (!response.ok || !isStream || !response.body) {
      return { kind: "refused", status: response.ok ? 0 : response.status, retryAfter: Number(response.headers.get("Retry-After")) || 0 };
    }
    handlers.onOpen(response.headers.get("Mainspring-Cursor"));
    const parser = new EventParser();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return { kind: "closed" };
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENCE_MS);
      const events = parser.push(value);
      if (events.length > 0) handlers.onEvents(events);
    }
  } catch {
    return { kind: "broken" };
  } finally {
    clearTimeout(timer);
  }
}

/** Milliseconds to wait before the n-th try in a row: 0.5 s to 30 s, by chance up to a half more. */
export const backoff = (failures: number, chance: number = Math.random()): number => Math.min(30_000, 500 * 2 ** Math.min(failures, 6)) * (1 + chance / 2);
