"""How long a command goes on without an answer of the server."""

from types import ModuleType
from typing import Any, cast

import pytest

from mainspring_cli.client import following
from mainspring_cli.client.exits import Unreachable
from mainspring_cli.client.following import Patience, await_end, start_run
from mainspring_cli.client.session import Session


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr(following.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(following.time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    return now


def test_the_time_inside_a_request_is_no_silence(clock: list[float]) -> None:
    patience = Patience(reach_seconds=5.0)
    clock[0] += 20.0
    patience.pause(Unreachable("cut off"))
    assert clock[0] == pytest.approx(20.2)


def test_a_silence_ends_the_patience_and_an_answer_renews_it(clock: list[float]) -> None:
    patience = Patience(reach_seconds=5.0)
    for _ in range(2):
        begin = clock[0]
        with pytest.raises(Unreachable):
            _ask_for_ever(patience)
        assert 5.0 <= clock[0] - begin < 10.0
        patience.answered()


def test_no_patience_is_none(clock: list[float]) -> None:
    with pytest.raises(Unreachable):
        Patience(reach_seconds=0.0).pause(Unreachable("refused"))


class Scripted:
    """A session that gives scripted answers, each after some seconds."""

    def __init__(self, clock: list[float], *answers: tuple[str, float, dict[str, Any] | Unreachable]) -> None:
        """answers: last word of the operation, seconds until the answer, the answer."""
        self._clock = clock
        self._answers = list(answers)

    def call(self, operation: ModuleType, *_arguments: Any, **_options: Any) -> Any:
        expected, seconds, answer = self._answers.pop(0)
        assert operation.__name__.rpartition("_")[2] == expected
        self._clock[0] += seconds
        if isinstance(answer, Unreachable):
            raise answer
        return answer


RUNNING = {"dag_id": "etl", "dag_run_id": "one", "state": "running", "state_reason": None}
BUSY = Unreachable("busy")


def test_a_refused_trigger_is_no_part_of_a_later_silence(clock: list[float]) -> None:
    end = {**RUNNING, "state": "success"}
    steps = [("run", 0.1, BUSY), ("run", 4.0, RUNNING), ("finished", 2.0, BUSY), ("run", 0.1, end)]
    session = cast(Session, Scripted(clock, *steps))
    patience = Patience(reach_seconds=5.0)
    run = start_run(session, "etl", {"dag_run_id": "one"}, patience)
    assert await_end(session, "etl", run["dag_run_id"], patience) == end


def test_a_wait_that_is_refused_at_the_deadline_tells_the_state_of_the_run(clock: list[float]) -> None:
    session = cast(Session, Scripted(clock, ("finished", 11.0, BUSY), ("run", 0.1, RUNNING)))
    assert await_end(session, "etl", "one", Patience(reach_seconds=5.0, deadline=10.0)) == RUNNING


def _ask_for_ever(patience: Patience) -> None:
    while True:
        patience.pause(Unreachable("refused"))
