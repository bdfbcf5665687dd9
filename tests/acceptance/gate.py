"""A DAG whose task waits until the test opens a gate, and what its run does meanwhile."""

from tests.acceptance.cli import Command
from tests.acceptance.server import until

GATE = """
params: {type: object, properties: {file: {type: string}}}
default_args: {retries: 3, retry_delay: 0s}
tasks:
  gate:
    type: shell
    env: {FILE: "${{ params.file }}"}
    script: until [ -e "$FILE" ]; do sleep 0.05; done; echo opened
"""


def until_running(mainspring: Command, run_id: str) -> None:
    until_state(mainspring, run_id, "running")


def until_state(mainspring: Command, run_id: str, state: str) -> None:
    def is_there() -> bool:
        answer = mainspring("runs", "show", "gate", run_id, "-o", "json")
        return answer.returncode == 0 and f'"state": "{state}"' in answer.stdout.split("task_instances")[0]

    until(is_there, f"run {run_id} is {state}")
