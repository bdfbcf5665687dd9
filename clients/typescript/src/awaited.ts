/** A run from its start to its end in one call. */

import { MainspringError } from "./errors.js";
import type { DagRun, MainspringClient, Schemas } from "./index.js";
import { unwrap } from "./unwrap.js";

const WAIT_SECONDS = 55;
const PAUSE_SECONDS = [0.2, 0.5, 1, 2, 5];
const REFUSED_PAUSE_SECONDS = 1;
const BUSY = new Set([429, 500, 502, 503, 504]);
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
 * `MainspringError` when the server refuses, and the error of `fetch` after `reachSeconds` without an answer.
 */
export async function runAndWait(
  client: MainspringClient,
  dagId: string,
  trigger: Schemas["TriggerBody"] = {},
  { timeout = Infinity, reachSeconds = 60, traceparent }: AwaitOptions = {},
): Promise<DagRun> {
  const deadline = Date.now() + timeout * 1000;
  const secondsLeft = () => Math.min(WAIT_SECONDS, Math.max(0, (deadline - Date.now()) / 1000));
  const path = { dag_id: dagId };
  // The key belongs to one request: its parameters stay the same when it is repeated.
  const header = { "Idempotency-Key": crypto.randomUUID(), ...(traceparent === undefined ? {} : { traceparent }) };
  const query = { wait: secondsLeft() };
  let run = await repeated(reachSeconds, () =>
    unwrap(client.POST("/api/v2/dags/{dag_id}/dagRuns", { params: { path, query, header }, body: trigger })),
  );
  while (!run.is_finished && Date.now() < deadline) {
    const runPath = { dag_id: dagId, dag_run_id: run.dag_run_id };
    run = await repeated(reachSeconds, async () => {
      const query = { timeout: secondsLeft() };
      const waiting = client.GET("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/wait", { params: { path: runPath, query } });
      await unwrap(waiting).catch(async (error: unknown) => {
        // No place for a wait is free: the client asks for the run instead.
        if (!isAnswer(error)) throw error;
        await sleep(REFUSED_PAUSE_SECONDS);
      });
      return unwrap(client.GET("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}", { params: { path: runPath } }));
    });
  }
  return run;
}

async function repeated<T>(reachSeconds: number, ask: () => Promise<T>): Promise<T> {
  let silentSince: number | undefined;
  for (let failures = 0; ; failures++) {
    try {
      return await ask();
    } catch (error) {
      // The time inside a request is no silence: the server may answer a wait for a minute.
      silentSince = isAnswer(error) ? undefined : (silentSince ?? Date.now());
      const isLate = silentSince !== undefined && Date.now() - silentSince >= reachSeconds * 1000;
      if (isLate || !mayPass(error)) {
        throw error;
      }
    }
    await sleep(PAUSE_SECONDS[Math.min(failures, PAUSE_SECONDS.length - 1)]!);
  }
}

const sleep = (seconds: number) => new Promise<void>((resolve) => setTimeout(resolve, seconds * 1000));

/** Whether the server is well and refuses a request that may pass later. */
function isAnswer(error: unknown): boolean {
  return error instanceof MainspringError && error.code !== undefined && LATER.has(error.code);
}

function mayPass(error: unknown): boolean {
  return !(error instanceof MainspringError) || isAnswer(error) || BUSY.has(error.status);
}
