"""A pass that fails is rolled back. The cause is logged, and the reports are applied again."""

import logging

import pytest

from mainspring.attempts import Finished, Outcome
from mainspring_store.scheduling.reports import ReportWrites
from tests.scheduler.engine import Engine


@pytest.fixture
def broken_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first write of ended attempts fails."""
    end_attempts, calls = ReportWrites.end_attempts, []

    def fail_once(*arguments: object) -> object:
        calls.append(1)
        if len(calls) == 1:
            raise ZeroDivisionError("broken once")
        return end_attempts(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(ReportWrites, "end_attempts", fail_once)


@pytest.mark.usefixtures("broken_once")
def test_the_first_error_is_logged_although_the_repeated_pass_succeeds(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    engine.trigger(engine.save("etl", {"a": {}}))
    engine.run_until_idle()
    attempt_id = engine.attempt("a").attempt_id
    with caplog.at_level(logging.WARNING, "mainspring_scheduler"):
        engine.executor.report(Finished(attempt_id=attempt_id, seq=1, at=engine.clock.now(), outcome=Outcome.SUCCESS))
        engine.run_until_idle()
    assert engine.states() == {"a": "success"}
    causes = [record.exc_info[1] for record in caplog.records if record.exc_info]
    assert [str(cause) for cause in causes] == ["broken once"]
