"""What schedules cost: planning a next run, how late a due run starts, a thousand DAGs due at once, backfills.

python -m bench schedules
"""

import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from threading import Timer

from sqlalchemy import func, select

from bench.engine import NOOP, put
from mainspring.definition.model import Schedule
from mainspring.timetables import next_slot, timetable_of
from mainspring_store import open_database
from mainspring_store.tables import dag_run
from tests.acceptance.server import Server, proportional_memory_mib, started

NEXT_MICROSECONDS_MAX = 200
DAGS = 1_000
DAGS_SECONDS_MAX = 5.0
LATE_MILLISECONDS_MAX = 100
SHORT_BACKFILL_RUNS = 100
SHORT_BACKFILL_SECONDS_MAX = 1.0
BACKFILL_RUNS = 10_000
BACKFILL_RUNS_PER_SECOND_MIN = 300
BACKFILL_GROWTH_MIB_MAX = 20
URGENT_SECONDS_MAX = 2.0
WAIT_SECONDS_MAX = 120.0


def main() -> None:
    """Print each figure beside its limit."""
    _next_run()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        with started(home, executor="thread") as server:
            _short_backfill(server)
            _how_late(server)
            _due_at_once(server, home)
            _long_backfill(server)


def _next_run() -> None:
    now = datetime(2026, 3, 28, 12, 30, tzinfo=UTC)
    lines = ("*/5 * * * *", "0 * * * *", "30 2 * * *", "0 0 1 * *", "0 0 29 2 *", "0 0 29 2 */7")
    for line, calendars in [*((line, ()) for line in lines), *((line, ("DE-BY", "NYSE")) for line in lines)]:
        timetable = timetable_of(Schedule(crons=(line,), timezone="Europe/Berlin", excluded_calendars=calendars))
        first = next_slot(timetable, after=None, start=None, end=None, catchup_max=1, now=now)
        assert first is not None
        costs = []
        for _ in range(300):
            begun = time.perf_counter()
            next_slot(timetable, after=first.logical_date, start=None, end=None, catchup_max=1, now=now)
            costs.append(time.perf_counter() - begun)
        _tell(" ".join(("next run of", line, *calendars)), median(costs) * 1e6, NEXT_MICROSECONDS_MAX, "us")


def _due_at_once(server: Server, home: Path) -> None:
    due = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=40)
    for number in range(DAGS):
        put(server, f"due-{number}", {"a": NOOP}, schedule={"at": [due.isoformat()]})
    assert datetime.now(UTC) < due, "the DAGs were not saved in time"
    database = open_database(f"sqlite:///{home / 'mainspring.db'}")

    def created() -> bool:
        with database.read() as connection:
            return connection.scalar(select(func.count()).where(dag_run.c.dag_id.like("due-%"))) == DAGS

    time.sleep(max(0.0, (due - datetime.now(UTC)).total_seconds()))
    seconds = _until(created)
    database.close()
    _tell(f"{DAGS} DAGs due in one second: all runs made after", seconds, DAGS_SECONDS_MAX, "s")


def _how_late(server: Server) -> None:
    """From the instant at which a run is due to the start of its task, of DAGs that are due at different times."""
    first = datetime.now(UTC) + timedelta(seconds=3)
    instants = [first + timedelta(milliseconds=330 * number) for number in range(30)]
    for number in range(3):
        at = [instant.isoformat() for instant in instants[number::3]]
        put(server, f"late-{number}", {"a": NOOP}, schedule={"at": at})
    assert datetime.now(UTC) < first, "the DAGs were not saved in time"
    time.sleep((instants[-1] - datetime.now(UTC)).total_seconds() + 1)
    late = []
    for number in range(3):
        for run in server.client.get(f"/dags/late-{number}/dagRuns")["dag_runs"]:
            path = f"/dags/late-{number}/dagRuns/{run['dag_run_id']}/taskInstances/a"
            begun = datetime.fromisoformat(server.client.get(path)["start_date"])
            late.append((begun - datetime.fromisoformat(run["run_after"])).total_seconds() * 1000)
    assert len(late) == len(instants)
    _tell("due to start, p95", quantiles(late, n=20)[-1], LATE_MILLISECONDS_MAX, "ms")


def _short_backfill(server: Server) -> None:
    put(server, "days", {"a": NOOP}, schedule="@daily")
    seconds = _fill(server, "days", timedelta(days=SHORT_BACKFILL_RUNS - 1), max_active_runs=16)
    _tell(f"backfill of {SHORT_BACKFILL_RUNS} daily intervals, all done", seconds, SHORT_BACKFILL_SECONDS_MAX, "s")


def _long_backfill(server: Server) -> None:
    """With a run of another DAG that is triggered in the middle of it."""
    put(server, "hours", {"a": NOOP}, schedule="@hourly")
    put(server, "urgent", {"a": NOOP})
    scheduler = server.pid_of("scheduler")
    before = proportional_memory_mib(scheduler)
    waited = []

    def trigger_urgent() -> None:
        begun = time.perf_counter()
        server.wait(server.trigger("urgent"))
        waited.append(time.perf_counter() - begun)

    urgent = Timer(5.0, trigger_urgent)
    urgent.start()
    seconds = _fill(server, "hours", timedelta(hours=BACKFILL_RUNS - 1), max_active_runs=50)
    urgent.join()
    rate = BACKFILL_RUNS / seconds
    print(
        f"backfill of {BACKFILL_RUNS} intervals: {rate:.0f} runs/s (limit >= {BACKFILL_RUNS_PER_SECOND_MIN})"
        f"{'' if rate >= BACKFILL_RUNS_PER_SECOND_MIN else '  MISSED'}",
        flush=True,
    )
    growth = proportional_memory_mib(scheduler) - before
    _tell("  growth of the scheduler's memory meanwhile", growth, BACKFILL_GROWTH_MIB_MAX, "MiB")
    _tell("  an urgent run of another DAG meanwhile, from trigger to end", waited[0], URGENT_SECONDS_MAX, "s")


def _fill(server: Server, dag_id: str, length: timedelta, *, max_active_runs: int) -> float:
    """Seconds from the request of a backfill to the end of all its runs."""
    begin = datetime(2025, 1, 1, tzinfo=UTC)
    body = {
        "dag_id": dag_id,
        "from_date": begin.isoformat(),
        "to_date": (begin + length).isoformat(),
        "max_active_runs": max_active_runs,
    }
    begun = time.perf_counter()
    key = server.client.post("/backfills", body)["id"]
    _until(lambda: server.client.get(f"/backfills/{key}")["completed_at"] is not None)
    return time.perf_counter() - begun


def _until(is_done: Callable[[], bool]) -> float:
    """Seconds until it is done; looked at every 20 ms."""
    begun = time.perf_counter()
    while not is_done():
        assert time.perf_counter() - begun < WAIT_SECONDS_MAX, "it takes too long"
        time.sleep(0.02)
    return time.perf_counter() - begun


def _tell(what: str, value: float, limit: float, unit: str) -> None:
    print(f"{what}: {value:.1f} {unit} (limit <= {limit:g} {unit}){'' if value <= limit else '  MISSED'}", flush=True)
