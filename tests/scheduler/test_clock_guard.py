"""A wrong clock makes no runs: neither one that differs from the database's nor one that was set."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from mainspring.attempts import Report
from mainspring_scheduler.clock import SystemClock
from mainspring_scheduler.clock_guard import STEADY_SECONDS, ClockGuard
from mainspring_scheduler.service import Service
from mainspring_store.database.lease import take_scheduler_lease
from mainspring_store.database.transactions import Database
from mainspring_store.resources import heartbeats as services
from tests.scheduler.engine import START, Engine, MovedClock
from tests.scheduler.test_backfills import NOOP, fill, made
from tests.scheduler.test_due import scheduled

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("ahead", "may_create"),
    [(0.0, True), (2.5, True), (29.9, True), (30.0, False), (-29.9, True), (-30.0, False), (3600.0, False)],
)
def test_a_clock_far_from_the_databases_creates_no_runs(ahead: float, may_create: bool) -> None:
    clock = MovedClock()
    guard = ClockGuard(clock)
    guard.compare(clock.now(), clock.now() - ahead * SECOND)
    assert guard.offset == ahead * SECOND
    assert guard.may_create_runs is may_create
    guard.compare(clock.now(), clock.now())
    assert guard.may_create_runs


def test_a_slow_answer_of_the_database_is_no_offset() -> None:
    clock = MovedClock()
    guard = ClockGuard(clock)
    asked_at = clock.now()
    clock.move(50 * SECOND)
    guard.compare(asked_at, asked_at + 10 * SECOND)
    assert guard.offset == timedelta(0)
    guard.compare(asked_at, asked_at - 5 * SECOND)
    assert guard.offset == 5 * SECOND
    guard.compare(asked_at, asked_at + 53 * SECOND)
    assert guard.offset == -3 * SECOND


def test_a_clock_that_is_set_is_noticed_before_the_next_comparison() -> None:
    clock = MovedClock()
    guard = ClockGuard(clock)
    guard.compare(clock.now(), clock.now() - SECOND)
    clock.move(4 * SECOND)
    assert guard.offset == SECOND
    clock.set(-HOUR)
    assert guard.offset == SECOND - HOUR
    assert not guard.may_create_runs


def test_each_change_for_the_worse_or_the_better_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    clock = MovedClock()
    guard = ClockGuard(clock)
    with caplog.at_level("INFO"):
        for ahead in (0, 1, 3, 4, 40, 41, 1):
            guard.compare(clock.now(), clock.now() - ahead * SECOND)
    assert [record.levelname for record in caplog.records] == ["WARNING", "ERROR", "INFO"]


def test_without_a_database_server_a_clock_that_was_set_is_believed_after_a_minute() -> None:
    clock = MovedClock()
    guard = ClockGuard(clock)
    clock.set(HOUR)
    heartbeats = 0
    while not guard.may_create_runs:
        clock.move(5 * SECOND)
        guard.compare(clock.now(), None)
        heartbeats += 1
        assert heartbeats < 20
    assert heartbeats == STEADY_SECONDS / 5 + 1


def test_a_clock_that_is_set_back_in_time_is_right_again_at_once() -> None:
    clock = MovedClock()
    guard = ClockGuard(clock)
    clock.set(-HOUR)
    guard.compare(clock.now(), None)
    clock.set(HOUR)
    assert guard.may_create_runs


def test_a_clock_that_is_slowly_corrected_is_never_wrong() -> None:
    clock = MovedClock()
    guard = ClockGuard(clock)
    for _ in range(100):
        clock.move(5 * SECOND)
        clock.set(SECOND)
        guard.compare(clock.now(), None)
        assert guard.may_create_runs


def test_meanwhile_nothing_is_created_and_all_else_goes_on(engine: Engine) -> None:
    version = engine.save("etl", NOOP, schedule="@hourly")
    engine.run_until_idle()
    engine.clock.set(2 * HOUR)
    fill(engine, version, days=1)
    engine.trigger(version, "by_hand")
    engine.run_until_idle()
    assert (scheduled(engine), made(engine)) == ([], [])
    assert engine.run("by_hand")["state"] == "success"
    engine.clock.set(-2 * HOUR)
    engine.run_until_idle()
    assert (scheduled(engine), len(made(engine))) == ([], 1)
    engine.clock.move(HOUR)
    engine.run_until_idle()
    assert scheduled(engine) == [START]


def test_a_heartbeat_tells_the_clock_of_the_databases_server(database: Database) -> None:
    now = datetime.now(UTC)
    services.register_service(
        database, incarnation="one", kind="scheduler", hostname="h", pid=1, version="1", details={}, now=now
    )
    shown = services.heartbeat(database, "one", now=now)
    if database.is_sqlite:
        assert shown is None
    else:
        assert shown is not None
        assert abs(shown - now) < 60 * SECOND


class ClockAhead(SystemClock):
    """The machine's clock, set forward."""

    def __init__(self, by: timedelta) -> None:
        self._by = by

    def now(self) -> datetime:
        return super().now() + self._by


@pytest.mark.parametrize(("ahead", "is_wrong"), [(timedelta(0), False), (HOUR, True)])
def test_a_scheduler_compares_its_clock_before_its_first_pass(engine: Engine, ahead: timedelta, is_wrong: bool) -> None:
    engine.save("etl", NOOP, schedule="@hourly", start_date="2026-01-01")
    executor, lease = engine.executor, take_scheduler_lease(engine.database)
    service = Service(engine.database, {"thread": executor}, lease, version="1", clock=ClockAhead(ahead))
    passes = []

    def reports(_: float) -> Sequence[Report]:
        passes.append(1)
        if len(passes) == 3:
            service.stop()
        return []

    executor.reports = reports  # type: ignore[method-assign]
    service.run(timedelta(0))
    lease.release()
    # On SQLite there is no other clock that would tell.
    assert len(scheduled(engine)) == (0 if is_wrong and not engine.database.is_sqlite else 1)
