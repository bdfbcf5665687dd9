"""The socket that the API is served on."""

import os
import socket

from mainspring_cli.config import Config, ConfigError

__all__ = ["listen"]


def listen(config: Config) -> socket.socket:
    """The listening socket of the API, taken before anything is started.

    The API inherits it, so a client that is early, or comes while the API is started again, waits instead of
    being refused.
    """
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    try:
        return socket.create_server((config.host, config.port), family=family, backlog=1024)
    except OSError as exc:
        # Its own text repeats the address.
        reason = os.strerror(exc.errno) if exc.errno else str(exc)
        raise ConfigError([f"port: cannot listen on {config.host}:{config.port}: {reason}; give another"]) from exc
