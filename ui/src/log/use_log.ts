import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { ApiError } from "../api/client.ts";
import { LogPages } from "./pages.ts";
import type { LogSource, MarksAnswer, SearchAnswer } from "./source.ts";

const NO_MARKS: MarksAnswer = { first_error: null, errors: [], warnings: [] };
const BACK_OFF_MOST = 10_000;
/** Between two answers of the tail, so that a server that does not wait is not asked in a circle. */
const LEAST_WAIT = 500;
const POLL_PAUSE = 2000;
const TAIL_LINES = 500;

export interface Opening {
  line: number;
  /** Whether the line is what the reader came for, not just the start or the end. */
  isTarget: boolean;
  isFollowing: boolean;
}

/** A state of one source: another source begins with `initial`, at once and not after a paint. */
export function useOf<Value>(source: LogSource, initial: Value): readonly [Value, (value: Value) => void] {
  const [kept, setKept] = useState({ source, value: initial });
  const set = useCallback((value: Value) => setKept({ source, value }), [source]);
  return [kept.source === source ? kept.value : initial, set];
}

/** The lines of the log, loaded as they are wanted, and where the log opens. */
export function useLog(source: LogSource, from: { line: number | null; isFailed: boolean; isRunning: boolean }) {
  const pages = useMemo(() => new LogPages(source.lines), [source]);
  const version = useSyncExternalStore(pages.subscribe, pages.snapshot);
  const [marks, setMarks] = useOf<MarksAnswer>(source, NO_MARKS);
  const [opening, setOpening] = useOf<Opening | null>(source, null);
  const start = useRef(from);
  start.current = from;
  useEffect(() => {
    pages.start();
    return () => pages.stop();
  }, [pages]);
  useEffect(() => {
    const controller = new AbortController();
    void open(source, pages, start.current, controller.signal, setMarks).then(
      (opened) => !controller.signal.aborted && setOpening(opened),
      (reason: unknown) => {
        if (!controller.signal.aborted) pages.fail(reason);
      },
    );
    return () => controller.abort();
  }, [source, pages, setMarks, setOpening]);
  useTail(source, pages, from.isRunning && opening !== null);
  useLateMarks(source, pages.extent.isFinished, opening, setMarks);
  return { pages, version, marks, opening };
}

/** The end of a log that runs, the first error of one that failed, else the start. */
async function open(
  source: LogSource,
  pages: LogPages,
  from: { line: number | null; isFailed: boolean; isRunning: boolean },
  signal: AbortSignal,
  setMarks: (marks: MarksAnswer) => void,
): Promise<Opening> {
  const marks = source.marks(signal).then((answer) => {
    if (!signal.aborted) setMarks(answer);
    return answer;
  });
  if (from.line !== null) {
    marks.catch(() => undefined);
    pages.want(from.line - 40, from.line + 60);
    return { line: from.line, isTarget: true, isFollowing: false };
  }
  if (from.isFailed) {
    const { first_error: line } = await marks.catch(() => NO_MARKS);
    if (line !== null) {
      pages.want(line - 40, line + 60);
      return { line, isTarget: true, isFollowing: false };
    }
  } else {
    marks.catch(() => undefined);
  }
  if (!from.isRunning && !from.isFailed) {
    pages.want(1, 100);
    return { line: 1, isTarget: false, isFollowing: false };
  }
  const tail = await source.tail(200, signal);
  pages.take(tail);
  return { line: Math.max(1, tail.total), isTarget: false, isFollowing: from.isRunning };
}

/** New lines of a log that is being written, as they come. */
function useTail(source: LogSource, pages: LogPages, isOn: boolean): void {
  useEffect(() => {
    if (!isOn) return;
    const controller = new AbortController();
    const { signal } = controller;
    const go = async (): Promise<void> => {
      let pause = LEAST_WAIT;
      let canWait = true;
      while (!signal.aborted && !pages.extent.isFinished) {
        const from = (pages.extent.total ?? 0) + 1;
        try {
          pages.take(await (canWait ? source.wait(from, signal) : source.lines(from, TAIL_LINES, signal)));
          pause = canWait ? LEAST_WAIT : POLL_PAUSE;
        } catch (reason) {
          if (signal.aborted || (reason instanceof ApiError && reason.status === 404)) return;
          pause = Math.min(BACK_OFF_MOST, pause * 2);
          // The places for waiting are taken: the lines are asked for now and then, without waiting on the server.
          canWait = canWait && !(reason instanceof ApiError && (reason.status === 429 || reason.status === 503));
        }
        await new Promise((done) => setTimeout(done, pause));
      }
    };
    void go();
    return () => controller.abort();
  }, [source, pages, isOn]);
}

/** The marks of a log that ended while it was read. */
function useLateMarks(source: LogSource, isFinished: boolean, opening: Opening | null, setMarks: (marks: MarksAnswer) => void): void {
  const isLate = isFinished && opening?.isFollowing === true;
  useEffect(() => {
    if (!isLate) return;
    const controller = new AbortController();
    source.marks(controller.signal).then(setMarks, () => undefined);
    return () => controller.abort();
  }, [source, isLate, setMarks]);
}

export interface Found extends SearchAnswer {
  text: string;
  isRegex: boolean;
  error: string | null;
}

const SEARCH_PAUSE = 250;

/** Search over the whole log, on the server; null = no search, or none has answered yet. */
export function useSearch(source: LogSource, text: string, isRegex: boolean): Found | null {
  const [found, setFound] = useOf<Found | null>(source, null);
  useEffect(() => {
    if (text === "") return setFound(null);
    const controller = new AbortController();
    const timer = setTimeout(() => {
      source.search(text, isRegex, controller.signal).then(
        (answer) => setFound({ ...answer, text, isRegex, error: null }),
        (reason: unknown) => {
          if (controller.signal.aborted) return;
          setFound({ matches: [], total: 0, is_complete: true, text, isRegex, error: reason instanceof Error ? reason.message : String(reason) });
        },
      );
    }, SEARCH_PAUSE);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [source, text, isRegex, setFound]);
  return found;
}
