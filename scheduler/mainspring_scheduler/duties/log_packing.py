"""Packs the logs of ended attempts, in a thread beside the passes.

After each log the thread rests for `REST` times as long as the log took, so that running work hardly notices.
"""

import logging
from datetime import timedelta
from threading import Event, Thread
from time import monotonic

from mainspring.errors import StoreUnavailable
from mainspring_scheduler.clock import Clock
from mainspring_store.database.transactions import Database
from mainspring_store.resources.log_packing import pack_next_log

__all__ = ["LogPacking"]

_log = logging.getLogger(__name__)

LOOK_SECONDS = 30.0
"""Pause between two looks for logs to pack."""
PACKED_AFTER = timedelta(minutes=1)
"""How long an attempt must be over: its last chunks may arrive after its end."""
REST = 9.0
REST_SECONDS_MIN, REST_SECONDS_MAX = 0.01, 2.0


class LogPacking:
    """The thread that packs, from `start` to `stop`."""

    def __init__(self, database: Database, clock: Clock, *, look_seconds: float = LOOK_SECONDS) -> None:
        self._database = database
        self._clock = clock
        self._look_seconds = look_seconds
        self._stopped = Event()
        self._thread = Thread(target=self._run, name="log-packing", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End after the transaction under way."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def pack_all(self) -> int:
        """Pack all logs that may be packed; returns their number. Ends early after `stop`.

        Raises:
            StoreUnavailable: The database is unreachable; what was packed before stays packed.
        """
        count, last_id = 0, ""
        while not self._stopped.is_set():
            began = monotonic()
            packed = pack_next_log(self._database, ended_before=self._clock.now() - PACKED_AFTER, last_id=last_id)
            if packed is None:
                break
            count, last_id = count + 1, packed.attempt_id
            self._stopped.wait(min(REST_SECONDS_MAX, max(REST_SECONDS_MIN, REST * (monotonic() - began))))
        return count

    def _run(self) -> None:
        while not self._stopped.wait(self._look_seconds):
            try:
                count = self.pack_all()
                if count:
                    _log.info("logs packed: count=%d", count)
            except StoreUnavailable as exc:
                _log.warning("logs not packed: cause=%s", exc)
            except Exception:
                _log.exception("packing of logs failed")
