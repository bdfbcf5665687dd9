"""Deliveries to hooks that were refused: logged and kept by a thread, after their answers.

A refusal for an unknown URL has no hook that could keep it. The thread does the work that differs, so that the time of
an answer does not show which URLs exist.
"""

import logging
from collections import deque
from threading import Event, Lock, Thread

from mainspring.errors import StoreUnavailable
from mainspring_api.http.limits import RateLimit
from mainspring_store import Database
from mainspring_store.resources.hooks import Delivery, note_delivery

__all__ = ["RefusedDeliveries"]

WRITE_SECONDS = 1.0
_WAITING_MAX = 1_000

log = logging.getLogger("mainspring_api.hooks")


class RefusedDeliveries:
    """Refusals of this process that are not kept yet. For many threads."""

    def __init__(self, database: Database, noted: RateLimit) -> None:
        """noted: bounds the refusals of each hook that are kept, and those of all hooks that are logged."""
        self._database = database
        self._noted = noted
        self._waiting: deque[Delivery | None] = deque()
        self._lock = Lock()
        self._thread: Thread | None = None
        self._has_some = Event()
        self._is_closed = Event()

    def add(self, delivery: Delivery | None) -> None:
        """delivery: None = the URL is unknown. Forgets the refusal when very many wait."""
        with self._lock:
            if len(self._waiting) < _WAITING_MAX:
                self._waiting.append(delivery)
            if self._thread is None and not self._is_closed.is_set():
                self._thread = Thread(target=self._run, name="refused-deliveries", daemon=True)
                self._thread.start()
        self._has_some.set()

    def write(self) -> None:
        """Log and keep what waits, within the bound. While the database is unreachable, all that waits is forgotten."""
        while True:
            with self._lock:
                if not self._waiting:
                    return
                delivery = self._waiting.popleft()
            try:
                self._write(delivery)
            except StoreUnavailable as exc:
                log.debug("refused deliveries are not kept: cause=%s", exc)
                # Each would wait for the database in its turn, and the end of the process for all of them.
                with self._lock:
                    self._waiting.clear()

    def close(self) -> None:
        """Write what waits, and end the thread. Idempotent."""
        self._is_closed.set()
        self._has_some.set()
        if self._thread is not None:
            self._thread.join(timeout=5)
            self.write()

    def _write(self, delivery: Delivery | None) -> None:
        # The log does not show which URLs exist, like the answer.
        if self._noted.has_room(""):
            log.warning("a delivery to a hook was refused: the URL, the signature or its time is wrong")
        if delivery is not None and self._noted.has_room(delivery.hook_id):
            note_delivery(self._database, delivery)

    def _run(self) -> None:
        while not self._is_closed.is_set():
            self._has_some.wait()
            # Not at once: the next request would meet the work for this one.
            self._is_closed.wait(WRITE_SECONDS)
            self._has_some.clear()
            try:
                self.write()
            except Exception:  # a fault of one time must not end the thread
                log.exception("a refused delivery was not kept")
