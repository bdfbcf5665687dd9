"""What schedules cost: planning a next run, a thousand DAGs due at once, a backfill of many intervals.

python -m bench schedules
"""

import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from sqlalchemy import func, select

from bench.engine import NOOP, put
from mainspring.definition.model import Schedule
from mainspring.timetables import next_slot, timetable_of
from mainspring_store import open_database
from mainspring_store.tables import dag_run
from tests.acceptance.server import Server, started

NEXT_MICROSECONDS_MAX = 200
DAGS = 1_000
DAGS_SECONDS_MAX = 5.0
BACKFILL_RUNS = 1_000
BACKFILL_RUNS_PER_SECOND_MIN = 300
WAIT_SECONDS_MAX = 120.0


def main() -> None:
    """Print each figure beside its limit."""
    _next_run()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        with started(home, executor="thread") as server:
            _due_at_once(server, home)
            _backfill(server)


def _next_run() -> None:
    now = datetime(2026, 3, 28, 12, 30, tzinfo=UTC)
    for line in ("*/5 * * * *", "0 * * * *", "30 2 * * *", "0 0 1 * *"):
        timetable = timetable_of(Schedule(crons=(line,), timezone="Europe/Berlin"))
        first = next_slot(timetable, after=None, start=None, end=None, catchup_max=1, now=now)
        assert first is not None
        costs = []
        for _ in range(300):
            begun = time.perf_counter()
            next_slot(timetable, after=first.logical_date, start=None, end=None, catchup_max=1, now=now)
            costs.append(time.perf_counter() - begun)
        _tell(f"next run of {line}", median(costs) * 1e6, NEXT_MICROSECONDS_MAX, "us")


def _due_at_once(server: Server, home: Path) -> None:
    due = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=40)
    for number in range(DAGS):
        put(server, f"due-{number}", {"a": NOOP}, schedule={"at": [due.isoformat()]})
    assert datetime.now(UTC) < due, "the DAGs were not saved in time"
    database = open_database(f"sqlite:///{home / 'mainspring.db'}")

    def created() -> bool:
        with database.read() as connection:
            return connection.scalar(select(func.count()).select_from(dag_run)) == DAGS

    time.sleep(max(0.0, (due - datetime.now(UTC)).total_seconds()))
    seconds = _until(created)
    database.close()
    _tell(f"{DAGS} DAGs due in one second: all runs made after", seconds, DAGS_SECONDS_MAX, "s")


def _backfill(server: Server) -> None:
    put(server, "filled", {"a": NOOP}, schedule="@hourly")
    body = {
        "dag_id": "filled",
        "from_date": "2025-01-01T00:00:00Z",
        "to_date": (datetime(2025, 1, 1, tzinfo=UTC) + timedelta(hours=BACKFILL_RUNS - 1)).isoformat(),
        "max_active_runs": 50,
    }
    begun = time.perf_counter()
    key = server.client.post("/backfills", body)["id"]
    _until(lambda: server.client.get(f"/backfills/{key}")["completed_at"] is not None)
    rate = BACKFILL_RUNS / (time.perf_counter() - begun)
    print(
        f"backfill of {BACKFILL_RUNS} intervals: {rate:.0f} runs/s (limit >= {BACKFILL_RUNS_PER_SECOND_MIN})"
        f"{'' if rate >= BACKFILL_RUNS_PER_SECOND_MIN else '  MISSED'}",
        flush=True,
    )


def _until(is_done: Callable[[], bool]) -> float:
    """Seconds until it is done; looked at every 20 ms."""
    begun = time.perf_counter()
    while not is_done():
        assert time.perf_counter() - begun < WAIT_SECONDS_MAX, "it takes too long"
        time.sleep(0.02)
    return time.perf_counter() - begun


def _tell(what: str, value: float, limit: float, unit: str) -> None:
    print(f"{what}: {value:.1f} {unit} (limit <= {limit:g} {unit}){'' if value <= limit else '  MISSED'}", flush=True)
