"""`mainspring up`: API and scheduler side by side, each a process of its own."""

import os
import socket
import sys

from mainspring_cli.config import Config, ConfigError, check_exposure
from mainspring_cli.home import admin_token, lock_home, prepare_home, token_path
from mainspring_cli.supervisor import Service, supervise

__all__ = ["listen", "run_up"]


def run_up(config: Config) -> int:
    """Serve until told to stop; returns the exit code.

    Raises:
        ConfigError: the home folder or the port cannot be had, or the address must not be served.
    """
    check_exposure(config)
    prepare_home(config.home)
    with lock_home(config.home), listen(config) as listener:
        _announce(config, port=listener.getsockname()[1])
        return supervise(_services(config, listener))


def listen(config: Config) -> socket.socket:
    """The listening socket of the API, taken before anything is started.

    The API inherits it, so a client that is early, or comes while the API is started again, waits instead of
    being refused.
    """
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    try:
        return socket.create_server((config.host, config.port), family=family, backlog=1024)
    except OSError as exc:
        raise ConfigError(
            [f"port: cannot listen on {config.host}:{config.port}: {exc.strerror}; give another --port"]
        ) from exc


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
    if config.admin_token is None:
        token, is_new = admin_token(config.home)
        lines.append(f"The admin token is in {token_path(config.home)}")
        if is_new:
            lines.append(f"It is new, and shown this once: {token}")
    print("\n".join(lines), flush=True)
