"""What a pipeline waits for: a run in one request, a plan of many definitions, lint of many files.

python -m bench pipelines
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from tests.acceptance.server import Server, started
from tests.services.environment import child_environment

RUNS = 40
DEFINITIONS = 100
TASKS = 10
RATIO_MAX = 1.3
PLAN_SECONDS_MAX = 2.0
LINT_SECONDS_MAX = 1.5


def main() -> None:
    """Print each figure beside its limit."""
    with tempfile.TemporaryDirectory() as name, started(Path(name) / "home") as server:
        _compare_waits(server)
        _plan(server)
        _lint(Path(name) / "dags")


def _compare_waits(server: Server) -> None:
    server.put_dag("dag_id: single\ntasks: {only: {type: noop}}\n")
    path = "/dags/single/dagRuns"

    def apart() -> None:
        run_id = server.client.post(path, {})["dag_run_id"]
        server.client.get(f"{path}/{run_id}/wait")
        _require_success(server.client.get(f"{path}/{run_id}"))

    def together() -> None:
        _require_success(server.client.post(f"{path}?wait=30", {}))

    seconds: dict[str, list[float]] = {"apart": [], "together": []}
    for _ in range(RUNS):
        seconds["apart"].append(_seconds(apart))
        seconds["together"].append(_seconds(together))
    separate, single = median(seconds["apart"]), median(seconds["together"])
    print(
        f"run of one task in one request: {single * 1000:.1f} ms, in three: {separate * 1000:.1f} ms,"
        f" {single / separate:.2f} x (limit {RATIO_MAX})"
    )


def _require_success(run: Any) -> None:
    assert run["state"] == "success", run


def _plan(server: Server) -> None:
    body = {"definitions": [{"text": _definition(number)} for number in range(DEFINITIONS)]}
    for kind in ("new", "stored"):
        seconds = median(_seconds(lambda: server.client.post("/dags/plan", body)) for _ in range(3))
        print(f"plan of {DEFINITIONS} {kind} definitions: {seconds:.2f} s (limit {PLAN_SECONDS_MAX} s)")
        server.client.put_json("/dags", body)


def _lint(folder: Path) -> None:
    folder.mkdir()
    for number in range(DEFINITIONS):
        (folder / f"dag_{number}.yaml").write_text(_definition(number))
    line = [sys.executable, "-m", "mainspring_cli", "dags", "lint", str(folder)]
    seconds = median(
        _seconds(lambda: subprocess.run(line, env=child_environment(), check=True, capture_output=True))
        for _ in range(3)
    )
    print(f"lint of {DEFINITIONS} files from start to end: {seconds:.2f} s (limit {LINT_SECONDS_MAX} s)")


def _definition(number: int) -> str:
    tasks = "\n".join(
        f"  task_{position}: {{type: shell, command: [echo, '${{{{ params.rows }}}}'], execution_timeout: 10m"
        + (f", depends_on: [task_{position - 1}]}}" if position else "}")
        for position in range(TASKS)
    )
    return (
        f"dag_id: planned_{number}\nschedule: '{number % 60} 3 * * *'\ndagrun_timeout: 1h\n"
        f"params: {{type: object, properties: {{rows: {{type: integer, default: 3}}}}}}\ntasks:\n{tasks}\n"
    )


def _seconds(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began
