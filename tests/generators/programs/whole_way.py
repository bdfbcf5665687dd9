"""Define a DAG, run it, wait for it, read its log and its outputs: by a client of `openapi-generator-cli`."""

import sys

from openapi_client import ApiClient, Configuration
from openapi_client.api import DagRunsApi, DagsApi, LogsApi
from openapi_client.models import Definition, EnvironmentValue, ShellTask, Task, TriggerBody

address, token = sys.argv[1:]
script = 'echo "read $ROWS rows"; echo "rows=$ROWS" >> "$MAINSPRING_OUTPUT"'
with ApiClient(Configuration(host=address, access_token=token)) as client:
    task = Task(ShellTask(type="shell", script=script, env={"ROWS": EnvironmentValue("3")}))
    definition = Definition(tasks={"read": task}, outputs={"rows": "${{ tasks.read.outputs.rows }}"})
    saved = DagsApi(client).put_dag("from_python", definition)
    runs = DagRunsApi(client)
    run = runs.trigger_dag_run(saved.dag_id, TriggerBody(conf={"a": 1}))
    result = runs.wait_dag_run_until_finished(run.dag_id, run.dag_run_id, timeout=60)
    log = LogsApi(client).get_log(run.dag_id, run.dag_run_id, "read", 1, full_content=True)
# The document for 3.0 has the state as text or null, the one for 3.1 as an enum.
state = getattr(result.state, "value", result.state)
print(state, any(line.event == "read 3 rows" for line in log.content), result.outputs)
