"""The socket that the API is served on."""

import os
import socket
import struct

from mainspring_cli.config import ConfigError

__all__ = ["SILENCE_SECONDS_MAX", "listen"]

SILENCE_SECONDS_MAX = 5
"""How long a client may send nothing within a request. Between two requests, and while it waits for an answer, nothing
is expected of it."""


def listen(host: str, port: int, *, setting: str = "port") -> socket.socket:
    """The listening socket of a server, taken before anything is started.

    The server inherits it, so a client that is early, or comes while the server is started again, waits instead of
    being refused.

    Raises:
        ConfigError: It cannot be had; names `setting`.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=1024)
    except OSError as exc:
        # Its own text repeats the address.
        reason = os.strerror(exc.errno) if exc.errno else str(exc)
        raise ConfigError([f"{setting}: cannot listen on {host}:{port}: {reason}; give another"]) from exc
    # Inherited by each connection: gunicorn sends head and body of an answer apart, and on a kept connection the body
    # would wait up to 40 ms for the client's acknowledgement of the head.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # Inherited too. gunicorn reads a request without a time limit, so clients that fall silent within one, as all do
    # when their network is cut, would hold its threads for good.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", SILENCE_SECONDS_MAX, 0))
    return listener
