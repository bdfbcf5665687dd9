"""Attempts that remote workers carry: claimed, reported and applied through the database."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from mainspring.attempts import Finished, LogChunk, Started
from mainspring.errors import StoreUnavailable
from mainspring_executors.contract import Capabilities
from mainspring_scheduler import scheduler
from mainspring_store.scheduling import begin_pass
from mainspring_store.scheduling import worker_protocol as remote
from mainspring_store.state import runs
from tests.scheduler.engine import Engine

TOKEN = "a" * 64
REMOTE = Capabilities(hard_cancel=True, isolates_crash=True, survives_scheduler_restart=True)


@pytest.fixture
def engine(make_engine: Callable[..., Engine]) -> Engine:
    return make_engine(capabilities=REMOTE)


def claim(engine: Engine, task_id: str, token: str = TOKEN, *, is_ahead: bool = False) -> remote.Claimed | None:
    return remote.claim_attempt(engine.database, claim_request(engine, task_id, token, is_ahead=is_ahead))


def claim_request(engine: Engine, task_id: str, token: str = TOKEN, *, is_ahead: bool = False) -> remote.ClaimRequest:
    now = engine.clock.now()
    return remote.ClaimRequest(
        attempt_id=engine.attempt(task_id).attempt_id,
        token_hash=token,
        hostname="worker-1",
        at=now,
        lease_expires_at=now + timedelta(seconds=30),
        is_ahead=is_ahead,
    )


def release(engine: Engine, task_id: str, token: str = TOKEN) -> bool:
    return remote.release_attempt(engine.database, engine.attempt(task_id).attempt_id, token_hash=token)


def renew(engine: Engine, attempt_id: str, *, seconds: float = 30) -> frozenset[str]:
    now = engine.clock.now()
    worker = remote.Worker(incarnation="w1", hostname="worker-1", pid=1, version="1", queue="default", is_stopped=False)
    expires_at = now + timedelta(seconds=seconds)
    return remote.hear_worker(engine.database, worker, [attempt_id], lease_expires_at=expires_at, now=now)


def finish(engine: Engine, task_id: str, token: str = TOKEN, **body: Any) -> bool:
    attempt_id = engine.attempt(task_id).attempt_id
    report = {"at": engine.clock.now().isoformat(), "outcome": "success", **body}
    chunk = LogChunk(attempt_id=attempt_id, offset=0, data=b"hello\n", at=engine.clock.now())
    end = remote.End(attempt_id=attempt_id, token_hash=token, report=report, chunks=[chunk])
    is_held, _ = remote.finish_attempt(engine.database, end)
    return is_held


def test_an_attempt_is_claimed_once(engine: Engine) -> None:
    engine.trigger(engine.save("etl", {"a": {"env": {"DAY": "${{ ds }}"}}}))
    engine.run_until_idle()
    claimed = claim(engine, "a")
    assert claimed is not None
    assert (claimed.dag_id, claimed.run_id, claimed.try_number) == ("etl", "r1", 1)
    assert claimed.payload == {"command": ["true"], "env": {"DAY": "2026-03-01"}}
    assert claim(engine, "a", token="b" * 64) is None
    engine.run_until_idle()
    assert engine.states() == {"a": "running"}
    assert engine.tries("a")[0].hostname == "worker-1"


def test_a_constant_payload_is_stored_for_the_worker_too(engine: Engine) -> None:
    engine.trigger(engine.save("etl", {"a": {}}))
    engine.run_until_idle()
    claimed = claim(engine, "a")
    assert claimed is not None
    assert claimed.payload == {"command": ["true"]}


def test_a_remote_report_is_applied_once_however_often_it_is_sent(engine: Engine) -> None:
    engine.trigger(engine.save("etl", {"a": {}, "b": {"depends_on": ["a"]}}))
    engine.run_until_idle()
    claim(engine, "a")
    for _ in range(3):
        assert finish(engine, "a", outputs={"rows": 3})
        engine.run_until_idle()
    assert engine.states() == {"a": "success", "b": "queued"}
    assert [one.state for one in engine.events() if one.task_id == "a"] == ["queued", "running", "success"]


@pytest.mark.parametrize("place", ["scheduler.pass.reports-taken", "scheduler.pass.before-commit"])
def test_reports_that_a_broken_pass_had_taken_are_applied_by_the_next_one(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    engine.trigger(engine.save("etl", {"a": {}, "b": {"depends_on": ["a"]}}))
    engine.run_until_idle()
    claim(engine, "a")
    finish(engine, "a", outputs={"rows": 3})

    def break_at(reached: str) -> None:
        if reached == place:
            raise StoreUnavailable("the connection broke")

    with monkeypatch.context() as patch:
        patch.setattr(scheduler, "failpoint", break_at)
        with pytest.raises(StoreUnavailable):
            engine.scheduler.run_once(is_woken=True)
    engine.run_until_idle()
    assert engine.states() == {"a": "success", "b": "queued"}
    assert [one.state for one in engine.events() if one.task_id == "a"] == ["queued", "running", "success"]


def test_only_the_holder_of_the_token_may_report(engine: Engine) -> None:
    engine.trigger(engine.save("etl", {"a": {}}))
    engine.run_until_idle()
    claim(engine, "a")
    assert not finish(engine, "a", token="b" * 64)
    engine.run_until_idle()
    assert engine.states() == {"a": "running"}


def test_a_cancelled_attempt_is_not_renewed_and_its_end_is_noted(engine: Engine) -> None:
    engine.trigger(engine.save("etl", {"a": {}}))
    engine.run_until_idle()
    claim(engine, "a")
    engine.run_until_idle()
    attempt_id = engine.attempt("a").attempt_id
    assert renew(engine, attempt_id) == {attempt_id}
    runs.cancel_run(engine.database, "etl", "r1", now=engine.clock.now(), message="cancelled by test")
    assert renew(engine, attempt_id) == frozenset()
    assert finish(engine, "a", outcome="cancelled", reason="cancelled")
    engine.run_until_idle()
    assert engine.tries("a")[0].stopped_at is not None
    assert engine.states() == {"a": "failed"}


def test_a_cancelled_attempt_cannot_be_claimed(engine: Engine) -> None:
    engine.trigger(engine.save("etl", {"a": {}}))
    engine.run_until_idle()
    runs.cancel_run(engine.database, "etl", "r1", now=engine.clock.now(), message="cancelled by test")
    assert claim(engine, "a") is None


def test_an_attempt_that_is_claimed_ahead_starts_when_that_is_told(engine: Engine) -> None:
    engine.trigger(engine.save("etl", {"a": {}}))
    engine.run_until_idle()
    assert claim(engine, "a", is_ahead=True) is not None
    assert claim(engine, "a", token="b" * 64) is None
    engine.run_until_idle()
    assert engine.states() == {"a": "queued"}
    at = engine.clock.now() + timedelta(seconds=3)
    start = {"at": at.isoformat(), "hostname": "worker-1"}
    attempt_id = engine.attempt("a").attempt_id
    assert not remote.start_attempt(engine.database, attempt_id, start, token_hash="b" * 64)
    for _ in range(2):
        assert remote.start_attempt(engine.database, attempt_id, start, token_hash=TOKEN)
        engine.run_until_idle()
        assert engine.states() == {"a": "running"}
    assert engine.tries("a")[0].start_date == at
    assert finish(engine, "a")
    engine.run_until_idle()
    assert engine.states() == {"a": "success"}


def test_a_start_can_be_told_with_the_end(engine: Engine) -> None:
    engine.trigger(engine.save("etl", {"a": {}}))
    engine.run_until_idle()
    claim(engine, "a", is_ahead=True)
    at = engine.clock.now() + timedelta(seconds=3)
    report = {"at": (at + timedelta(seconds=1)).isoformat(), "outcome": "success"}
    attempt_id = engine.attempt("a").attempt_id
    start = {"at": at.isoformat(), "hostname": "worker-1"}
    end = remote.End(attempt_id=attempt_id, token_hash=TOKEN, report=report, start=start)
    assert remote.finish_attempt(engine.database, end)[0]
    engine.run_until_idle()
    assert engine.states() == {"a": "success"}
    assert [(one.start_date, one.end_date) for one in engine.tries("a")] == [(at, at + timedelta(seconds=1))]


def test_a_start_that_is_told_after_the_end_only_completes_the_record(engine: Engine) -> None:
    """The call was on its way for long, and its worker had repeated it with the end."""
    engine.trigger(engine.save("etl", {"a": {}, "b": {}}))
    engine.run_until_idle()
    claim(engine, "a", is_ahead=True)
    assert finish(engine, "a")
    engine.run_until_idle()
    before = (engine.states(), [row.state for row in engine.tries("a")], engine.events())
    start = {"at": engine.clock.now().isoformat(), "hostname": "worker-1"}
    assert remote.start_attempt(engine.database, engine.attempt("a").attempt_id, start, token_hash=TOKEN)
    engine.run_until_idle()
    assert (engine.states(), [row.state for row in engine.tries("a")], engine.events()) == before
    (row,) = engine.tries("a")
    assert (row.start_date, row.message) == (row.end_date, "its start was reported after its end")


def test_ends_are_exchanged_for_claims(engine: Engine) -> None:
    """Each for itself: what is not to be had, or was not held, keeps nothing from the others."""
    engine.trigger(engine.save("etl", {name: {} for name in "abcdef"}))
    engine.run_until_idle()
    for name in "abc":
        claim(engine, name, token="b" * 64 if name == "c" else TOKEN)
    claim(engine, "e", token="b" * 64)
    report = {"at": engine.clock.now().isoformat(), "outcome": "success"}
    ends = [remote.End(attempt_id=engine.attempt(name).attempt_id, token_hash=TOKEN, report=report) for name in "abc"]
    claim_requests = [claim_request(engine, name, is_ahead=True) for name in "fed"]
    for _ in range(2):  # the first answer was lost
        claimed = remote.report_and_claim(engine.database, ends, claim_requests)
        assert {one.attempt_id for one in claimed.values()} == {engine.attempt(name).attempt_id for name in "df"}
    engine.run_until_idle()
    assert engine.states() == {
        **dict.fromkeys("ab", "success"), **dict.fromkeys("ce", "running"), **dict.fromkeys("df", "queued"),
    }  # fmt: skip
    assert release(engine, "d")
    assert claim(engine, "d", token="b" * 64) is not None


def test_what_is_released_is_claimed_by_another(engine: Engine) -> None:
    engine.trigger(engine.save("etl", {"a": {}}))
    engine.run_until_idle()
    claim(engine, "a", is_ahead=True)
    assert not release(engine, "a", token="b" * 64)
    assert release(engine, "a")
    assert not release(engine, "a")
    assert not finish(engine, "a")
    assert claim(engine, "a", token="b" * 64) is not None
    assert not release(engine, "a")
    engine.run_until_idle()
    assert engine.states() == {"a": "running"}
    assert [one.state for one in engine.tries("a")] == ["running"]


def test_an_end_with_the_reason_of_a_later_version_is_applied_without_the_reason(engine: Engine) -> None:
    """During an upgrade, an execution API of the next version takes reports for a scheduler of this version."""
    engine.trigger(engine.save("etl", {"a": {}}))
    engine.run_until_idle()
    claim(engine, "a")
    assert finish(engine, "a", outcome="failed", reason="reason_of_a_later_version", message="why")
    engine.run_until_idle()
    assert engine.states() == {"a": "failed"}
    assert [(one.state, one.message) for one in engine.tries("a")] == [("failed", "why")]


@pytest.mark.parametrize("is_applied", [False, True], ids=["in-the-inbox", "applied"])
def test_what_has_started_is_not_released(engine: Engine, *, is_applied: bool) -> None:
    """A release that was on its way for long must not let a second worker in."""
    engine.trigger(engine.save("etl", {"a": {}}))
    engine.run_until_idle()
    claim(engine, "a", is_ahead=True)
    claim(engine, "a")
    if is_applied:
        engine.run_until_idle()
    assert not release(engine, "a")
    assert claim(engine, "a", token="b" * 64) is None
    engine.run_until_idle()
    assert engine.states() == {"a": "running"}


def test_one_scheduler_takes_all_reports_of_an_attempt(engine: Engine) -> None:
    """While one scheduler holds the start, another one does not take the end: it would be applied without a start."""
    if engine.database.is_sqlite:
        pytest.skip("schedulers write one after another on SQLite")
    engine.trigger(engine.save("etl", {"a": {}}))
    engine.run_until_idle()
    assert claim(engine, "a", is_ahead=True) is not None
    attempt_id = engine.attempt("a").attempt_id
    start = {"at": engine.clock.now().isoformat(), "hostname": "worker-1"}
    assert remote.start_attempt(engine.database, attempt_id, start, token_hash=TOKEN)
    with begin_pass(engine.database) as first:
        assert [type(report) for report in first.reports.take_remote(10)] == [Started]
        assert finish(engine, "a")
        with begin_pass(engine.database) as second:
            assert second.reports.take_remote(10) == []
    with begin_pass(engine.database) as second:
        assert [type(report) for report in second.reports.take_remote(10)] == [Finished]
