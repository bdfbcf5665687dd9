"""Years in production: how fast retention deletes, what that costs running work, and whether files stop growing.

python -m bench operations [--full | --deletion]

The history is written straight into the database: 100,000 task instances, with `--full` a million. A tenth of it is
older than its lifetime. Then a DAG with 40,000 runs of its own is deleted.
`--full` takes minutes; `--deletion` measures the deletion alone.
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from threading import Event, Thread

from sqlalchemy import text

from bench.engine import NOOP, chain, database_url, put, timed
from mainspring.retention import Policy, RunPolicy
from mainspring_scheduler.clock import SystemClock
from mainspring_scheduler.duties.retention import RetentionDuty
from mainspring_store import Database, open_database
from mainspring_store.resources.dag_deletion import delete_dag
from mainspring_store.retention import sweep
from mainspring_store.state.run_removal import Removed
from tests.acceptance.server import Server, started

TASKS = 5
DAGS = 20
OLD_SHARE = 10
"""One run in so many is older than its lifetime."""
POLICY = Policy(of_runs=RunPolicy(runs=timedelta(days=180), failed_runs=timedelta(days=365), keep_last=10))
HOLD_MILLISECONDS_MAX = 100.0
LOSS_MAX = 0.10
ROUNDS = 8
ALONE_SECONDS = 5.0
LARGE_RUNS = 40_000
"""Runs of the DAG that is deleted."""


def main() -> None:
    """Print each figure beside its limit, for both databases."""
    instances = 1_000_000 if "--full" in sys.argv else 100_000
    for kind in ("sqlite", "postgresql"):
        with database_url(kind) as given, tempfile.TemporaryDirectory() as folder:
            url = given or f"sqlite:///{folder}/home/mainspring.db"
            # The bench prunes, not the server.
            settings = {"executor": "thread", "database_url": url, "retention": "off"}
            with started(Path(folder) / "home", **settings) as server, _opened(url) as database:
                if "--deletion" not in sys.argv:
                    _measure(kind, server, database, instances)
                _delete_a_dag(kind, server, database)


def _measure(kind: str, server: Server, database: Database, instances: int) -> None:
    put(server, "chain", chain(20))
    timed(server, "chain")
    _fill(server, database, instances)
    filled = _size(database)
    alone, beside, removed = _rates(server, database)
    loss = max(0.0, 1 - beside / alone)
    print(f"{kind}: chain of 20 beside pruning: {beside:.0f} of {alone:.0f} tasks/s, {_verdict(loss, LOSS_MAX)} lost")
    _finish_pruning(kind, database, removed)
    pruned = _size(database)
    _fill(server, database, instances // OLD_SHARE, first=instances)
    print(f"{kind}: size filled {filled:.0f} MiB, pruned {pruned:.0f} MiB, filled again {_size(database):.0f} MiB")


def _finish_pruning(kind: str, database: Database, removed: Removed) -> None:
    began, holds = time.perf_counter(), [0.0]
    for step in sweep(database, POLICY, now=datetime.now(UTC)):
        removed += step.removed
        holds.append(step.seconds * 1000)
    seconds = time.perf_counter() - began
    print(f"{kind}: {removed.runs} runs with {removed.rows} rows pruned, the last ones in {seconds:.1f} s without rest")
    print(f"{kind}: a transaction of pruning: median {median(holds):.0f} ms, longest {_held(max(holds))}", flush=True)


def _delete_a_dag(kind: str, server: Server, database: Database) -> None:
    """Delete a DAG with many runs, and see how long a writer has to wait meanwhile."""
    _fill(server, database, LARGE_RUNS * TASKS, prefix="large", dags=1)
    if not database.is_sqlite:
        # As on a server that has run for a while: there are segments of the log to use again. To write a new one holds
        # every commit up, whoever's it is.
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("CHECKPOINT"))
    waits: list[float] = []
    is_over = Event()

    def write() -> None:
        while not is_over.wait(0.005):
            began = time.perf_counter()
            with database.write() as connection:
                connection.execute(text("UPDATE pool SET description = 'x' WHERE name = 'default_pool'"))
            waits.append((time.perf_counter() - began) * 1000)

    with database.read() as connection:
        runs = connection.scalar(text("SELECT count(*) FROM dag_run WHERE dag_id = 'large-0'"))
    writer = Thread(target=write)
    writer.start()
    time.sleep(ALONE_SECONDS)
    alone = _waits(waits)
    waits.clear()
    began = time.perf_counter()
    delete_dag(database, "large-0", now=datetime.now(UTC))
    seconds = time.perf_counter() - began
    is_over.set()
    writer.join()
    print(
        f"{kind}: a DAG with {runs} runs deleted in {seconds:.1f} s; another writer waited {_held(max(waits))};"
        f" {_waits(waits)}; before the deletion {alone}"
    )


def _waits(milliseconds: list[float]) -> str:
    hundredths = quantiles(milliseconds, n=100)
    return f"median {hundredths[49]:.0f}, p99 {hundredths[98]:.0f}, longest {max(milliseconds):.0f} ms"


def _rates(server: Server, database: Database) -> tuple[float, float, Removed]:
    """Tasks in a second of chains alone, and of chains beside pruning; and what was pruned. The rounds take turns, so
    that other load of the machine falls on both."""
    alone, beside, removed = [], [], Removed()
    for _ in range(ROUNDS):
        alone.append(timed(server, "chain")[1])
        with _pruning(database) as of_round:
            beside.append(timed(server, "chain")[1])
        removed += of_round[0]
    return 20 / median(alone), 20 / median(beside), removed


@contextmanager
def _pruning(database: Database) -> Iterator[list[Removed]]:
    """Prune with the rests of the scheduler; the list holds what was removed once the block ends."""
    duty, removed = RetentionDuty(database, POLICY, SystemClock()), [Removed()]
    thread = Thread(target=lambda: removed.__setitem__(0, duty.sweep()))
    thread.start()
    yield removed
    duty._stopped.set()
    thread.join()


def _fill(
    server: Server, database: Database, instances: int, *, first: int = 0, prefix: str = "old", dags: int = DAGS
) -> None:
    if not first:
        for number in range(dags):
            put(server, f"{prefix}-{number}", {f"t{task}": NOOP for task in range(TASKS)})
    now = datetime.now(UTC)
    runs = instances // TASKS
    of_dags = {"dags": dags, "share": OLD_SHARE, "prefix": prefix}
    for begin in range(0, runs, 10_000):
        count = min(10_000, runs - begin)
        with database.write() as connection:
            rows = {"first": first + begin, "last": first + begin + count - 1}
            instants = {"old": _instant(database, now - timedelta(days=400)), "new": _instant(database, now)}
            connection.execute(text(_RUNS), {**rows, **instants, **of_dags})
            connection.execute(text(_INSTANCES), {**rows, "tasks": TASKS, "prefix": prefix})


def _instant(database: Database, instant: datetime) -> object:
    return f"{instant.replace(tzinfo=None).isoformat(timespec='microseconds')}Z" if database.is_sqlite else instant


def _size(database: Database) -> float:
    """MiB of the file, or of the tables with their indexes."""
    with database.read() as connection:
        if database.is_sqlite:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar() or 0
            size = int(pages) * int(connection.exec_driver_sql("PRAGMA page_size").scalar() or 0)
        else:
            size = int(connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar() or 0)
    return size / 2**20


def _held(milliseconds: float) -> str:
    limit = HOLD_MILLISECONDS_MAX
    return f"{milliseconds:.0f} ms (limit <= {limit:.0f} ms){'' if milliseconds <= limit else '  MISSED'}"


def _verdict(value: float, limit: float) -> str:
    return f"{value:.0%} (limit <= {limit:.0%}){'' if value <= limit else '  MISSED'}"


@contextmanager
def _opened(url: str) -> Iterator[Database]:
    database = open_database(url)
    yield database
    database.close()


_NUMBERS = (
    "WITH RECURSIVE numbers(n) AS (SELECT CAST(:first AS INTEGER) UNION ALL SELECT n + 1 FROM numbers WHERE n < :last)"
)
_RUNS = f"""
{_NUMBERS}
INSERT INTO dag_run (dag_id, run_id, dag_version_id, run_type, state, conf, params, run_after, queued_at, start_date,
                     end_date, updated_at, triggered_by, tasks_total, tasks_unfinished, max_active_tasks)
SELECT dag.dag_id, 'r' || n, dag.version_id, 'manual', 'success', '{{}}', '{{}}', :old, :old, :old,
       CASE WHEN n % :share = 0 THEN :old ELSE :new END, :new, 'rest_api', 5, 0, 16
FROM numbers JOIN dag ON dag.dag_id = CAST(:prefix AS TEXT) || '-' || CAST((n / :share) % :dags AS TEXT)
"""
_INSTANCES = f"""
{_NUMBERS.replace("CAST(:first AS INTEGER)", "0").replace(":last", ":tasks - 1")}
INSERT INTO task_instance (dag_run_id, task_id, task_index, state, max_tries, up_total, wake_on, operator, rank, pool,
                           pool_slots, queue, start_date, end_date, updated_at)
SELECT run.id, 't' || numbers.n, numbers.n, run.state, 0, 0, 0, 'python', -1, 'default_pool', 1, 'default',
       run.start_date, run.end_date, run.updated_at
FROM dag_run AS run CROSS JOIN numbers
WHERE run.dag_id LIKE CAST(:prefix AS TEXT) || '-%' AND run.run_id IN (SELECT 'r' || n FROM (
    WITH RECURSIVE wanted(n) AS (
        SELECT CAST(:first AS INTEGER) UNION ALL SELECT n + 1 FROM wanted WHERE n < :last
    ) SELECT n FROM wanted
) AS these)
"""
