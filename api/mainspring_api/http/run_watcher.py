"""Waiting for runs to end, without a thread or a connection that polls for each waiter.

One thread in the process asks for the states of all watched runs at once, and only while there are any. Waiters are
parked on a condition. The number of waiting requests is bounded, so that a thread is always free.
"""

import logging
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition, Lock, Thread

from mainspring.errors import MainspringError
from mainspring.states import RUN_FINISHED, RunState
from mainspring_store import Database
from mainspring_store.queries.runs import run_states

__all__ = ["RunWatcher", "TooManyWaits", "WaitSlots"]

POLL_SECONDS = 0.05

log = logging.getLogger(__name__)


class TooManyWaits(MainspringError):
    """Every place for a waiting request is taken."""


class WaitSlots:
    """Places for requests that hold their thread for a long time.

    A principal may take half of the free and own places, so that other principals find a place.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._taken: Counter[str] = Counter()
        self._lock = Lock()

    def take(self, principal_id: str) -> None:
        """Take a place; to be given back by `give_back`.

        Raises:
            TooManyWaits: No place is free, or the principal has its share.
        """
        with self._lock:
            own_places = self._taken[principal_id]
            available = self._count - self._taken.total() + own_places
            if own_places >= (available + 1) // 2:
                raise TooManyWaits(
                    f"{own_places} of your requests wait already, of {self._taken.total()} in all;"
                    " ask again in a second, or poll the run instead"
                )
            self._taken[principal_id] += 1

    def give_back(self, principal_id: str) -> None:
        with self._lock:
            self._taken[principal_id] -= 1
            if not self._taken[principal_id]:
                del self._taken[principal_id]


class RunWatcher:
    """Knows the states of the runs that requests wait for."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._changed = Condition()
        self._watchers: dict[int, int] = {}
        self._states: dict[int, RunState | None] = {}
        self._is_polling = False
        self._is_closed = False

    @contextmanager
    def watch(self, key: int, state: RunState) -> Iterator[None]:
        """Watch a run, which was just seen in `state`, until the block is left."""
        with self._changed:
            self._watchers[key] = self._watchers.get(key, 0) + 1
            self._states.setdefault(key, state)
            if not self._is_polling:
                self._is_polling = True
                Thread(target=self._poll, name="run-watcher", daemon=True).start()
        try:
            yield
        finally:
            with self._changed:
                self._watchers[key] -= 1
                if not self._watchers[key]:
                    del self._watchers[key], self._states[key]

    def await_end(self, key: int, timeout_seconds: float) -> RunState | None:
        """The final state of a watched run, or the state after `timeout_seconds`; `None` when the run was deleted.
        Returns at once when the watcher was closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_over(key) or self._is_closed, timeout_seconds)
            return self._states[key]

    @property
    def is_closed(self) -> bool:
        return self._is_closed

    def close(self) -> None:
        """Send all waiters away with what is known now."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def _is_over(self, key: int) -> bool:
        state = self._states[key]
        return state is None or state in RUN_FINISHED

    def _poll(self) -> None:
        while True:
            with self._changed:
                keys = [key for key in self._watchers if not self._is_over(key)]
                if not self._watchers or self._is_closed:
                    self._is_polling = False
                    return
            self._look(keys)
            time.sleep(POLL_SECONDS)

    def _look(self, keys: list[int]) -> None:
        try:
            states = run_states(self._database, keys) if keys else {}
        except Exception:
            # The waiters have time limits of their own; the next look may succeed.
            log.exception("cannot ask for the states of %d watched runs", len(keys))
            return
        with self._changed:
            for key in keys:
                if key in self._states:
                    self._states[key] = states.get(key)
            if any(key in self._states and self._is_over(key) for key in keys):
                self._changed.notify_all()
