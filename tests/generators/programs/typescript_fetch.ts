// Define a DAG, run it, wait for it, read its log and its outputs: by a typescript-fetch client.
import { Configuration, DagRunsApi, DagsApi, LogsApi, type Definition } from "./client";

const [basePath, accessToken] = process.argv.slice(2);
const configuration = new Configuration({ basePath, accessToken });

const definition: Definition = {
  tasks: {
    // The generator knows no choice between a text and an object, so no value of `env`.
    read: { type: "shell", script: 'echo "read 3 rows"; echo "rows=3" >> "$MAINSPRING_OUTPUT"' },
  },
  outputs: { rows: "${{ tasks.read.outputs.rows }}" },
};

async function main(): Promise<void> {
  await new DagsApi(configuration).putDag({ dagId: "from_fetch", definition });
  const runs = new DagRunsApi(configuration);
  const { dagId, dagRunId } = await runs.triggerDagRun({ dagId: "from_fetch", triggerBody: { conf: { a: 1 } } });
  const result = await runs.waitDagRunUntilFinished({ dagId, dagRunId, timeout: 60 });
  const log = await new LogsApi(configuration).getLog({ dagId, dagRunId, taskId: "read", tryNumber: 1, fullContent: true });
  console.log(result.state, log.content.some((line) => line.event === "read 3 rows"), JSON.stringify(result.outputs));
}

void main();
