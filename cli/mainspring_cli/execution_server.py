"""The execution API in a gunicorn of its own, so that clients who wait cannot starve workers."""

import os
import socket
import ssl
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException, HTTPSConnection

from flask import Flask

from mainspring_api.execution import ExecutionSettings
from mainspring_cli.config import Config
from mainspring_cli.gunicorn_server import GunicornServer, SteadyWorker, processes

__all__ = ["execution_server"]

THREADS = 16
_CALLS_IN_LEASE = 12
"""A worker waits this part of a lease for the answer to a beat; so an API that is slower renews nothing."""


def execution_server(config: Config, settings: ExecutionSettings, *, listen_fd: int) -> GunicornServer:
    """The execution API on a socket that listens already."""

    # Before gunicorn takes the socket over.
    is_served = _front_door(config, _address_of(listen_fd))

    def make_app() -> Flask:
        from mainspring_api.execution import create_execution_app

        return create_execution_app(settings, is_served=is_served)

    return GunicornServer(
        config,
        make_app,
        listen_fd=listen_fd,
        settings={
            "worker_class": SteadyWorker,
            "workers": processes(config),
            "threads": THREADS,
            "graceful_timeout": 10,
            # A worker speaks at least once in each beat; its connection is kept between two.
            "keepalive": 60,
            **({} if config.has_execution_tls else {"certfile": None, "keyfile": None}),
        },
    )


def _front_door(config: Config, address: tuple[str, int]) -> Callable[[], bool]:
    """Asks whether requests are answered in time here, the way that workers ask."""
    patience = config.lease_seconds / _CALLS_IN_LEASE

    def is_served() -> bool:
        connection = _connection(config, address, patience)
        try:
            connection.request("GET", "/execution/v1/health")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    return is_served


def _connection(config: Config, address: tuple[str, int], patience: float) -> HTTPConnection:
    if config.tls_certificate is None:
        return HTTPConnection(*address, timeout=patience)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # It speaks to itself, by an address that its certificate need not name.
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return HTTPSConnection(*address, timeout=patience, context=context)


def _address_of(listen_fd: int) -> tuple[str, int]:
    with socket.socket(fileno=os.dup(listen_fd)) as listener:
        host, port = listener.getsockname()[:2]
    return host, port
