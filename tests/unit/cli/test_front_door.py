"""How the execution API finds out whether workers are answered in time."""

import socket
import threading
from pathlib import Path

import pytest

from mainspring_cli.config import Config
from mainspring_cli.services.execution_server import _front_door


def test_a_server_that_gives_no_answer_does_not_serve(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        is_served = _front_door(Config(home=tmp_path, lease_seconds=2), listener.getsockname())
        assert not is_served()
    assert not is_served(), "with no server there"


@pytest.mark.parametrize(("status", "expected"), [(b"200 OK", True), (b"503 Service Unavailable", False)])
def test_a_server_serves_when_it_says_that_it_is_well(tmp_path: Path, status: bytes, expected: bool) -> None:
    def answer() -> None:
        connection, _ = listener.accept()
        with connection:
            assert connection.recv(1000).startswith(b"GET /execution/v1/health ")
            connection.sendall(b"HTTP/1.1 %b\r\nContent-Length: 0\r\n\r\n" % status)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=answer)
        server.start()
        is_served = _front_door(Config(home=tmp_path, lease_seconds=30), listener.getsockname())
        assert is_served() is expected
        server.join()
