/** The whole way of a DAG through the client, against the server of the environment: MAINSPRING_URL, MAINSPRING_TOKEN. */

import assert from "node:assert/strict";

import { createMainspringClient, iterate, MainspringError, runAndWait, unwrap, type Definition } from "mainspring-client";

const baseUrl = process.env["MAINSPRING_URL"]!;
const client = createMainspringClient({ baseUrl, token: process.env["MAINSPRING_TOKEN"]! });
const dagPath = { path: { dag_id: "typed" } };

const definition: Definition = {
  params: { type: "object", properties: { rows: { type: "integer", default: 1 } } },
  default_args: { retries: 0, retry_policy: [{ action: "fail", reason: ["exit_code"] }] },
  tasks: {
    extract: {
      type: "shell",
      env: { ROWS: "${{ params.rows }}" },
      script: 'echo "reading $ROWS rows"; echo "rows=$ROWS" >> "$MAINSPRING_OUTPUT"',
    },
    check: { type: "noop", depends_on: ["extract"], trigger_rule: "all_done" },
  },
  outputs: { rows: "${{ tasks.extract.outputs.rows }}" },
};
// @ts-expect-error: there is no such type of task
const wrong: Definition = { tasks: { extract: { type: "shel", script: "true" } } };
export const mistakes: Definition[] = [
  // @ts-expect-error: a field that no task has
  { tasks: { extract: { type: "shell", scripts: "true" } } },
  // @ts-expect-error: a field of another type of task
  { tasks: { extract: { type: "python", script: "true" } } },
  // @ts-expect-error: a field that a DAG does not have
  { task: {}, tasks: { extract: { type: "noop" } } },
  // @ts-expect-error: a field that a schedule does not have
  { schedule: { crn: "@daily" }, tasks: { extract: { type: "noop" } } },
  // @ts-expect-error: text instead of a number
  { tasks: { extract: { type: "noop", retries: "2" } } },
  // @ts-expect-error: no such trigger rule
  { tasks: { extract: { type: "noop", trigger_rule: "all_dun" } } },
  { tasks: { extract: { type: "noop", "x-team": "sales" } } },
];

const saved = await unwrap(client.PUT("/api/v2/dags/{dag_id}", { params: dagPath, body: definition }));
assert.equal(saved.dag_id, "typed");

const run = await unwrap(
  client.POST("/api/v2/dags/{dag_id}/dagRuns", { params: dagPath, body: { dag_run_id: "one", conf: { rows: 7 } } }),
);
assert.equal(run.run_type, "manual");

const runPath = { dag_id: "typed", dag_run_id: "one" };
const end = await unwrap(
  client.GET("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/wait", {
    params: { path: runPath, query: { interval: 1, timeout: 60 } },
  }),
);
assert.equal(end.state, "success");
assert.deepEqual(end.outputs, { rows: 7 });

const log = await unwrap(
  client.GET("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/logs/{try_number}", {
    params: { path: { ...runPath, task_id: "extract", try_number: 1 }, query: { full_content: true } },
  }),
);
assert.ok(JSON.stringify(log.content).includes("reading 7 rows"));

const output = await unwrap(
  client.GET("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/xcomEntries/{xcom_key}", {
    params: { path: { ...runPath, task_id: "extract", xcom_key: "rows" } },
  }),
);
assert.equal(output.value, 7);

const { dag_runs } = await unwrap(
  client.GET("/api/v2/dags/{dag_id}/dagRuns", { params: { ...dagPath, query: { state: ["success", "failed"] } } }),
);
assert.deepEqual(dag_runs.map((each) => [each.dag_run_id, each.state]), [["one", "success"]]);

const awaited = await runAndWait(client, "typed", { dag_run_id: "two", conf: { rows: 8 } });
assert.deepEqual([awaited.is_finished, awaited.state, awaited.outputs], [true, "success", { rows: 8 }]);
const runs = iterate(
  (page) => unwrap(client.GET("/api/v2/dags/{dag_id}/dagRuns", { params: { ...dagPath, query: page } })),
  "dag_runs",
  1,
);
const ids: string[] = [];
for await (const each of runs) {
  ids.push(each.dag_run_id);
}
assert.deepEqual(ids, ["one", "two"]);
await assert.rejects(
  runAndWait(client, "typed", { dag_run_id: "two" }),
  (error) => error instanceof MainspringError && error.code === "conflict",
);

await assert.rejects(
  unwrap(client.POST("/api/v2/dags/{dag_id}/dagRuns", { params: dagPath, body: { dag_run_id: "one" } })),
  (error) => error instanceof MainspringError && error.status === 409 && error.code === "conflict",
);
await assert.rejects(
  unwrap(client.PUT("/api/v2/dags/{dag_id}", { params: dagPath, body: wrong })),
  (error) =>
    error instanceof MainspringError &&
    error.status === 422 &&
    error.problem?.errors?.[0]?.pointer === "/tasks/extract/type" &&
    error.message.includes("did you mean 'shell'?"),
);
const stranger = createMainspringClient({ baseUrl, token: "nobody" });
const refused = await stranger.GET("/api/v2/dags");
assert.equal(refused.response.status, 403);
assert.equal(refused.error?.code, "forbidden");

// A cut at the end of a long wait begins the silence, and a refused wait is an answer.
const machineClock = Date.now;
let ahead = 0;
Date.now = () => machineClock() + ahead;
const refusal = (status: number, code: string): Response => Response.json({ code, detail: code, status }, { status });
const waits: (() => Response)[] = [
  () => {
    ahead += 59_990;
    throw new TypeError("cut off");
  },
  () => {
    ahead += 1_000;
    throw new TypeError("refused");
  },
  () => refusal(503, "too_many_waits"),
];
let questions = 0;
const scripted = createMainspringClient({
  baseUrl,
  token: "",
  fetch: async ({ method, url }) => {
    if (method === "POST") return Response.json({ dag_run_id: "one", is_finished: false });
    if (url.includes("/wait")) return waits.shift()!();
    return Response.json({ dag_run_id: "one", is_finished: ++questions === 1 });
  },
});
assert.equal((await runAndWait(scripted, "typed")).is_finished, true);
assert.deepEqual([waits.length, questions], [0, 1]);

// A trigger that the server refuses until the deadline ends with the last refusal; a run that exists is given as it is.
let triggers = 0;
const busy = (state: "refuses" | "starts") =>
  createMainspringClient({
    baseUrl,
    token: "",
    fetch: async ({ method }) => {
      ahead += 40_000;
      if (method === "POST") triggers++;
      if (method === "POST" && state === "starts") return Response.json({ dag_run_id: "one", is_finished: false });
      return refusal(429, "too_many_requests");
    },
  });
await assert.rejects(
  runAndWait(busy("refuses"), "typed", {}, { timeout: 60 }),
  (error) => error instanceof MainspringError && error.status === 429,
);
assert.equal(triggers, 2);
assert.equal((await runAndWait(busy("starts"), "typed", {}, { timeout: 60 })).is_finished, false);

console.log("done");
