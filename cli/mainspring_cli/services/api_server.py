"""The API in gunicorn."""

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
    """Answers those who wait for a run when it is told to stop, instead of being held up by them."""

    application: PatientApp | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        # It may be told so while it still loads the application, and its modules.
        if self.application is not None and self.application.app is not None:
            from mainspring_api.app import end_waits

            end_waits(self.application.app)
