"""The socket that a server inherits."""

import socket

from mainspring_cli.services.listener import listen


def test_what_is_sent_on_a_connection_does_not_wait_for_more() -> None:
    """A head and a body sent apart would else be 40 ms apart on a kept connection."""
    with listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        connection, _ = listener.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
