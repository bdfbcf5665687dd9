// Define a DAG, run it, wait for it, read its log and its outputs: by a client of `@hey-api/openapi-ts`.
import { getLog, putDag, triggerDagRun, waitDagRunUntilFinished, type Definition } from "./client";
import { client } from "./client/client.gen";

const [baseUrl, token] = process.argv.slice(2);
client.setConfig({ baseUrl, auth: () => token });

const definition: Definition = {
  tasks: {
    read: {
      type: "shell",
      env: { ROWS: "3" },
      script: 'echo "read $ROWS rows"; echo "rows=$ROWS" >> "$MAINSPRING_OUTPUT"',
    },
  },
  outputs: { rows: "${{ tasks.read.outputs.rows }}" },
};

async function main(): Promise<void> {
  const always = { throwOnError: true } as const;
  await putDag({ path: { dag_id: "from_hey_api" }, body: definition, ...always });
  const run = (await triggerDagRun({ path: { dag_id: "from_hey_api" }, body: { conf: { a: 1 } }, ...always })).data;
  if (!("dag_run_id" in run) || !run.dag_run_id) throw new Error("no run was made");
  const path = { dag_id: "from_hey_api", dag_run_id: run.dag_run_id };
  const result = (await waitDagRunUntilFinished({ path, query: { timeout: 60 }, ...always })).data;
  const log = (await getLog({ path: { ...path, task_id: "read", try_number: 1 }, query: { full_content: true }, ...always }))
    .data;
  if (typeof result === "string" || typeof log === "string") throw new Error("no JSON was answered");
  console.log(result.state, log.content.some((line) => line.event === "read 3 rows"), JSON.stringify(result.outputs));
}

void main();
