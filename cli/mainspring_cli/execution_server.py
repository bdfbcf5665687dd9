"""The execution API in a gunicorn of its own, so that clients who wait cannot starve workers."""

from collections.abc import Mapping
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from mainspring_api.execution import ExecutionSettings
from mainspring_cli.config import Config

__all__ = ["ExecutionServer"]

THREADS = 16
_POSTGRESQL_PROCESSES = 2


class ExecutionServer(BaseApplication):  # type: ignore[misc]
    """Serves the execution API on a socket that listens already. `run` ends the process, not only the call."""

    def __init__(self, config: Config, settings: ExecutionSettings, *, listen_fd: int) -> None:
        self._config = config
        self._settings = settings
        self._listen_fd = listen_fd
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._gunicorn_settings().items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Make the application. Called in each worker, so that nothing is opened before the fork."""
        from mainspring_api.execution import create_execution_app
        from mainspring_cli.services import upgrade_database

        upgrade_database(self._config)
        return create_execution_app(self._settings)

    def _gunicorn_settings(self) -> Mapping[str, Any]:
        config = self._config
        return {
            "bind": f"fd://{self._listen_fd}",
            "worker_class": "gthread",
            "workers": 1 if config.is_sqlite else _POSTGRESQL_PROCESSES,
            "threads": THREADS,
            "graceful_timeout": 10,
            # A worker speaks at least once in each beat; its connection is kept between two.
            "keepalive": 60,
            "control_socket_disable": True,
            "loglevel": config.log_level if config.log_level in ("debug", "error") else "warning",
            "certfile": config.tls_certificate and str(config.tls_certificate),
            "keyfile": config.tls_key and str(config.tls_key),
            "forwarded_allow_ips": "127.0.0.1,::1" if config.behind_proxy else "",
        }
