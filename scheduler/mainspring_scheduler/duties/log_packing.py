"""Packs the logs of ended attempts, in a thread beside the passes, and moves them into the log store if there is one.
Deletes large values that no output names.

After each log the thread rests for `REST` times as long as the log took, so that running work hardly notices.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from threading import Event, Thread
from time import monotonic
from typing import Any

from mainspring.errors import LogStoreUnavailable, StoreUnavailable
from mainspring_scheduler.clock import Clock
from mainspring_scheduler.duties.failing_logs import FailingLogs
from mainspring_store.access.installation import holds_schedules
from mainspring_store.database.log_stores import CachedLogStore
from mainspring_store.database.transactions import Database
from mainspring_store.resources.large_values import delete_unused
from mainspring_store.resources.log_moving import (
    delete_orphans,
    move_log,
    next_log_to_move,
    postpone_orphan_turn,
    take_orphan_turn,
)
from mainspring_store.resources.log_packing import next_log_to_pack, pack_log
from mainspring_store.resources.log_store_owner import ForeignLogStore, claim_log_store
from mainspring_store.resources.value_moving import move_value, next_value_to_move

__all__ = ["LogPacking"]

_log = logging.getLogger(__name__)

LOOK_SECONDS = 30.0
"""Pause between two looks for logs to pack."""
CHECK_SECONDS = 300.0
"""Pause between two checks of a log store that works."""
VALUES_SECONDS = 600.0
"""Pause between two looks for large values that no output names: such a look reads the rows of all values."""
PACKED_AFTER = timedelta(minutes=1)
"""How long an attempt must be over: its last chunks may arrive after its end."""
REST = 9.0
REST_SECONDS_MIN, REST_SECONDS_MAX = 0.01, 2.0
REFUSALS_MAX = 10
"""After so many logs in a row that a store refuses, although it passes the check, the look ends."""
DELETION_SECONDS = 600.0
"""For how long monitoring shows a failed deletion. Another scheduler may do the next deletion."""
STUCK_SECONDS = 120.0
"""One step of the thread that takes longer hangs: a folder on a share that is away has no time limit."""
STOP_SECONDS_MAX = 5.0
"""How long a stop waits for the step under way. A move that is cut leaves an object that a later turn deletes."""


class LogPacking:
    """The thread that packs, from `start` to `stop`."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        look_seconds: float = LOOK_SECONDS,
        monotonic: Callable[[], float] = monotonic,
    ) -> None:
        self._database = database
        self._clock = clock
        self._look_seconds = look_seconds
        self._monotonic = monotonic
        self._checked_at = self._values_at = float("-inf")
        self._unpacked, self._unmoved = FailingLogs(clock=monotonic), FailingLogs(clock=monotonic)
        self._unmoved_values = FailingLogs(clock=monotonic)
        self._cause: str | None = None
        self._has_used_store = False
        self._logged_cause: str | None = None
        self._deletion_failed_at = float("-inf")
        self._refusals = 0
        self._step_began_at = monotonic()
        self._stopped = Event()
        self._thread = Thread(target=self._run, name="log-packing", daemon=True)

    def start(self) -> None:
        self._step_began_at = self._monotonic()
        self._thread.start()

    def abort(self) -> None:
        """End after the step under way."""
        self._stopped.set()

    def stop(self) -> None:
        """Abort, and wait for the thread, but not longer than `STOP_SECONDS_MAX`: it ends with the process too."""
        self.abort()
        if self._thread.is_alive():
            self._thread.join(timeout=STOP_SECONDS_MAX)
            if self._thread.is_alive():
                _log.warning("the log store does not answer, the scheduler ends without waiting for it")

    def details(self) -> Mapping[str, Any]:
        """The data for monitoring.

        log_store: `healthy` or `unhealthy`; absent = there is no store, it was not used yet, or it must not be used.
        log_store_cause: why it is unhealthy: `unavailable`, `foreign` (it belongs to another instance), or `stuck`.
        logs_failing: number of logs and large outputs that could not be packed or moved, and are tried again later;
            absent = 0.
        """
        failing = len(self._unpacked) + len(self._unmoved) + len(self._unmoved_values)
        counted = {"logs_failing": failing} if failing else {}
        if self._database.log_store is None:
            return counted
        now, cause = self._monotonic(), self._cause
        if now - self._step_began_at > STUCK_SECONDS:
            cause = "stuck"
        elif now - self._deletion_failed_at < DELETION_SECONDS:
            cause = cause or "unavailable"
        if cause is not None:
            return {**counted, "log_store": "unhealthy", "log_store_cause": cause}
        return {**counted, "log_store": "healthy"} if self._has_used_store else counted

    def pack_all(self) -> int:
        """Pack all logs that may be packed; returns their number. Ends early after `stop`.

        A log that fails is left out for a while, and the others go on.

        Raises:
            StoreUnavailable: The database is unreachable; what was packed before stays packed.
        """

        def find(last_id: str) -> str | None:
            ended_before = self._clock.now() - PACKED_AFTER
            return next_log_to_pack(self._database, ended_before=ended_before, last_id=last_id)

        return self._each(self._unpacked, find, lambda key: pack_log(self._database, key) is not None, rest=REST)

    def move_all(self) -> int:
        """Delete what no try needs, and move all packed logs, and the large outputs of ended runs, into the log store;
        returns the number of moved parts.

        A log that fails is left out for a while, and the others go on. While the instance is held after a restore, the
        store stays as it is.

        Raises:
            StoreUnavailable, LogStoreUnavailable: What was moved before stays moved, the rest stays in the database.
        """
        store = self._database.log_store
        if store is None or holds_schedules(self._database):
            self._has_used_store, self._cause = False, None
            return 0
        claim_log_store(self._database, store)
        self._has_used_store = True
        # First, because a store that is full takes no log before something is deleted.
        self._delete_orphans(store)
        if self._monotonic() - self._checked_at > CHECK_SECONDS:
            store.check()
            self._checked_at = self._monotonic()
        count = self._each(
            self._unmoved,
            lambda last_id: next_log_to_move(self._database, last_id),
            lambda key: move_log(self._database, store, key),
            rest=1.0,
        )

        def find_value(last_id: str) -> str | None:
            return next_value_to_move(self._database, last_id, ended_before=self._clock.now() - PACKED_AFTER)

        return count + self._each(
            self._unmoved_values, find_value, lambda key: move_value(self._database, store, key), rest=1.0
        )

    def _delete_orphans(self, store: CachedLogStore) -> None:
        """A store that refuses this may take logs nevertheless."""
        now = self._clock.now()
        if not take_orphan_turn(self._database, now):
            return
        try:
            delete_orphans(self._database, store, now=now, goes_on=self._goes_on)
            if self._stopped.is_set():
                postpone_orphan_turn(self._database, now)
        except LogStoreUnavailable as exc:
            self._deletion_failed_at = self._monotonic()
            postpone_orphan_turn(self._database, now)
            _log.warning("objects that no try needs are not deleted: cause=%s", exc)

    def _each(
        self,
        failing: FailingLogs,
        find_next: Callable[[str], str | None],
        work: Callable[[str], bool],
        *,
        rest: float,
    ) -> int:
        """Do the work for each log, by attempt id; returns how often it did something.

        rest: how many times as long as a log the thread rests after the log.
        """
        count, attempt_id, self._refusals = 0, find_next(""), 0
        while attempt_id is not None and self._goes_on():
            began = self._monotonic()
            if not failing.must_wait(attempt_id):
                count += self._try(failing, work, attempt_id)
                seconds = rest * (self._monotonic() - began)
                self._stopped.wait(min(REST_SECONDS_MAX, max(REST_SECONDS_MIN, seconds)))
            attempt_id = find_next(attempt_id)
        failing.look_is_over(is_complete=attempt_id is None)
        return count

    def _try(self, failing: FailingLogs, work: Callable[[str], bool], attempt_id: str) -> bool:
        """Whether the work was done for a log. A failure of this log alone is noted.

        Raises:
            StoreUnavailable, LogStoreUnavailable: The work would fail for other logs too.
        """
        try:
            is_done = work(attempt_id)
        except StoreUnavailable:
            failing.failed(attempt_id)  # perhaps by its size
            raise
        except LogStoreUnavailable as exc:
            self._look_at_store(exc)
            _log.warning("log not moved, it stays in the database: attempt_id=%s cause=%s", attempt_id, exc)
        except Exception:
            _log.exception("log not packed or moved, it stays as it is: attempt_id=%s", attempt_id)
        else:
            failing.succeeded(attempt_id)
            self._refusals = 0
            return is_done
        failing.failed(attempt_id)
        return False

    def _look_at_store(self, refusal: LogStoreUnavailable) -> None:
        """Raises LogStoreUnavailable when a refusal does not lie in the log."""
        self._refusals += 1
        if self._refusals >= REFUSALS_MAX or self._database.log_store is None:
            raise refusal
        self._database.log_store.check()

    def _goes_on(self) -> bool:
        """Begin a step, unless the thread must end."""
        self._step_began_at = self._monotonic()
        return not self._stopped.is_set()

    def _run(self) -> None:
        while not self._stopped.wait(self._look_seconds):
            self.look()

    def look(self) -> None:
        """Pack and move once. Raises nothing: a failure is logged, and noted for monitoring."""
        self._goes_on()
        self._guarded(self._delete_values)
        packed = self._guarded(self.pack_all)
        moved = self._guarded(self._move)
        if packed or moved:
            _log.info("logs packed: count=%d moved=%d", packed, moved)

    def _move(self) -> int:
        """As `move_all`, and note how the store is. The failures of all logs end here, so that packing goes on."""
        try:
            moved = self.move_all()
        except ForeignLogStore:
            self._cause = "foreign"
            raise
        except StoreUnavailable:
            raise  # the log store is not at fault
        except Exception:
            self._cause, self._checked_at = "unavailable", float("-inf")
            raise
        self._cause = self._logged_cause = None
        return moved

    def _delete_values(self) -> int:
        """Delete the large values that no output names, a few in each transaction, once in `VALUES_SECONDS`."""
        count = 0
        if self._monotonic() < self._values_at:
            return count
        self._values_at = self._monotonic() + VALUES_SECONDS
        while self._goes_on() and (deleted := delete_unused(self._database, now=self._clock.now())):
            count += deleted
        return count

    def _guarded(self, step: Callable[[], int]) -> int:
        try:
            return step()
        except StoreUnavailable as exc:
            _log.warning("logs not packed: cause=%s", exc)
        except LogStoreUnavailable as exc:
            # A store may be away for days. Log each kind of cause once.
            if self._cause != self._logged_cause:
                self._logged_cause = self._cause
                _log.warning("logs not moved, they stay in the database: cause=%s", exc)
        except Exception:
            if not self._stopped.is_set():  # after a stop that did not wait, the database is closed
                _log.exception("packing of logs failed")
        return 0
