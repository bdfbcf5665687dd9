"""TCP ports for servers that must know theirs before they listen."""

import contextlib
import secrets
import socket

__all__ = ["free_port"]


def free_port() -> int:
    """A port on loopback that is free now, below those that the kernel gives to clients meanwhile."""
    while True:
        port = 20_000 + secrets.randbelow(10_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
