"""The API in gunicorn."""

from functools import partial
from types import FrameType

from flask import Flask

from mainspring_api import ApiSettings
from mainspring_cli.config import Config
from mainspring_cli.connections.polling_worker import PollingWorker
from mainspring_cli.services.gunicorn_server import GunicornServer, processes
from mainspring_cli.services.startup_app import PatientApp

__all__ = ["ApiWorker", "api_server"]


def api_server(config: Config, settings: ApiSettings, *, listen_fd: int) -> GunicornServer:
    """The API on a socket that listens already."""

    def make_app() -> Flask:
        from mainspring_api.app import create_app

        return create_app(settings)

    return GunicornServer(
        config,
        make_app,
        app_module="mainspring_api.app",
        listen_fd=listen_fd,
        settings={
            "worker_class": ApiWorker,
            "workers": processes(config, config.api_processes),
            "threads": config.api_threads,
            "graceful_timeout": 30,
            "keepalive": 5,
        },
    )


class ApiWorker(PollingWorker):
    """At a stop signal the worker answers requests that wait for a run, so that they do not delay the stop."""

    application: PatientApp | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        # The signal may come while the worker still loads the application and its modules.
        if self.application is not None and self.application.app is not None:
            from mainspring_api.app import end_waits

            # In the loop, not amid what the signal interrupts, which may hold a lock.
            self.loop_of_answers.call(partial(end_waits, self.application.app))
