"""What a task costs on `local` from end to end: a program and a callable, each in a process of its own, all durable.

python -m bench local

Beside the program stands a loop over `subprocess.Popen` that also makes the process group, the pipe and the temporary
folder, at the same concurrency, measured in the same run.
"""

import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from bench.engine import NOOP, put, timed
from bench.executors import popen_per_second
from tests.acceptance.server import started

TASKS = 400
ROUNDS = 3
CONCURRENCIES = (2, 8)
RATIO_MIN = 0.5
CALLABLES_MIN = 150
TRUE = {"type": "shell", "command": ["true"]}


def main() -> None:
    """Print each figure with its limit."""
    for concurrency in CONCURRENCIES:
        with (
            tempfile.TemporaryDirectory() as folder,
            started(Path(folder) / "home", executor="local", concurrency=str(concurrency)) as server,
        ):
            put(server, "true", _wide(TRUE), max_active_tasks=1000)
            put(server, "callable", _wide(NOOP), max_active_tasks=1000)
            timed(server, "true")  # warm
            ratios, programs = [], []
            for _ in range(ROUNDS):
                bare = popen_per_second(TASKS, concurrency=concurrency)
                programs.append(TASKS / timed(server, "true")[1])
                ratios.append(programs[-1] / bare)
            callables = median(TASKS / timed(server, "callable")[1] for _ in range(ROUNDS))
        _line(f"true, {concurrency} at a time", median(programs), median(ratios), RATIO_MIN)
        missed = "" if callables >= CALLABLES_MIN else "  MISSED"
        print(f"callable, {concurrency} at a time: {callables:,.0f} tasks/s (limit >= {CALLABLES_MIN}){missed}")


def _wide(task: dict[str, Any]) -> dict[str, Any]:
    return {f"t{n}": task for n in range(TASKS)}


def _line(what: str, per_second: float, ratio: float, limit: float) -> None:
    missed = "" if ratio >= limit else "  MISSED"
    print(f"{what}: {per_second:,.0f} tasks/s, {ratio:.2f} of a Popen loop (limit >= {limit}){missed}", flush=True)
