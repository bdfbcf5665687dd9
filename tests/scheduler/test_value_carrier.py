"""The carrier of large values around an executor of this machine: what waits, what fails, what a close leaves."""

import select
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from time import monotonic
from typing import Any

import orjson
import pytest

from mainspring.attempts import Attempt, Finished, Outcome, Report, Stopped
from mainspring.errors import LogStoreUnavailable, StoreUnavailable
from mainspring.large_values import PIECE_BYTES, LargeValue, value_id
from mainspring.states import StateReason
from mainspring_executors.contract import AttemptLocation
from mainspring_executors.local.value_folder import ValueFolder
from mainspring_scheduler.duties import value_carrier
from mainspring_scheduler.duties.value_carrier import ValueCarrier
from mainspring_store.queries.large_values import read_value
from mainspring_store.resources.large_values import store_value
from tests.scheduler.engine import BOUND, Engine, ScriptedExecutor

TEXT = orjson.dumps("x" * (PIECE_BYTES + 1_000))


class Carried:
    """A carrier around a scripted executor, and the try of task `a` in the database."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        engine.trigger(engine.save("etl", {"a": {}, "b": {"depends_on": ["a"]}}))
        engine.run_until_idle()
        self.engine = engine
        self.order = engine.attempt("a")
        self.value = LargeValue(
            id=value_id(self.order.attempt_id, "big"), name="big", bytes=len(TEXT), sha256=sha256(TEXT).hexdigest(),
            kind="string", excerpt='"xx',
        )  # fmt: skip
        self.inner = ScriptedExecutor(engine.clock, 8, BOUND)
        self.folder = ValueFolder(folder)
        self.reports: list[Report] = []
        self.carrier = ValueCarrier(self.inner, engine.database, self.folder)

    def handed(self) -> Attempt:
        """An attempt that is handed the value."""
        payload = {"callable": "m:f", "args": [None]}
        return replace(self.order, attempt_id="b" * 32, payload=payload, values={"/args/0": self.value})

    def store(self) -> None:
        pieces = [TEXT[:PIECE_BYTES], TEXT[PIECE_BYTES:]]
        store_value(self.engine.database, self.order.attempt_id, self.value, pieces, self.engine.clock.now())

    def end(self, text: bytes = TEXT) -> Finished:
        """The end of the try of task `a`, with its output in a file."""
        path = self.folder.path / "out-value"
        path.write_bytes(text)
        return Finished(
            attempt_id=self.order.attempt_id, seq=2, at=self.engine.clock.now(), outcome=Outcome.SUCCESS,
            large={"big": replace(self.value, path=str(path))},
        )  # fmt: skip

    def until(self, condition: Callable[[], Any]) -> None:
        """Take in reports until a condition holds."""
        deadline = monotonic() + 10
        while not condition():
            assert monotonic() < deadline
            self.reports += self.carrier.reports(0)
            select.select([self.carrier.fileno()], [], [], 0.02)

    def next_reports(self) -> list[Report]:
        """The reports that come next together."""
        self.until(lambda: self.reports)
        reports, self.reports = self.reports, []
        return reports

    def files(self) -> list[str]:
        return sorted(path.name for path in self.folder.path.iterdir())


@pytest.fixture
def carried(engine: Engine, tmp_path: Path) -> Iterator[Carried]:
    carried = Carried(engine, tmp_path / "state")
    yield carried
    carried.carrier.close(timedelta(0))
    assert not carried.folder.path.exists()


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(value_carrier, "RETRY_SECONDS", 0.01)


def test_an_attempt_waits_for_its_values_and_others_do_not(carried: Carried) -> None:
    carried.store()
    carried.carrier.submit([carried.handed(), carried.order])
    assert list(carried.inner.submitted) == [carried.order.attempt_id]
    assert carried.carrier.recover(["b" * 32])["b" * 32] is AttemptLocation.QUEUED
    assert carried.carrier.capacity() == 6
    carried.until(lambda: "b" * 32 in carried.inner.submitted)
    path = carried.inner.submitted["b" * 32].values["/args/0"].path
    assert Path(path or "").read_bytes() == TEXT
    assert Path(path or "").stat().st_mode & 0o077 == 0
    ended = Finished(attempt_id="b" * 32, seq=2, at=carried.engine.clock.now(), outcome=Outcome.SUCCESS)
    carried.inner.report(ended)
    assert carried.next_reports() == [ended]
    carried.until(lambda: carried.files() == [])


def test_an_end_waits_until_its_output_is_stored_and_later_reports_follow_it(carried: Carried) -> None:
    end = replace(carried.end(), still_running=True)
    stopped = Stopped(attempt_id=end.attempt_id, seq=3, at=end.at)
    carried.inner.report(end, stopped)
    reports = carried.next_reports()
    assert reports == [replace(end, large={"big": carried.value}), stopped]
    assert read_value(carried.engine.database, carried.value) == TEXT
    assert carried.files() == []


def test_an_outage_of_the_database_loses_no_output(carried: Carried, monkeypatch: pytest.MonkeyPatch) -> None:
    failures = 3
    original = value_carrier.store_value

    def failing(*arguments: Any) -> None:
        nonlocal failures
        if failures:
            failures -= 1
            # After the first piece: the repetition sends the piece again.
            database, attempt_id, value, pieces, now = arguments
            original(database, attempt_id, value, [next(iter(pieces))], now)
            raise StoreUnavailable("the database is away")
        original(*arguments)

    monkeypatch.setattr(value_carrier, "store_value", failing)
    carried.inner.report(carried.end())
    assert carried.carrier.reports(0) == []
    assert carried.carrier.recover([carried.order.attempt_id])[carried.order.attempt_id] is AttemptLocation.FINISHED
    (report,) = carried.next_reports()
    assert isinstance(report, Finished)
    assert report.outcome is Outcome.SUCCESS
    assert read_value(carried.engine.database, carried.value) == TEXT


def test_an_outage_of_the_log_store_holds_up_only_who_needs_it(
    carried: Carried, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any) -> Iterator[bytes]:
        raise LogStoreUnavailable("the store is away")

    monkeypatch.setattr(value_carrier, "value_pieces", away)
    carried.carrier.submit([carried.handed()])
    carried.inner.report(carried.end())
    carried.next_reports()
    assert carried.carrier.recover(["b" * 32])["b" * 32] is AttemptLocation.QUEUED
    monkeypatch.undo()
    carried.until(lambda: "b" * 32 in carried.inner.submitted)


def test_a_cancelled_attempt_does_not_start_when_its_values_arrive(carried: Carried) -> None:
    carried.store()
    carried.carrier.submit([carried.handed()])
    carried.carrier.cancel(["b" * 32])
    (report,) = carried.next_reports()
    assert isinstance(report, Finished)
    assert report.outcome is Outcome.CANCELLED
    carried.until(lambda: carried.files() == [])
    assert carried.inner.submitted == {}


def test_a_value_that_is_gone_ends_the_attempt_with_the_cure(carried: Carried) -> None:
    carried.carrier.submit([carried.handed()])
    (report,) = carried.next_reports()
    assert isinstance(report, Finished)
    assert (report.outcome, report.reason) == (Outcome.FAILED, StateReason.REJECTED)
    assert "clear this task" in (report.message or "")


@pytest.mark.parametrize("text", [TEXT[:-2] + b'y"', TEXT + b" "], ids=["other bytes", "longer"])
def test_a_file_that_a_task_changed_is_no_output(carried: Carried, text: bytes) -> None:
    carried.inner.report(carried.end(text))
    (report,) = carried.next_reports()
    assert isinstance(report, Finished)
    assert (report.outcome, report.reason, report.large) == (Outcome.FAILED, StateReason.OUTPUT_INVALID, {})


def test_a_close_interrupts_what_waits_and_stores_what_has_ended(carried: Carried) -> None:
    carried.carrier.submit([carried.handed()])
    carried.inner.report(carried.end())
    carried.carrier.close(timedelta(0))
    outcomes = {report.attempt_id: report.outcome for report in carried.carrier.reports(0)}  # type: ignore[union-attr]
    assert outcomes["b" * 32] in (Outcome.INTERRUPTED, Outcome.FAILED)
    assert outcomes[carried.order.attempt_id] is Outcome.SUCCESS
    assert read_value(carried.engine.database, carried.value) == TEXT
