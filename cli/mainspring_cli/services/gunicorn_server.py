"""What the API and the execution API share: a Flask application in gunicorn, on a socket that listens already."""

import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from time import monotonic
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.workers.gthread import ThreadWorker

from mainspring_cli.config import Config
from mainspring_cli.services.database import prepare_database
from mainspring_cli.services.startup_app import PatientApp

__all__ = ["GunicornServer", "SteadyWorker", "processes"]

_POSTGRESQL_PROCESSES = 2
_PARTING_SECONDS_MAX = 2.0


class SteadyWorker(ThreadWorker):  # type: ignore[misc]
    """Lets no silent client hold up the others."""

    def handle(self, conn: Any) -> Any:
        """In a thread of its own."""
        goes_on = self.answer(conn)
        if not goes_on:
            _part_from(conn.sock)
        return goes_on

    def answer(self, conn: Any) -> Any:
        """Answer one request. True: the connection is kept for another; anything else is gunicorn's affair."""
        return super().handle(conn)


def _part_from(client: socket.socket) -> None:
    """Wait for a client to take its answer and end the connection. gunicorn would do so in the loop that serves all."""
    deadline = monotonic() + _PARTING_SECONDS_MAX
    with suppress(OSError):
        client.shutdown(socket.SHUT_WR)
        while (patience := deadline - monotonic()) > 0:
            client.settimeout(patience)
            if not client.recv(65536):
                break
    with suppress(OSError):
        client.shutdown(socket.SHUT_RD)


class GunicornServer(BaseApplication):  # type: ignore[misc]
    """A process that keeps workers alive, and workers with many threads each. `run` ends the process, not only the
    call."""

    def __init__(
        self, config: Config, make_app: Callable[[], Flask], *, listen_fd: int, settings: Mapping[str, Any]
    ) -> None:
        """make_app: called in each worker, so that nothing is opened before the fork.
        settings: of gunicorn, besides those that both servers have.
        """
        self._config = config
        self._make_app = make_app
        self._settings = {**_shared_settings(config, listen_fd), **settings}
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._settings.items():
            self.cfg.set(name, value)

    def load(self) -> PatientApp:
        return PatientApp(self._open)

    def _open(self) -> Flask:
        prepare_database(self._config)
        return self._make_app()


def processes(config: Config, wanted: int | None = None) -> int:
    """How many processes serve. One writer at a time is SQLite's limit: a second one would only wait for the first."""
    return wanted or (1 if config.is_sqlite else _POSTGRESQL_PROCESSES)


def _shared_settings(config: Config, listen_fd: int) -> Mapping[str, Any]:
    return {
        "bind": f"fd://{listen_fd}",
        # Its default is a socket in the user's home folder, shared by all instances of one user.
        "control_socket_disable": True,
        "loglevel": config.log_level if config.log_level in ("debug", "error") else "warning",
        "certfile": config.tls_certificate and str(config.tls_certificate),
        "keyfile": config.tls_key and str(config.tls_key),
        # Only configured proxies may say that the client spoke TLS.
        "forwarded_allow_ips": ",".join(config.proxies),
    }
