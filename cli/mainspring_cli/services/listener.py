"""The socket that the API is served on."""

import os
import socket

from mainspring_cli.config import ConfigError

__all__ = ["listen"]


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
    return listener
