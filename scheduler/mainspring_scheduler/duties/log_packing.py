"""Packs the logs of ended attempts, in a thread beside the passes, and moves them into the log store if there is one.

After each log the thread rests for `REST` times as long as the log took, so that running work hardly notices.
"""

import logging
from datetime import timedelta
from threading import Event, Thread
from time import monotonic

from mainspring.errors import LogStoreUnavailable, StoreUnavailable
from mainspring_scheduler.clock import Clock
from mainspring_store.database.transactions import Database
from mainspring_store.resources.log_moving import delete_orphans, move_next_log, take_orphan_turn
from mainspring_store.resources.log_packing import pack_next_log

__all__ = ["LogPacking"]

_log = logging.getLogger(__name__)

LOOK_SECONDS = 30.0
"""Pause between two looks for logs to pack."""
CHECK_SECONDS = 300.0
"""Pause between two checks of a log store that works."""
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
        self._checked_at = float("-inf")
        self.is_store_well: bool | None = None
        """Whether the latest use of the log store succeeded; None = there is no store, or it was not used yet."""
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

    def move_all(self) -> int:
        """Move all packed logs into the log store, and delete what no try needs; returns the number of moved parts.

        Raises:
            StoreUnavailable, LogStoreUnavailable: What was moved before stays moved, the rest stays in the database.
        """
        store = self._database.log_store
        if store is not None and monotonic() - self._checked_at > CHECK_SECONDS:
            store.check()
            self._checked_at = monotonic()
        count, last_id = 0, ""
        while store is not None and not self._stopped.is_set():
            began = monotonic()
            moved = move_next_log(self._database, store, last_id=last_id)
            if moved is None:
                break
            count, last_id = count + 1, moved.attempt_id
            self._stopped.wait(min(REST_SECONDS_MAX, max(REST_SECONDS_MIN, monotonic() - began)))
        if store is not None and take_orphan_turn(self._database, self._clock.now()):
            delete_orphans(self._database, store, now=self._clock.now())
        return count

    def _run(self) -> None:
        while not self._stopped.wait(self._look_seconds):
            try:
                packed, moved = self.pack_all(), self.move_all()
                self.is_store_well = None if self._database.log_store is None else True
                if packed or moved:
                    _log.info("logs packed: count=%d moved=%d", packed, moved)
            except StoreUnavailable as exc:
                _log.warning("logs not packed: cause=%s", exc)
            except LogStoreUnavailable as exc:
                self.is_store_well, self._checked_at = False, float("-inf")
                _log.warning("logs not moved, they stay in the database: cause=%s", exc)
            except Exception:
                _log.exception("packing of logs failed")
