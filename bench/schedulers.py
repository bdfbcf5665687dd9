"""Several schedulers beside one, on PostgreSQL with executor `thread`: `python -m bench schedulers`.

200 runs of a chain of 5 no-ops are made while their DAG is paused, then let go, with one scheduler and with more in
turns; no client does anything meanwhile. First the schedulers reach PostgreSQL at once, where the cores bind: the limit
is what the CPU seconds of a task allow on this machine. Then a proxy delays each message between them and
PostgreSQL by 2 ms there and back, so that waiting binds. Below the throughput stands what used the cores, and what the
sessions of PostgreSQL waited for when they were looked at.
"""

import os
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import perf_counter

from sqlalchemy import func, select, text

from bench.engine import chain, database_url
from bench.support.delaying_proxy import delayed
from mainspring.definition import parse_definition
from mainspring.states import RunType
from mainspring_store import Database, open_database
from mainspring_store.database.notify import open_notifier
from mainspring_store.resources.dag_pauses import set_paused
from mainspring_store.resources.dags import save_dag
from mainspring_store.resources.heartbeats import latest_heartbeats
from mainspring_store.schema.migrate import migrate
from mainspring_store.state.runs import NewRun, VersionRef, create_run
from mainspring_store.tables import dag_run
from tests.acceptance.server import cmdline_of, descendants, until
from tests.services.environment import child_environment

ROUNDS = 3
RUNS = 200
DELAY_MILLISECONDS = 2.0
CEILING_PART_MIN = 0.9
"""Of what the CPU seconds of a task allow."""
CPU_RATIO_MAX = 1.15
DELAYED_RATIOS_MIN = {2: 1.7, 4: 2.5}
_TICKS = os.sysconf("SC_CLK_TCK")
_CORES = os.cpu_count() or 1
_PARTS = {
    "mainspring_cli scheduler": "schedulers",
    "mainspring_executors.host": "task hosts",
    "delaying_proxy": "proxy",
    "postgres": "PostgreSQL",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Round:
    """What one round cost."""

    per_second: float
    cpu_seconds: Mapping[str, float]
    """By part, without this program."""
    seconds: float
    waits: Counter[str]
    """What sessions of the database were seen doing."""

    @property
    def cpu_of_task(self) -> float:
        """Seconds, of all parts."""
        return sum(seconds for part, seconds in self.cpu_seconds.items() if part != "proxy") / (RUNS * 5)


def main() -> None:
    """Print the throughput of one scheduler and of more, and the ratios beside their limits."""
    with database_url("postgresql") as url, tempfile.TemporaryDirectory(dir="/tmp") as folder:
        assert url is not None
        burst = Burst(url)
        direct = burst.measured((1, 2), lambda _: url, Path(folder) / "direct")
        _report_direct(direct[1], direct[2])
        with ExitStack() as stack:
            proxies = Path(folder) / "proxies"
            proxies.mkdir()

            def delayed_url(number: int) -> str:
                return stack.enter_context(delayed(url, proxies / str(number), DELAY_MILLISECONDS))

            urls = {number: delayed_url(number) for number in range(max(DELAYED_RATIOS_MIN))}
            rounds = burst.measured((1, *DELAYED_RATIOS_MIN), urls.__getitem__, Path(folder) / "delayed")
        _report_delayed(rounds)
        burst.close()


def _report_direct(one: Sequence[Round], two: Sequence[Round]) -> None:
    _line("one scheduler", one)
    _line("two schedulers", two)
    per_second = _per_second(two)
    ceiling = _CORES / median(each.cpu_of_task for each in two)
    cpu_ratio = median(each.cpu_of_task for each in two) / median(each.cpu_of_task for each in one)
    print(
        f"two beside one: {per_second / _per_second(one):.2f} x; {_CORES} cores allow {ceiling:,.0f} tasks/s,"
        f" {ceiling / _per_second(one):.2f} x"
    )
    _judged("two beside the ceiling", per_second / ceiling, at_least=CEILING_PART_MIN)
    _judged("CPU seconds of a task with two beside one", cpu_ratio, at_most=CPU_RATIO_MAX)


def _report_delayed(rounds: Mapping[int, Sequence[Round]]) -> None:
    for count in rounds:
        _line(f"{DELAY_MILLISECONDS:g} ms to PostgreSQL, schedulers: {count}", rounds[count])
    for count, ratio_min in DELAYED_RATIOS_MIN.items():
        ratio = _per_second(rounds[count]) / _per_second(rounds[1])
        what = f"{DELAY_MILLISECONDS:g} ms to PostgreSQL, {count} schedulers beside one"
        ceiling = _CORES / median(each.cpu_of_task for each in rounds[count])
        print(f"{_CORES} cores allow {ceiling:,.0f} tasks/s, {ceiling / _per_second(rounds[1]):.2f} x one")
        _judged(what, ratio, at_least=ratio_min)


def _judged(what: str, value: float, *, at_least: float = 0.0, at_most: float = float("inf")) -> None:
    limit = f">= {at_least}" if at_least else f"<= {at_most}"
    missed = "" if at_least <= value <= at_most else "  MISSED"
    print(f"{what}: {value:.2f} x (limit {limit} x){missed}", flush=True)


def _per_second(rounds: Sequence[Round]) -> float:
    return median(each.per_second for each in rounds)


def _line(what: str, rounds: Sequence[Round]) -> None:
    shares = {
        part: median(each.cpu_seconds.get(part, 0.0) / each.seconds / _CORES for each in rounds)
        for part in rounds[0].cpu_seconds
    }
    parts = ", ".join(f"{part} {share:.0%}" for part, share in shares.items() if share >= 0.005)
    cpu = median(each.cpu_of_task for each in rounds) * 1000
    print(f"{what}: {_per_second(rounds):,.0f} tasks/s; {cpu:.2f} ms of CPU a task; of {_CORES} cores {parts}")
    seen = sum((each.waits for each in rounds), Counter[str]())
    print("  " + ", ".join(f"{wait} {times / seen.total():.0%}" for wait, times in seen.most_common(5)), flush=True)


class Burst:
    """The DAG whose runs are measured, on one database."""

    def __init__(self, url: str) -> None:
        self._database = open_database(url)
        migrate(self._database)
        document = {"dag_id": "burst", "tasks": chain(5), "max_active_runs": 1000}
        definition = parse_definition(document, media="json")
        self._version: VersionRef = save_dag(self._database, definition, by="bench", now=datetime.now(UTC)).version
        self._made = 0

    def close(self) -> None:
        self._database.close()

    def measured(self, counts: Sequence[int], url_of: Callable[[int], str], folder: Path) -> dict[int, list[Round]]:
        """Rounds with so many schedulers, in turns.

        url_of: the way of each scheduler to the database. folder: for their homes; it does not exist yet.
        """
        folder.mkdir()
        rounds: dict[int, list[Round]] = {count: [] for count in counts}
        for number in range(ROUNDS):
            for count in counts:
                home = folder / f"{number}-{count}"
                home.mkdir()
                with _schedulers(self._database, [url_of(index) for index in range(count)], home):
                    self._round()  # warm: imports, statement caches, plans
                    rounds[count].append(self._round())
        return rounds

    def _round(self) -> Round:
        database, now = self._database, datetime.now(UTC)
        set_paused(database, "burst", True, now=now)
        for _ in range(RUNS):
            self._made += 1
            run_id = f"run{self._made}"
            run = NewRun(
                version=self._version, run_id=run_id, run_type=RunType.MANUAL, conf={}, params={}, run_after=now
            )
            create_run(database, run, now=now)
        before, began = _cpu_seconds(), perf_counter()
        set_paused(database, "burst", False, now=datetime.now(UTC))
        notifier = open_notifier(database)
        notifier.notify()
        waits = Counter[str]()

        def is_over() -> bool:
            waits.update(_waits(database))
            return _unfinished(database) == 0

        until(is_over, "the end of all runs")
        seconds = perf_counter() - began
        notifier.close()
        cpu_seconds = {part: used - before.get(part, 0.0) for part, used in _cpu_seconds().items()}
        return Round(per_second=RUNS * 5 / seconds, cpu_seconds=cpu_seconds, seconds=seconds, waits=waits)


def _waits(database: Database) -> Sequence[str]:
    with database.read() as connection:
        return connection.scalars(_WAITS).all()


_WAITS = text(
    "SELECT coalesce(wait_event_type || ' ' || wait_event, 'CPU') FROM pg_stat_activity"
    " WHERE datname = current_database() AND state <> 'idle' AND pid <> pg_backend_pid()"
)


def _unfinished(database: Database) -> int:
    with database.read() as connection:
        return connection.scalar(select(func.count()).where(dag_run.c.state.in_(("queued", "running")))) or 0


@contextmanager
def _schedulers(database: Database, urls: Sequence[str], home: Path) -> Iterator[None]:
    began = datetime.now(UTC)
    with ExitStack() as stack:
        for number, url in enumerate(urls):
            stack.enter_context(_scheduler(url, home / str(number)))
        until(
            lambda: len(latest_heartbeats(database, kind="scheduler", since=began)) == len(urls),
            "the beats of all schedulers",
        )
        yield


@contextmanager
def _scheduler(url: str, home: Path) -> Iterator[None]:
    home.mkdir()
    settings = {"home": str(home), "database_url": url, "executor": "thread", "log_level": "warning"}
    environment = child_environment(**{f"MAINSPRING_{name.upper()}": value for name, value in settings.items()})
    process = subprocess.Popen([sys.executable, "-m", "mainspring_cli", "scheduler"], env=environment)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _cpu_seconds() -> dict[str, float]:
    """What each part below this program has used so far, with its processes that have ended."""
    used = defaultdict[str, float](float)
    for pid in descendants(os.getpid()):
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        command = cmdline_of(pid)
        part = next((part for mark, part in _PARTS.items() if mark in command), "others")
        used[part] += sum(map(int, fields[11:15])) / _TICKS
    return used


if __name__ == "__main__":
    main()
