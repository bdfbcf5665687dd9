import { request } from "../api/client.ts";
import type { LinesAnswer } from "./pages.ts";

/** Line, column from 0 and length of each match; `total` is exact where `is_complete`, else the least. */
export interface SearchAnswer {
  matches: readonly (readonly [n: number, column: number, length: number])[];
  total: number;
  is_complete: boolean;
}

/** Found when the log was written. */
export interface MarksAnswer {
  first_error: number | null;
  errors: readonly number[];
  warnings: readonly number[];
}

export interface LogAddress {
  dagId: string;
  runId: string;
  taskId: string;
  mapIndex: number;
  tryNumber: number;
}

/** The requests for the log of one try. */
export interface LogSource {
  key: string;
  lines(from: number, limit: number, signal: AbortSignal): Promise<LinesAnswer>;
  tail(count: number, signal: AbortSignal): Promise<LinesAnswer>;
  /** Answers when there is a line from `from` on, or nothing can come any more, or after a while. */
  wait(from: number, signal: AbortSignal): Promise<LinesAnswer>;
  marks(signal: AbortSignal): Promise<MarksAnswer>;
  search(text: string, isRegex: boolean, signal: AbortSignal): Promise<SearchAnswer>;
  download: string;
}

const WAIT_SECONDS = 25;
const WAIT_LINES = 500;

export function logSource({ dagId, runId, taskId, mapIndex, tryNumber }: LogAddress): LogSource {
  const [dag, run, task] = [dagId, runId, taskId].map(encodeURIComponent);
  const path = `/api/v2/dags/${dag}/dagRuns/${run}/taskInstances/${task}/logs/${tryNumber}`;
  const address = (tail: string, query: Record<string, string | number | boolean>): string => {
    const search = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]));
    if (mapIndex >= 0) search.set("map_index", String(mapIndex));
    const text = search.toString();
    return `${path}${tail}${text ? `?${text}` : ""}`;
  };
  const get = <Answer>(tail: string, query: Record<string, string | number | boolean>, signal: AbortSignal): Promise<Answer> => request<Answer>("GET", address(tail, query), { signal });
  return {
    key: `${path} ${mapIndex}`,
    lines: (from, limit, signal) => get("/lines", { from, limit }, signal),
    tail: (count, signal) => get("/lines", { tail: count }, signal),
    wait: (from, signal) => get("/lines", { from, limit: WAIT_LINES, wait: WAIT_SECONDS }, signal),
    marks: (signal) => get("/marks", {}, signal),
    search: (text, isRegex, signal) => get("/search", { q: text, is_regex: isRegex }, signal),
    download: address("", { full_content: true }),
  };
}
