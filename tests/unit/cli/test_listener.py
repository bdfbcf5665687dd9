"""The socket that a server inherits."""

import socket

import pytest

from mainspring_cli.services import listener as module
from mainspring_cli.services.listener import listen


def test_what_is_sent_on_a_connection_does_not_wait_for_more() -> None:
    """A head and a body sent apart would else be 40 ms apart on a kept connection."""
    with listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        connection, _ = listener.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1


def test_a_client_that_falls_silent_within_a_request_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SILENCE_SECONDS_MAX", 1)
    with listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()) as client:
        client.sendall(b"POST")
        connection, _ = listener.accept()
        with connection:
            connection.setblocking(True)
            assert connection.recv(100) == b"POST"
            with pytest.raises(BlockingIOError):
                connection.recv(100)
