"""`mainspring up`: API and scheduler side by side, each a process of its own."""

import os
import socket
import sys

from mainspring_api.private_files import admin_token_path
from mainspring_cli.config import Config, check_exposure
from mainspring_cli.home import keep_admin_token, lock_home, prepare_home
from mainspring_cli.listener import listen
from mainspring_cli.supervisor import Service, supervise

__all__ = ["run_up"]

_STOP_SECONDS_BESIDES_GRACE = 35.0
"""For the requests in work, which gunicorn gives 30 s."""


def run_up(config: Config) -> int:
    """Serve until told to stop; returns the exit code.

    Raises:
        ConfigError: the home folder or the port cannot be had, or the address must not be served.
    """
    check_exposure(config)
    prepare_home(config.home)
    with lock_home(config.home), listen(config) as listener:
        _announce(config, port=listener.getsockname()[1])
        return supervise(
            _services(config, listener), stop_seconds=config.stop_grace_seconds + _STOP_SECONDS_BESIDES_GRACE
        )


def _services(config: Config, listener: socket.socket) -> list[Service]:
    own = [sys.executable, "-m", "mainspring_cli"]
    environment = {**os.environ, **config.to_environment()}
    # What the scheduler starts are users' tasks: it has no business with the administrator's token.
    without_token = {name: value for name, value in environment.items() if name != "MAINSPRING_ADMIN_TOKEN"}
    number = listener.fileno()
    return [
        Service(
            name="scheduler",
            command=[*own, "scheduler"],
            environment=without_token,
        ),
        Service(
            name="api",
            command=[*own, "api", "--listen-fd", str(number)],
            environment=environment,
            pass_fds=[number],
        ),
    ]


def _announce(config: Config, *, port: int) -> None:
    scheme = "https" if config.tls_certificate else "http"
    host = f"[{config.host}]" if ":" in config.host else config.host
    lines = [f"Mainspring serves {scheme}://{host}:{port}/api/v2 with executor {config.executor!r}"]
    lines.append(f"The admin token is in {admin_token_path(config.home)}")
    new_token = keep_admin_token(config)
    if new_token is not None:
        lines.append(f"It is new, and shown this once: {new_token}")
    print("\n".join(lines), flush=True)
