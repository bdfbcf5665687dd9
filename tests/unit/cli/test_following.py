"""How long a command goes on without an answer of the server."""

import pytest

from mainspring_cli.client import following
from mainspring_cli.client.exits import Unreachable
from mainspring_cli.client.following import Patience


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


def _ask_for_ever(patience: Patience) -> None:
    while True:
        patience.pause(Unreachable("refused"))
