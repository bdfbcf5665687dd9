"""Two schedulers beside one, on PostgreSQL with executor `thread`: `python -m bench schedulers`.

200 runs of a chain of 5 no-ops are triggered while their DAG is paused, then let go, with one scheduler and with two in
turns; no client does anything meanwhile. Beside the throughput stands how busy the cores were, and with whom, and what
PostgreSQL's sessions waited for when they were looked at.
"""

import os
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import perf_counter

from sqlalchemy import func, select, text

from bench.engine import chain, database_url, put
from mainspring_store import Database, open_database
from mainspring_store.database.notify import open_notifier
from mainspring_store.resources.dag_pauses import set_paused
from mainspring_store.resources.heartbeats import latest_heartbeats
from mainspring_store.tables import dag_run
from tests.acceptance.server import Server, cmdline_of, started, until
from tests.services.environment import child_environment

ROUNDS = 3
RATIO_MIN = 1.5
RUNS = 200
_TICKS = os.sysconf("SC_CLK_TCK")
_PARTS = {"mainspring_cli scheduler": "schedulers", "mainspring_executors.host": "task hosts", "mainspring_cli": "API"}


def main() -> None:
    """Print the throughput of one and of two, their ratio, and what the cores did."""
    with database_url("postgresql") as url, tempfile.TemporaryDirectory() as folder:
        assert url is not None
        with started(Path(folder) / "home", executor="thread", database_url=url) as server:
            put(server, "burst", chain(5), max_active_runs=1000, is_paused_upon_creation=True)
            database = open_database(url)
            _round(server, database)
            one, two = [], []
            for _ in range(ROUNDS):
                one.append(_round(server, database))
                with _second_scheduler(server, database, url):
                    two.append(_round(server, database))
            database.close()
    _line("one scheduler", one)
    _line("two schedulers", two)
    ratio = median(per_second for per_second, *_ in two) / median(per_second for per_second, *_ in one)
    print(f"two beside one: {ratio:.2f} (limit >= {RATIO_MIN}){'' if ratio >= RATIO_MIN else '  MISSED'}")


Measured = tuple[float, Mapping[str, float], Counter[str]]
"""Tasks a second, each part's share of all cores meanwhile, and what sessions of the database were seen waiting for."""


def _line(what: str, rounds: Sequence[Measured]) -> None:
    shares = {part: median(busy[part] for _, busy, _ in rounds) for part in rounds[0][1]}
    parts = ", ".join(f"{part} {share:.0%}" for part, share in shares.items())
    print(f"{what}: {median(per_second for per_second, *_ in rounds):,.0f} tasks/s; of {os.cpu_count()} cores {parts}")
    seen = sum((waits for *_, waits in rounds), Counter[str]())
    print("  " + ", ".join(f"{wait} {times / seen.total():.0%}" for wait, times in seen.most_common(5)))


def _round(server: Server, database: Database) -> Measured:
    with ThreadPoolExecutor(8) as pool:
        for _ in pool.map(lambda _: server.trigger("burst"), range(RUNS)):
            pass
    before, began = _cpu_seconds(), perf_counter()
    set_paused(database, "burst", False, now=datetime.now(UTC))
    open_notifier(database).notify()
    waits = Counter[str]()

    def is_over() -> bool:
        waits.update(_waits(database))
        return _count(database, "queued", "running") == 0

    until(is_over, "the end of all runs")
    seconds = perf_counter() - began
    cores_seconds = seconds * (os.cpu_count() or 1)
    busy = {part: (after - before.get(part, 0.0)) / cores_seconds for part, after in _cpu_seconds().items()}
    set_paused(database, "burst", True, now=datetime.now(UTC))
    return RUNS * 5 / seconds, busy, waits


def _waits(database: Database) -> Sequence[str]:
    with database.read() as connection:
        return connection.scalars(_WAITS).all()


_WAITS = text(
    "SELECT coalesce(wait_event_type || ' ' || wait_event, 'CPU') FROM pg_stat_activity"
    " WHERE datname = current_database() AND state <> 'idle' AND pid <> pg_backend_pid()"
)


def _count(database: Database, *states: str) -> int:
    with database.read() as connection:
        return connection.scalar(select(func.count()).where(dag_run.c.state.in_(states))) or 0


@contextmanager
def _second_scheduler(server: Server, database: Database, url: str) -> Iterator[None]:
    home = server.home.parent / "second"
    home.mkdir(exist_ok=True)
    environment = child_environment()
    environment |= {"MAINSPRING_HOME": str(home), "MAINSPRING_DATABASE_URL": url, "MAINSPRING_EXECUTOR": "thread"}
    environment |= {"MAINSPRING_LOG_LEVEL": "warning"}
    began = datetime.now(UTC)
    process = subprocess.Popen([sys.executable, "-m", "mainspring_cli", "scheduler"], env=environment)
    try:
        # The first one beats too.
        until(lambda: len(latest_heartbeats(database, kind="scheduler", since=began)) == 2, "the second scheduler")
        yield
    finally:
        process.terminate()
        process.wait()


def _cpu_seconds() -> dict[str, float]:
    """What each part has used so far; this program's own clients are among them."""
    used = defaultdict[str, float](float)
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            command = cmdline_of(int(entry.name))
        except OSError:
            continue
        part = next((part for mark, part in _PARTS.items() if mark in command), None)
        part = part or ("PostgreSQL" if "postgres" in command else "clients" if "bench" in command else "others")
        used[part] += (int(fields[11]) + int(fields[12])) / _TICKS
    return used


if __name__ == "__main__":
    main()
