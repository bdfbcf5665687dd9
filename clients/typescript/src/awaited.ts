/** A run from its start to its end in one call. */

import { MainspringError } from "./errors.js";
import type { DagRun, MainspringClient, Schemas } from "./index.js";
import { unwrap } from "./unwrap.js";

const WAIT_SECONDS = 55;
const PAUSE_SECONDS = [0.2, 0.5, 1, 2, 5];
const REFUSED_PAUSE_SECONDS = 1;
const BUSY = new Set([429, 500, 502, 503, 504]);
/** Of a trigger that the server did not carry out. After the other statuses a run may exist. */
const REFUSED = new Set([429, 503]);
/** Codes of a server that is well. With a key in use, the server is still answering the same request. */
const LATER = new Set(["idempotency_key_in_use", "too_many_requests", "too_many_waits"]);

export interface AwaitOptions {
  /** Seconds to wait for the end at most; the run goes on afterwards. Undefined = no limit. */
  timeout?: number;
  /** Seconds without any answer of the server before the call gives up. */
  reachSeconds?: number;
  /** Span of the caller, as W3C Trace Context writes it; the run continues its trace. */
  traceparent?: string;
}

/**
 * Start one run and give it at its end, or as it is after `timeout` seconds: see `is_finished`.
 *
 * Each request is repeated after a lost answer, with one idempotency key: there is never a second run. Throws a
 * `MainspringError` when the server refuses, with 429 and 503 until `timeout` is over, and the error of `fetch` after
 * `reachSeconds` without an answer.
 */
export async function runAndWait(
  client: MainspringClient,
  dagId: string,
  trigger: Schemas["TriggerBody"] = {},
  { timeout = Infinity, reachSeconds = 60, traceparent }: AwaitOptions = {},
): Promise<DagRun> {
  const deadline = Date.now() + timeout * 1000;
  const isOver = () => Date.now() >= deadline;
  const secondsLeft = () => Math.min(WAIT_SECONDS, Math.max(0, (deadline - Date.now()) / 1000));
  const path = { dag_id: dagId };
  // The key belongs to one request: its parameters stay the same when it is repeated.
  const header = { "Idempotency-Key": crypto.randomUUID(), ...(traceparent === undefined ? {} : { traceparent }) };
  const query = { wait: secondsLeft() };
  const silence = new Silence(reachSeconds);
  let run: DagRun | undefined;
  while (run === undefined || !(run.is_finished || isOver())) {
    try {
      run =
        run === undefined
          ? await unwrap(client.POST("/api/v2/dags/{dag_id}/dagRuns", { params: { path, query, header }, body: trigger }))
          : await followed(client, { dag_id: dagId, dag_run_id: run.dag_run_id }, secondsLeft());
      silence.end();
    } catch (error) {
      const isGivenUp = run === undefined && isOver() && isRefusal(error);
      if (silence.count(error) || isGivenUp || !mayPass(error)) throw error;
      await sleep(silence.pauseSeconds);
    }
  }
  return run;
}

/** The run after a wait for its end. */
async function followed(
  client: MainspringClient,
  path: { dag_id: string; dag_run_id: string },
  timeout: number,
): Promise<DagRun> {
  const waiting = client.GET("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/wait", { params: { path, query: { timeout } } });
  await unwrap(waiting).catch(async (error: unknown) => {
    // No place for a wait is free: the client asks for the run instead.
    if (!isAnswer(error)) throw error;
    await sleep(REFUSED_PAUSE_SECONDS);
  });
  return unwrap(client.GET("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}", { params: { path } }));
}

/** The time without an answer. */
class Silence {
  private since: number | undefined;
  private failures = 0;

  constructor(private readonly reachSeconds: number) {}

  end(): void {
    this.since = undefined;
    this.failures = 0;
  }

  /** Note the failure of a request. Returns whether the silence has become too long. */
  count(error: unknown): boolean {
    this.failures += 1;
    // The time inside a request is no silence: the server may answer a wait for a minute.
    this.since = isAnswer(error) ? undefined : (this.since ?? Date.now());
    return this.since !== undefined && Date.now() - this.since >= this.reachSeconds * 1000;
  }

  /** Until the next request. */
  get pauseSeconds(): number {
    return PAUSE_SECONDS[Math.min(this.failures, PAUSE_SECONDS.length) - 1]!;
  }
}

const sleep = (seconds: number) => new Promise<void>((resolve) => setTimeout(resolve, seconds * 1000));

/** Whether the server is well and refuses a request that may pass later. */
function isAnswer(error: unknown): boolean {
  return error instanceof MainspringError && error.code !== undefined && LATER.has(error.code);
}

function isRefusal(error: unknown): boolean {
  return error instanceof MainspringError && REFUSED.has(error.status);
}

function mayPass(error: unknown): boolean {
  return !(error instanceof MainspringError) || isAnswer(error) || BUSY.has(error.status);
}
