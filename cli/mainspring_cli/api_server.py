"""The API in gunicorn: a process that keeps workers alive, and workers with many threads each."""

from collections.abc import Mapping
from types import FrameType
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.workers.gthread import ThreadWorker

from mainspring_api import ApiSettings
from mainspring_cli.config import Config

__all__ = ["ApiServer"]

_POSTGRESQL_PROCESSES = 2


class ApiServer(BaseApplication):  # type: ignore[misc]
    """Serves the API on a socket that listens already. `run` ends the process, not only the call."""

    def __init__(self, config: Config, settings: ApiSettings, *, listen_fd: int) -> None:
        self._config = config
        self._settings = settings
        self._listen_fd = listen_fd
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._gunicorn_settings().items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Make the application. Called in each worker, so that nothing is opened before the fork."""
        from mainspring_api.app import create_app
        from mainspring_cli.services import upgrade_database

        upgrade_database(self._config)
        return create_app(self._settings)

    def _gunicorn_settings(self) -> Mapping[str, Any]:
        config = self._config
        # One writer at a time is SQLite's limit: a second process would only wait for the first.
        processes = config.api_processes or (1 if config.is_sqlite else _POSTGRESQL_PROCESSES)
        return {
            "bind": f"fd://{self._listen_fd}",
            "worker_class": _Worker,
            "workers": processes,
            "threads": config.api_threads,
            "graceful_timeout": 30,
            "keepalive": 5,
            # Its default is a socket in the user's home folder, shared by all instances of one user.
            "control_socket_disable": True,
            "loglevel": config.log_level if config.log_level in ("debug", "error") else "warning",
            "certfile": config.tls_certificate and str(config.tls_certificate),
            "keyfile": config.tls_key and str(config.tls_key),
            # Nobody's word on the client's address is taken unless a proxy is said to be there.
            "forwarded_allow_ips": "127.0.0.1,::1" if config.behind_proxy else "",
        }


class _Worker(ThreadWorker):  # type: ignore[misc]
    """Answers those who wait for a run when it is told to stop, instead of being held up by them."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        from mainspring_api.app import end_waits

        super().handle_exit(sig, frame)
        end_waits(self.wsgi)
