/** A run from its start to its end in one call. */

import { MainspringError } from "./errors.js";
import type { DagRun, MainspringClient, Schemas } from "./index.js";
import { unwrap } from "./unwrap.js";

const WAIT_SECONDS = 55;
const PAUSE_SECONDS = [0.2, 0.5, 1, 2, 5];
const BUSY = new Set([429, 500, 502, 503, 504]);

export interface AwaitOptions {
  /** Seconds to wait for the end at most; the run goes on afterwards. Undefined = no limit. */
  timeout?: number;
  /** Seconds without any answer of the server before the call gives up. */
  reachSeconds?: number;
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
  { timeout = Infinity, reachSeconds = 60 }: AwaitOptions = {},
): Promise<DagRun> {
  const deadline = Date.now() + timeout * 1000;
  const secondsLeft = () => Math.min(WAIT_SECONDS, Math.max(0, (deadline - Date.now()) / 1000));
  const path = { dag_id: dagId };
  // The key belongs to one request: its parameters stay the same when it is repeated.
  const header = { "Idempotency-Key": crypto.randomUUID() };
  const query = { wait: secondsLeft() };
  let run = await repeated(reachSeconds, () =>
    unwrap(client.POST("/api/v2/dags/{dag_id}/dagRuns", { params: { path, query, header }, body: trigger })),
  );
  while (!run.is_finished && Date.now() < deadline) {
    const runPath = { dag_id: dagId, dag_run_id: run.dag_run_id };
    run = await repeated(reachSeconds, async () => {
      await unwrap(
        client.GET("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/wait", {
          params: { path: runPath, query: { timeout: secondsLeft() } },
        }),
      );
      return unwrap(client.GET("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}", { params: { path: runPath } }));
    });
  }
  return run;
}

async function repeated<T>(reachSeconds: number, ask: () => Promise<T>): Promise<T> {
  const begin = Date.now();
  for (let failures = 0; ; failures++) {
    try {
      return await ask();
    } catch (error) {
      if (!mayPass(error) || Date.now() - begin >= reachSeconds * 1000) {
        throw error;
      }
    }
    const pause = PAUSE_SECONDS[Math.min(failures, PAUSE_SECONDS.length - 1)]!;
    await new Promise((resolve) => setTimeout(resolve, pause * 1000));
  }
}

function mayPass(error: unknown): boolean {
  if (!(error instanceof MainspringError)) {
    return true; // no answer
  }
  return BUSY.has(error.status) || error.code === "idempotency_key_in_use";
}
