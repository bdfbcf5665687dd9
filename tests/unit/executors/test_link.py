"""The process host's two sockets."""

import selectors
import socket
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import orjson
import pytest

from mainspring_executors.host.sockets import Link
from mainspring_executors.protocol.frames import FrameReader, frame


class Ends:
    """A link, and the scheduler's ends of its sockets."""

    def __init__(self) -> None:
        self.control, control = socket.socketpair()
        self.logs, logs = socket.socketpair()
        self.selector = selectors.DefaultSelector()
        self.link = Link(control, logs, epoch="e", selector=self.selector)
        self.obeyed: list[Any] = []
        self.link.listen(FrameReader(), self._obey)
        self._theirs = (control, logs)

    def _obey(self, messages: Sequence[Any]) -> None:
        self.obeyed += messages

    def turn(self) -> None:
        for key, _ in self.selector.select(1.0):
            key.data()

    def close(self) -> None:
        for sock in (self.control, self.logs, *self._theirs):
            sock.close()
        self.selector.close()


@pytest.fixture
def ends() -> Iterator[Ends]:
    made = Ends()
    yield made
    made.close()


def test_the_reports_of_one_round_are_one_frame(ends: Ends) -> None:
    for message in (b'["a"]', b'["b"]'):
        ends.link.report(message)
    ends.link.send()
    (payload,) = FrameReader().feed(ends.control.recv(1_000))
    assert orjson.loads(payload) == ["e", ["a"], ["b"]]


def test_a_report_with_patience_goes_out_with_the_next_one(ends: Ends) -> None:
    ends.link.report(b'["started"]', patience=60.0)
    ends.link.send()
    ends.control.setblocking(False)
    with pytest.raises(BlockingIOError):
        ends.control.recv(1)
    ends.link.report(b'["finished"]')
    ends.link.send()
    (payload,) = FrameReader().feed(ends.control.recv(1_000))
    assert orjson.loads(payload) == ["e", ["started"], ["finished"]]


def test_a_report_with_patience_goes_out_when_its_time_has_come(ends: Ends) -> None:
    ends.link.report(b'["started"]', patience=0.001)
    while ends.link.send_at != float("inf"):
        ends.link.send()
    (payload,) = FrameReader().feed(ends.control.recv(1_000))
    assert orjson.loads(payload) == ["e", ["started"]]
    assert ends.link.send_at == float("inf")


def test_messages_are_obeyed_in_order(ends: Ends) -> None:
    ends.control.sendall(frame(b'[["cancel","1"],["ping"]]') + frame(b'[["close",1]]'))
    before = ends.link.heard_at
    ends.turn()
    assert ends.obeyed == [["cancel", "1"], ["ping"], ["close", 1]]
    assert ends.link.heard_at >= before


def close_control(ends: Ends) -> None:
    ends.control.close()


def close_logs(ends: Ends) -> None:
    ends.logs.close()


@pytest.mark.parametrize("close", [close_control, close_logs], ids=["control", "logs"])
@pytest.mark.parametrize("how", ["read", "write"])
def test_the_end_of_the_scheduler_is_noticed_by_reading_and_by_writing(
    ends: Ends, close: Callable[[Ends], None], how: str
) -> None:
    close(ends)
    if how == "read":
        ends.turn()
    else:
        ends.link.report(b"[]")
        ends.link.log(b"x")
        ends.link.send()
    assert ends.link.is_deserted
    ends.link.report(b"[]")
    ends.link.log(b"x")
    ends.link.send()
    ends.link.drain()


def test_what_the_scheduler_does_not_take_waits_and_says_how_much_it_is(ends: Ends) -> None:
    chunk = bytes(1_000_000)
    ends.link.log(chunk)
    ends.link.send()
    assert 0 < ends.link.log_backlog_bytes < len(chunk)
    ends.link.report(b"[]")
    ends.link.send()
    assert ends.control.recv(100), "a report does not wait behind the log"
    reader, received = FrameReader(), b""
    while ends.link.log_backlog_bytes:
        received += b"".join(reader.feed(ends.logs.recv(1_000_000)))
        ends.link.send()
    while not reader.is_between_frames:
        received += b"".join(reader.feed(ends.logs.recv(1_000_000)))
    assert received == chunk
