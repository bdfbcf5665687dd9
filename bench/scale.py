"""Whether the cost of a task depends on how many there are: 1,000 beside 10,000, wide, deep and mapped.

python -m bench scale
"""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

from bench.engine import NOOP, chain, put, timed
from tests.acceptance.server import Server, started

SIZES = (1_000, 10_000)
RATIO_MAX = 1.3
MEMORY_MIB_MAX = 250
ROUNDS = 3


def main() -> None:
    """Print the cost per task at both sizes, their ratio, and the scheduler's peak memory."""
    with tempfile.TemporaryDirectory() as folder, started(Path(folder) / "home", executor="thread") as server:
        for shape, make in SHAPES.items():
            costs = [_cost(server, f"{shape}-{size}", make(size), size) for size in SIZES]
            ratio = costs[1] / costs[0]
            print(
                f"{shape}: {costs[0]:.0f} us a task at 1,000, {costs[1]:.0f} us at 10,000: {ratio:.2f} x "
                f"(limit <= {RATIO_MAX} x){'' if ratio <= RATIO_MAX else '  MISSED'}",
                flush=True,
            )
        memory = _peak_mib(server.pid_of("scheduler"))
        print(f"scheduler: peak memory {memory:.0f} MiB (limit <= {MEMORY_MIB_MAX} MiB)")


def _cost(server: Server, dag_id: str, tasks: Mapping[str, Any], size: int) -> float:
    """Microseconds a task, from the POST to the end of the run."""
    put(server, dag_id, tasks, max_active_tasks=2000)
    return median(timed(server, dag_id)[1] for _ in range(ROUNDS)) / size * 1e6


def _wide(size: int) -> dict[str, Any]:
    return {f"t{n}": NOOP for n in range(size)}


def _mapped(size: int) -> dict[str, Any]:
    return {"items": {**NOOP, "expand": {"n": list(range(size))}}}


SHAPES: Mapping[str, Callable[[int], dict[str, Any]]] = {"wide": _wide, "deep": chain, "mapped": _mapped}


def _peak_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")) / 1024
