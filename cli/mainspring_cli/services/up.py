"""`mainspring up`: API and scheduler side by side, each a process of its own."""

import os
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from mainspring_api.http.credential_files import admin_token_path
from mainspring_cli.config import (
    Config,
    ConfigError,
    check_execution_exposure,
    check_exposure,
    check_identity,
    is_loopback,
    secret_file_variables,
)
from mainspring_cli.services.commands import worker_services
from mainspring_cli.services.home import keep_admin_token, lock_home, prepare_home
from mainspring_cli.services.listener import listen
from mainspring_cli.services.logs import log_to_stderr
from mainspring_cli.services.page_announcement import announce_page
from mainspring_cli.services.supervisor import Service, supervise

__all__ = ["run_up"]

_STOP_SECONDS_BESIDES_GRACE = 35.0
"""For the requests in work, which gunicorn gives 30 s."""


def run_up(config: Config) -> int:
    """Serve until told to stop; returns the exit code.

    Raises:
        ConfigError: the home folder or the port cannot be had, or the address must not be served.
    """
    check_exposure(config)
    check_identity(config)
    if "rq" in config.executor:
        check_execution_exposure(config)
    prepare_home(config.home)
    if config.log_format == "json":
        log_to_stderr(level=config.log_level, log_format=config.log_format, service="supervisor")
    with ExitStack() as stack:
        stack.enter_context(lock_home(config.home))
        listener = stack.enter_context(listen(config.host, config.port))
        _announce(config, port=listener.getsockname()[1])
        services = _services(config, listener)
        if "rq" in config.executor:
            execution = listen(config.execution_host, config.execution_port, setting="execution_port")
            services += _remote_services(config, stack.enter_context(execution))
        return supervise(services, stop_seconds=config.stop_grace_seconds + _STOP_SECONDS_BESIDES_GRACE)


_OF_THE_API = ("MAINSPRING_ADMIN_TOKEN", "MAINSPRING_ADMIN_PASSWORD")
"""Secrets that no other service gets: the others start users' tasks, or talk to workers."""
_WITHOUT_SECRETS: Mapping[str, Any] = dict.fromkeys(("admin_token", "admin_password", "migrator_database_url"))
_OWN = (sys.executable, "-m", "mainspring_cli")


def _remote_services(config: Config, listener: socket.socket) -> list[Service]:
    """What the rq executor needs besides Redis: the execution API, and a worker for each queue on this machine."""
    number = listener.fileno()
    without_token = _environment(config, without=_OF_THE_API)
    url = _url_for_workers(config, listener.getsockname()[1])
    return [
        Service(
            name="execution-api",
            command=[*_OWN, "execution-api", "--listen-fd", str(number)],
            environment=without_token,
            pass_fds=[number],
        ),
        *worker_services(replace(config, execution_url=url, **_WITHOUT_SECRETS), without_token),
    ]


def _url_for_workers(config: Config, port: int) -> str:
    """Where the workers of this machine find the execution API.

    Raises:
        ConfigError: it is behind TLS, and no address is given that a certificate can be for.
    """
    if config.has_execution_tls:
        if not config.execution_url.startswith("https://"):
            raise ConfigError(
                ["execution_url: give the address with the name in the certificate: https://<name>:<execution_port>"]
            )
        return config.execution_url
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(config.execution_host, config.execution_host)  # noqa: S104
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _services(config: Config, listener: socket.socket) -> list[Service]:
    number = listener.fileno()
    return [
        Service(
            name="scheduler",
            command=[*_OWN, "scheduler"],
            environment=_environment(config, without=_OF_THE_API),
        ),
        Service(
            name="api",
            command=[*_OWN, "api", "--listen-fd", str(number)],
            environment=_environment(config),
            pass_fds=[number],
        ),
    ]


def _environment(config: Config, *, without: Sequence[str] = ()) -> dict[str, str]:
    """What a service is given: these settings without the migrator's password, because no service needs the
    password."""
    left_out = {"MAINSPRING_MIGRATOR_DATABASE_URL", *without}
    # A service gets the content of such a file as a setting, and may not have both.
    files = secret_file_variables()
    return {
        name: value
        for name, value in {**os.environ, **config.to_environment()}.items()
        if name not in left_out and name not in files
    }


def _announce(config: Config, *, port: int) -> None:
    scheme = "https" if config.tls_certificate else "http"
    host = f"[{config.host}]" if ":" in config.host else config.host
    url = f"{scheme}://{host}:{port}"
    lines = [f"Mainspring serves {url}/api/v2 with executor {', '.join(config.executor)}", f"The page is {url}/"]
    lines.append(f"The admin token is in {admin_token_path(config.home)}")
    new_token = keep_admin_token(config)
    # A terminal is read by a person; a file or a pipe may keep the token or the link for others.
    is_terminal = sys.stdout.isatty()
    if new_token is not None and is_terminal:
        lines.append(f"It is new, and shown this once: {new_token}")
    print("\n".join(lines), flush=True)
    if is_terminal and is_loopback(config.host):
        announce_page(url, config.home)
