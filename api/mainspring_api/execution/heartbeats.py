"""The sign of life of one execution API process, by which schedulers know that leases could be renewed."""

import logging
import os
import socket
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from mainspring.errors import StoreUnavailable
from mainspring_store.database.transactions import Database
from mainspring_store.resources import heartbeats as services

__all__ = ["Heartbeat"]

_log = logging.getLogger(__name__)

HEARTBEAT_SECONDS_MAX = 5.0


class Heartbeat:
    """Writes heartbeats from a separate thread until the stop."""

    def __init__(
        self, database: Database, *, version: str, lease: timedelta, is_served: Callable[[], bool] = lambda: True
    ) -> None:
        """is_served: whether workers are answered now. While workers are not served, no heartbeat is written: what
        cannot be renewed must not be taken for lost."""
        self._database = database
        self._is_served = is_served
        self._version = version
        self._lease_seconds = lease.total_seconds()
        self._incarnation = str(uuid4())
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heart", daemon=True)

    def start(self) -> None:
        services.register_service(
            self._database,
            incarnation=self._incarnation,
            kind="execution",
            hostname=socket.gethostname(),
            pid=os.getpid(),
            version=self._version,
            details={"lease_seconds": self._lease_seconds},
            now=datetime.now(UTC),
        )
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()
        try:
            services.stop_service(self._database, self._incarnation, now=datetime.now(UTC))
        except StoreUnavailable as exc:
            _log.warning("%s", exc)

    def _run(self) -> None:
        while not self._stopped.wait(min(HEARTBEAT_SECONDS_MAX, self._lease_seconds / 4)):
            try:
                if not self._is_served():
                    _log.warning("workers are not answered in time")
                    continue
                services.heartbeat(self._database, self._incarnation, now=datetime.now(UTC))
            except StoreUnavailable as exc:
                _log.warning("%s", exc)
