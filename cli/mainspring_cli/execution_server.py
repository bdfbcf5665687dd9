"""The execution API in a gunicorn of its own, so that clients who wait cannot starve workers."""

from flask import Flask

from mainspring_api.execution import ExecutionSettings
from mainspring_cli.config import Config
from mainspring_cli.gunicorn_server import GunicornServer, processes

__all__ = ["execution_server"]

THREADS = 16


def execution_server(config: Config, settings: ExecutionSettings, *, listen_fd: int) -> GunicornServer:
    """The execution API on a socket that listens already."""

    def make_app() -> Flask:
        from mainspring_api.execution import create_execution_app

        return create_execution_app(settings)

    return GunicornServer(
        config,
        make_app,
        listen_fd=listen_fd,
        settings={
            "worker_class": "gthread",
            "workers": processes(config),
            "threads": THREADS,
            "graceful_timeout": 10,
            # A worker speaks at least once in each beat; its connection is kept between two.
            "keepalive": 60,
            **({} if config.has_execution_tls else {"certfile": None, "keyfile": None}),
        },
    )
