"""The execution API in a separate gunicorn, so that waiting clients cannot starve workers."""

import os
import select
import socket
import ssl
import threading
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any

from flask import Flask

from mainspring_api.execution import ExecutionSettings
from mainspring_cli.config import Config
from mainspring_cli.connections.places import Caps
from mainspring_cli.connections.polling_worker import Connection, PollingWorker
from mainspring_cli.services.gunicorn_server import GunicornServer, processes

__all__ = ["execution_server"]

THREADS = 16
_STAY_SECONDS = 0.05
"""How long a thread stays with a client for its next request: a worker with short tasks asks again sooner."""
_CALLS_IN_LEASE = 12
"""A worker waits this part of a lease for the answer to a beat; so a slower API renews nothing."""


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
        app_module="mainspring_api.execution",
        listen_fd=listen_fd,
        settings={
            "worker_class": _Worker,
            "workers": processes(config),
            "threads": THREADS,
            "graceful_timeout": 10,
            # A worker speaks at least once in each beat; its connection is kept between two.
            "keepalive": 60,
            **({} if config.has_execution_tls else {"certfile": None, "keyfile": None}),
        },
    )


class _Worker(PollingWorker):
    """Answers an immediate second request of a worker in the same thread. On the way through the loop that watches all
    connections, and from there to another thread, a third of a short request's time goes."""

    # All workers may share one credential.
    caps = Caps(principal=None)

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        # The remaining threads are for new connections.
        self._may_stay = threading.Semaphore(self.cfg.threads // 2)

    def handle(self, connection: Connection) -> bool:
        goes_on = self.answer(connection)
        while goes_on and self._asks_again(connection):
            goes_on = self.answer(connection)
        return goes_on

    def _asks_again(self, connection: Connection) -> bool:
        """Wait a moment for the next request. With TLS the request may be in memory already, where a wait on the socket
        misses the request."""
        is_worker = connection.sock.principal is not None and not connection.sock.has_unsent
        if not (self.alive and is_worker) or self.cfg.is_ssl or not self._may_stay.acquire(blocking=False):
            return False
        try:
            poll = select.poll()
            poll.register(connection.raw, select.POLLIN)
            return bool(poll.poll(_STAY_SECONDS * 1000)) and self.reads_request(connection)
        finally:
            self._may_stay.release()


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
    # The server connects to itself; the certificate need not name this address.
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return HTTPSConnection(*address, timeout=patience, context=context)


def _address_of(listen_fd: int) -> tuple[str, int]:
    with socket.socket(fileno=os.dup(listen_fd)) as listener:
        host, port = listener.getsockname()[:2]
    return host, port
