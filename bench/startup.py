"""What a start costs: time to the first success, CPU when idle, memory of all processes together.

python -m bench startup
"""

import os
import tempfile
import time
from pathlib import Path

from bench.engine import database_url
from tests.acceptance.server import Server, descendants, proportional_memory_mib, started

_IDLE_SECONDS = 20.0
_STARTS = 5
_DAG = "dag_id: first\ntasks: {only: {type: shell, command: ['true']}}\n"


def main() -> None:
    """Print each figure beside its limit."""
    for executor in ("thread", "local"):
        seconds = sorted(_seconds_to_first_success(executor) for _ in range(_STARTS))
        print(f"{executor}: from `up` to the first success: median {seconds[_STARTS // 2]:.2f} s (limit 1 s)")
        with tempfile.TemporaryDirectory() as folder, started(Path(folder) / "home", executor=executor) as server:
            _run_one(server)
            cpu, memory = _idle_cpu(server), proportional_memory_mib(server.process.pid)
        print(f"{executor}: idle: {cpu:.2%} of a core (limit 0.5 %); memory: {memory:.0f} MiB PSS (limit 160)")
    with (
        database_url("postgresql") as url,
        tempfile.TemporaryDirectory() as folder,
        started(Path(folder) / "home", executor="thread", database_url=url) as server,
    ):
        _run_one(server)
        cpu, memory = _idle_cpu(server), proportional_memory_mib(server.process.pid)
        print(f"PostgreSQL, thread: idle: {cpu:.2%} of a core (limit 0.5 %); memory: {memory:.0f} MiB PSS (limit 200)")


def _seconds_to_first_success(executor: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        before = time.monotonic()
        with started(Path(folder) / "home", executor=executor) as server:
            _run_one(server)
            return time.monotonic() - before


def _run_one(server: Server) -> None:
    server.put_dag(_DAG)
    assert server.wait(server.trigger("first"))["state"] == "success"


def _idle_cpu(server: Server) -> float:
    """Part of one core that all processes together use while nothing is asked of them."""
    pids = [server.process.pid, *descendants(server.process.pid)]
    before = sum(map(_cpu_seconds, pids))
    time.sleep(_IDLE_SECONDS)
    return (sum(map(_cpu_seconds, pids)) - before) / _IDLE_SECONDS


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
