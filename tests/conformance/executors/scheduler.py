"""A scheduler to be killed: opens an executor, submits what it is told, and writes each report as one line of JSON.

Arguments: name of the executor, state folder, file for the reports, then JSON: a list of shell scripts.
"""

import json
import sys
from datetime import timedelta
from pathlib import Path

from mainspring.attempts import Attempt
from mainspring_executors import ExecutorSettings, open_executor


def main() -> None:
    name, state_dir, out, scripts = sys.argv[1:]
    executor = open_executor(
        name, ExecutorSettings(concurrency=4, state_dir=Path(state_dir), self_fence=timedelta(seconds=2))
    )
    executor.submit(
        [
            Attempt(
                attempt_id=f"{number:032x}",
                dag_id="etl",
                run_id="run",
                task_id="task",
                task_type="shell",
                payload={"script": script},
                cancel_grace=timedelta(milliseconds=500),
            )
            for number, script in enumerate(json.loads(scripts))
        ]
    )
    with open(out, "w", buffering=1) as file:
        while True:
            for report in executor.reports(1.0):
                line = {"kind": type(report).__name__, "id": report.attempt_id}
                line |= {"outcome": getattr(report, "outcome", None), "reason": getattr(report, "reason", None)}
                print(json.dumps(line), file=file)


main()
