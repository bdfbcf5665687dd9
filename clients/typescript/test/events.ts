/** The event feed through the client, whose connections end after each piece. */

import assert from "node:assert/strict";

import { createMainspringClient, MainspringError, unwrap, type Event } from "mainspring-client";

const baseUrl = process.env["MAINSPRING_URL"]!;
const token = process.env["MAINSPRING_TOKEN"]!;
let connections = 0;

/** Ends the stream after its first piece with an event. */
async function cutting(request: Request): Promise<Response> {
  const response = await fetch(request);
  if (!request.url.includes("/events") || !response.ok) return response;
  connections += 1;
  const reader = response.body!.getReader();
  let isOver = false;
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (isOver) {
        await reader.cancel();
        controller.error(new Error("cut off"));
        return;
      }
      const { value, done } = await reader.read();
      if (done) controller.close();
      else {
        isOver = new TextDecoder().decode(value).includes("event:");
        controller.enqueue(value);
      }
    },
  });
  return new Response(body, { status: response.status, headers: response.headers });
}

const client = createMainspringClient({ baseUrl, token, fetch: cutting });
const body = { tasks: { a: { type: "noop" as const } } };
const { response } = await client.PUT("/api/v2/dags/{dag_id}", { params: { path: { dag_id: "followed" } }, body });
const after = response.headers.get("Mainspring-Cursor") ?? "0".repeat(16);

const runs = ["one", "two", "three", "four", "five"];
const states = new Map<string, string[]>();
const ids: string[] = [];
const events = client.events({ after, dagIds: ["followed"], types: ["run"], giveUpAfter: 30_000 });
const next = async (): Promise<Event> => {
  const { value } = await events.next();
  assert.ok(value);
  return value;
};
for (const run of runs) {
  await unwrap(
    client.POST("/api/v2/dags/{dag_id}/dagRuns", {
      params: { path: { dag_id: "followed" } },
      body: { dag_run_id: run },
    }),
  );
  for (let state = ""; state !== "success"; ) {
    const event = await next();
    state = String(event.data.state);
    states.set(run, [...(states.get(run) ?? []), state]);
    assert.equal(event.data.dag_run_id, run);
    ids.push(event.id);
  }
}
await events.return();
for (const run of runs) assert.deepEqual(states.get(run), ["queued", "running", "success"]);
assert.deepEqual(ids, [...new Set(ids)].sort());
assert.ok(connections >= runs.length, `${connections} connections`);

for await (const lost of client.events({ after: "00000000ffffffff", types: ["run"] })) {
  assert.equal(lost.event, "reset");
  assert.equal(lost.data.reason, "too_old");
  break;
}

await assert.rejects(
  client.events({ after: "x" }).next(),
  (error) => error instanceof MainspringError && error.status === 400,
);

/** A clock that the scripted servers below move. */
const machineClock = Date.now;
let ahead = 0;
Date.now = () => machineClock() + ahead;

/** Streams that are good for 75 seconds and are then cut; each begins with an event. */
let streams = 0;
async function longStream(): Promise<Response> {
  streams += 1;
  const id = String(streams).padStart(16, "0");
  const pieces = [`id: ${id}\nevent: run\ndata: {"state":"queued"}\n\n`, ":\n\n", ":\n\n", ":\n\n", ":\n\n"];
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        ahead += 15_000;
        const piece = pieces.shift();
        if (piece === undefined) controller.error(new Error("cut off"));
        else controller.enqueue(new TextEncoder().encode(piece));
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(stream, { headers: { "Mainspring-Cursor": "0".repeat(16) } });
}

const steady = createMainspringClient({ baseUrl, token, fetch: longStream });
for await (const event of steady.events({ giveUpAfter: 60_000 })) {
  if (Number(event.id) === 3) break;
}
assert.equal(streams, 3, "a stream that was good is followed by the next one");

const controller = new AbortController();
const quiet = client.events({ types: ["pool"], signal: controller.signal });
setTimeout(() => controller.abort(), 100);
assert.equal((await quiet.next()).done, true);

console.log("followed");
