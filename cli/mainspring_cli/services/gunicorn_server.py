"""What the API and the execution API share: a Flask application in gunicorn, on a socket that listens already."""

import gc
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from mainspring_cli.config import Config
from mainspring_cli.services.database import prepare_database
from mainspring_cli.services.descriptors import connections_max, raise_descriptor_limit
from mainspring_cli.services.logs import own_formatter
from mainspring_cli.services.startup_app import PatientApp

__all__ = ["GunicornLogger", "GunicornServer", "processes"]

_POSTGRESQL_PROCESSES = 2


class GunicornLogger(Logger):  # type: ignore[misc]
    """gunicorn's logger, in the form of the log of the service."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        formatter = own_formatter()
        if formatter is not None:
            for handler in self.error_log.handlers:
                handler.setFormatter(formatter)


class GunicornServer(BaseApplication):  # type: ignore[misc]
    """A process that keeps workers alive, and workers with many threads each. `run` ends the process, not only the
    call."""

    def __init__(
        self,
        config: Config,
        make_app: Callable[[], Flask],
        *,
        app_module: str,
        listen_fd: int,
        settings: Mapping[str, Any],
    ) -> None:
        """make_app: called in each worker, so that no connection is opened before the fork. app_module: imported before
        the fork, with the database driver, so that the workers share the memory of the code. settings: further settings
        of gunicorn for this server.
        """
        self._config = config
        self._make_app = make_app
        self._app_module = app_module
        raise_descriptor_limit()
        self._settings = {**_shared_settings(config, listen_fd), **settings}
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._settings.items():
            self.cfg.set(name, value)

    def run(self) -> None:
        import_module(self._app_module)
        _import_database_driver(self._config.store_url)
        # A collection in a worker would write to each object, and so copy the memory that the processes share.
        gc.collect()
        gc.freeze()
        super().run()

    def load(self) -> PatientApp:
        return PatientApp(self._open)

    def _open(self) -> Flask:
        prepare_database(self._config)
        return self._make_app()


def processes(config: Config, count: int | None = None) -> int:
    """How many processes serve. One writer at a time is SQLite's limit: a second one would only wait for the first."""
    return count or (1 if config.is_sqlite else _POSTGRESQL_PROCESSES)


def _import_database_driver(url: str) -> None:
    from sqlalchemy import make_url

    make_url(url).get_dialect().import_dbapi()


def _shared_settings(config: Config, listen_fd: int) -> Mapping[str, Any]:
    return {
        "bind": f"fd://{listen_fd}",
        # Of one process. The worker's own caps hold long before, for clients without a credential.
        "worker_connections": connections_max(),
        # Its default is a socket in the user's home folder, shared by all instances of one user.
        "control_socket_disable": True,
        "logger_class": GunicornLogger,
        "loglevel": config.log_level if config.log_level in ("debug", "error") else "warning",
        "certfile": config.tls_certificate and str(config.tls_certificate),
        "keyfile": config.tls_key and str(config.tls_key),
        # Only configured proxies may report that the client used TLS.
        "forwarded_allow_ips": ",".join(config.proxies),
    }
