"""The API of a test in a process of its own, behind gunicorn on loopback."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.acceptance.server import descendants
from tests.api.harness import Api
from tests.services.environment import child_environment

PROGRAM = """
import sys
from pathlib import Path
from gunicorn.app.base import BaseApplication
from mainspring_api import ApiSettings
from mainspring_api.app import create_app, end_waits
from mainspring_cli.connections.polling_worker import PollingWorker

url, home, descriptor, processes, waits = sys.argv[1:]

class Worker(PollingWorker):
    application = None

    def handle_exit(self, sig, frame):
        super().handle_exit(sig, frame)
        if self.application is not None:
            self.loop_of_answers.call(lambda: end_waits(self.application))

class Server(BaseApplication):
    def load_config(self):
        settings = {"bind": f"fd://{descriptor}", "worker_class": Worker, "threads": 8, "workers": int(processes),
                    "loglevel": "error",
                    "control_socket_disable": True, "graceful_timeout": 30}
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self):
        return create_app(ApiSettings(database_url=url, home=Path(home), version="1.2.3", waits_max=int(waits)))

Server().run()
"""


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server that runs."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def kill(self, pid: int) -> None:
        """Kill one of its processes."""
        assert pid in descendants(self.process.pid)
        os.kill(pid, signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to end and wait until it has."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(40) == 0


@contextmanager
def serve(api: Api, *, processes: int = 1, waits_max: int = 16) -> Iterator[Server]:
    """Serve the database of `api` with its tokens. waits_max: of each process; a principal may take a quarter."""
    settings = api.app.extensions["mainspring"].settings
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port, descriptor = listener.getsockname()[1], listener.fileno()
        command = [sys.executable, "-c", PROGRAM, settings.database_url, str(settings.home), str(descriptor)]
        command += [str(processes), str(waits_max)]
        process = subprocess.Popen(command, env=child_environment(), pass_fds=[descriptor], start_new_session=True)
    # The socket listens since before the start, so the first request simply waits until it is served.
    server = Server(port=port, process=process)
    try:
        yield server
    finally:
        server.stop()
