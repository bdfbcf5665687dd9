"""The gate before lost leases, and what it lets through, on a clock that is moved."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from mainspring.attempts import Finished, Outcome
from mainspring.states import StateReason
from mainspring_executors.rq.executor import RqExecutor
from mainspring_scheduler.duties.remote_rescue import RemoteRescue
from mainspring_store.resources import heartbeats as services
from mainspring_store.scheduling import worker_protocol as remote
from mainspring_store.state import runs
from tests.scheduler.engine import Engine
from tests.scheduler.test_remote import REMOTE, TOKEN, claim, renew

LEASE_SECONDS = 30


class Recorder(RqExecutor):
    """What is to be put back into Redis, without a Redis."""

    def __init__(self) -> None:
        self.restored: list[dict[str, str]] = []

    def restore(self, unclaimed: object) -> None:
        self.restored.append(dict(unclaimed))  # type: ignore[call-overload]


class Watch:
    """A rescue, and an execution API that beats as long as it is told to."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.recorder = Recorder()
        self.rescue = RemoteRescue(engine.database, {"thread": self.recorder}, engine.clock)
        services.register_service(
            engine.database,
            incarnation="api",
            kind="execution",
            hostname="h",
            pid=1,
            version="1",
            details={"lease_seconds": LEASE_SECONDS},
            now=engine.clock.now(),
        )

    def go(self, seconds: int, *, api: bool = True, looking: bool = True) -> list[Finished]:
        """Let time pass, second by second; all that was found lost, which is handed to the scheduler."""
        found: list[Finished] = []
        for _ in range(seconds):
            self.engine.clock.move(timedelta(seconds=1))
            if api:
                services.heartbeat(self.engine.database, "api", now=self.engine.clock.now())
            if looking:
                reports = self.rescue.look()
                self.engine.scheduler.inject(reports)
                found += [report for report in reports if isinstance(report, Finished)]
        return found


@pytest.fixture
def engine(make_engine: Callable[..., Engine]) -> Engine:
    engine = make_engine(capabilities=REMOTE)
    engine.trigger(engine.save("etl", {"a": {}}))
    engine.run_until_idle()
    return engine


@pytest.fixture
def watch(engine: Engine) -> Watch:
    claim(engine, "a")
    engine.run_until_idle()
    return Watch(engine)


def test_an_expired_lease_is_lost_after_its_margin(watch: Watch) -> None:
    assert watch.go(LEASE_SECONDS + 2) == []
    (lost,) = watch.go(2)[:1]
    assert (lost.outcome, lost.reason) == (Outcome.LOST, StateReason.WORKER_LOST)


def test_the_end_of_an_attempt_that_was_taken_for_lost_changes_nothing(make_engine: Callable[..., Engine]) -> None:
    engine = make_engine(capabilities=REMOTE)
    engine.trigger(engine.save("etl", {"a": {"retries": 1, "retry_delay": "0s"}, "b": {"depends_on": ["a"]}}))
    engine.run_until_idle()
    first = claim(engine, "a")
    assert first is not None
    assert Watch(engine).go(LEASE_SECONDS + 5)
    engine.run_until_idle()
    assert [one.state for one in engine.tries("a")] == ["lost", "queued"]
    report = {"at": engine.clock.now().isoformat(), "outcome": "success"}
    end = remote.End(attempt_id=first.attempt_id, token_hash=TOKEN, report=report)
    assert remote.finish_attempt(engine.database, end)[0]
    engine.run_until_idle()
    assert engine.states() == {"a": "queued", "b": "scheduled"}
    assert [(one.state, one.stopped_at is None) for one in engine.tries("a")] == [("lost", False), ("queued", True)]


def test_what_was_claimed_ahead_and_is_lost_may_have_begun_and_is_charged(make_engine: Callable[..., Engine]) -> None:
    """Its worker may have started it and died before it said so."""
    engine = make_engine(capabilities=REMOTE)
    engine.trigger(engine.save("etl", {"a": {}}))
    engine.run_until_idle()
    claim(engine, "a", is_ahead=True)
    engine.run_until_idle()
    assert engine.states() == {"a": "queued"}
    assert Watch(engine).go(LEASE_SECONDS + 5)
    engine.run_until_idle()
    assert engine.states() == {"a": "failed"}
    assert [one.state for one in engine.tries("a")] == ["lost"]


def test_a_renewed_lease_is_not_lost(watch: Watch) -> None:
    for _ in range(10):
        renew(watch.engine, watch.engine.attempt("a").attempt_id)
        assert watch.go(20) == []


def test_no_lease_is_judged_while_the_execution_api_is_away_or_before_it_has_been_back_for_a_lease(
    watch: Watch,
) -> None:
    watch.go(5)
    assert watch.go(10 * LEASE_SECONDS, api=False) == []
    assert watch.go(LEASE_SECONDS - 1) == []
    renew(watch.engine, watch.engine.attempt("a").attempt_id)  # the worker had lived on
    assert watch.go(20) == []


def test_a_scheduler_that_was_paused_waits_a_whole_lease_before_it_judges(watch: Watch) -> None:
    watch.go(5)
    watch.go(10 * LEASE_SECONDS, looking=False)
    assert watch.go(LEASE_SECONDS) == []
    assert watch.go(5) != []


def test_a_fresh_scheduler_waits_a_whole_lease_before_it_judges(watch: Watch) -> None:
    watch.engine.clock.move(timedelta(hours=1))
    assert watch.go(LEASE_SECONDS) == []
    assert watch.go(5) != []


def test_a_fenced_attempt_has_stopped_once_its_lease_has_run_out(watch: Watch) -> None:
    now = watch.engine.clock.now()
    runs.cancel_run(watch.engine.database, "etl", "r1", now=now, message="cancelled by test")
    assert watch.go(LEASE_SECONDS) == []
    assert watch.engine.tries("a")[0].stopped_at is None
    assert watch.go(5) == []
    assert watch.engine.tries("a")[0].stopped_at is not None


def test_a_fenced_attempt_whose_worker_still_renews_has_not_stopped(watch: Watch) -> None:
    attempt_id = watch.engine.attempt("a").attempt_id
    now = watch.engine.clock.now()
    runs.cancel_run(watch.engine.database, "etl", "r1", now=now, message="cancelled by test")
    for _ in range(4):
        assert renew(watch.engine, attempt_id) == frozenset()
        assert watch.go(20) == []
    assert watch.engine.tries("a")[0].stopped_at is None


def test_what_no_worker_claimed_is_put_back_under_the_same_id(engine: Engine) -> None:
    watch = Watch(engine)
    watch.rescue.look()
    watch.go(1)
    assert [one for one in watch.recorder.restored if one] == []
    watch.go(1)
    assert watch.recorder.restored[-1] == {engine.attempt("a").attempt_id: "default"}
    claim(engine, "a")
    watch.go(1)
    assert watch.recorder.restored[-1] == {}


def test_a_scheduler_that_has_just_started_puts_back_at_once_what_the_one_before_it_left(engine: Engine) -> None:
    recorder = Recorder()
    engine.clock.move(timedelta(milliseconds=1))
    RemoteRescue(engine.database, {"thread": recorder}, engine.clock).look()
    assert recorder.restored == [{engine.attempt("a").attempt_id: "default"}]


def test_a_repeated_claim_renews_but_starts_nothing_twice(watch: Watch) -> None:
    again = claim(watch.engine, "a", token=TOKEN)
    assert again is not None
    assert claim(watch.engine, "a", token="b" * 64) is None
    watch.engine.run_until_idle()
    assert [one.state for one in watch.engine.events() if one.task_id == "a"] == ["queued", "running"]


def test_a_worker_is_shown_with_what_it_carries(watch: Watch) -> None:
    attempt_id = watch.engine.attempt("a").attempt_id
    renew(watch.engine, attempt_id)
    ((_, details),) = services.latest_heartbeats(
        watch.engine.database, kind="worker", since=watch.engine.clock.now() - timedelta(seconds=1)
    )
    assert details == {"queue": "default", "attempts": [attempt_id], "lease_seconds": float(LEASE_SECONDS)}
