"""Waiting for runs to end, without a thread or a connection that polls for each waiter.

The event feed says which runs have changed. One thread asks for the states of these runs, and now and then for those of
all watched runs, since a deleted run has no event that names its key.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from threading import Condition, Thread
from time import monotonic

from mainspring.events import EventKind
from mainspring.states import RUN_FINISHED, RunState
from mainspring_api.http.event_feed import EventFeed
from mainspring_api.http.event_formats import FeedEvent
from mainspring_store import Database
from mainspring_store.queries.runs import run_states, stopping_runs

__all__ = ["RunWatcher"]

LOOK_SECONDS = 1.0
"""Between two looks at all watched runs."""
_RUNS_AT_ONCE = 500

log = logging.getLogger(__name__)

OnEnd = Callable[[RunState | None], None]
"""Called once, in the thread of the watcher, with the final state of the run; None = the run was deleted."""


class RunWatcher:
    """Wakes the requests that wait for the end of a run. Safe for many threads."""

    def __init__(self, database: Database, feed: EventFeed) -> None:
        self._database = database
        self._feed = feed
        self._changed = Condition()
        self._waiting: defaultdict[int, set[OnEnd]] = defaultdict(set)
        self._until_stopped: set[OnEnd] = set()
        self._states: dict[int, RunState] = {}
        self._news: set[int] = set()
        """Keys of runs to look at."""
        self._looked_at_all = 0.0
        self._is_running = False
        self.is_closed = False
        feed.watch(self._on_events)

    def watch(self, key: int, state: RunState, on_end: OnEnd, *, until_stopped: bool = False) -> None:
        """Watch a run that was just in `state`; the run is looked at once more soon.

        until_stopped: the wait goes on after the end, until no process of the run is left. No event follows that,
            so the answer comes up to `LOOK_SECONDS` later.
        """
        with self._changed:
            self._waiting[key].add(on_end)
            if until_stopped:
                self._until_stopped.add(on_end)
            self._states.setdefault(key, state)
            self._news.add(key)
            if not self._is_running:
                self._is_running = True
                Thread(target=self._run, name="run-watcher", daemon=True).start()
            self._changed.notify()
            is_closed = self.is_closed
        self._feed.attend()
        if is_closed:
            on_end(state)

    def leave(self, key: int, on_end: OnEnd) -> None:
        """Undo `watch`, before or after the end."""
        with self._changed:
            self._until_stopped.discard(on_end)
            waiting = self._waiting.get(key)
            if waiting is not None:
                waiting.discard(on_end)
                if not waiting:
                    del self._waiting[key], self._states[key]
        self._feed.end_attention()

    def state_of(self, key: int, state: RunState) -> RunState:
        """The state of a run at the last look; `state` when the run is not watched any more."""
        return self._states.get(key, state)

    def close(self) -> None:
        """End all waits with what is known now."""
        with self._changed:
            self.is_closed = True
            waiting = [(on_end, self._states[key]) for key, ends in self._waiting.items() for on_end in ends]
            self._waiting.clear()
            self._until_stopped.clear()
            self._states.clear()
            self._changed.notify()
        for on_end, state in waiting:
            on_end(state)

    def _on_events(self, events: Sequence[FeedEvent]) -> None:
        keys = {event.run_key for event in events if event.kind is EventKind.RUN or event.kind is EventKind.MANY}
        with self._changed:
            news = keys & self._waiting.keys()
            if news:
                self._news |= news  # type: ignore[arg-type]  # no run has the key None
                self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._news or self.is_closed, LOOK_SECONDS)
                if self.is_closed or not self._waiting:
                    self._is_running = False
                    self._news.clear()
                    return
                is_full = monotonic() >= self._looked_at_all + LOOK_SECONDS
                if is_full:
                    self._looked_at_all = monotonic()
                keys = list(self._waiting if is_full else self._news)
                self._news.clear()
            for start in range(0, len(keys), _RUNS_AT_ONCE):
                self._look(keys[start : start + _RUNS_AT_ONCE])

    def _look(self, keys: list[int]) -> None:
        try:
            states = run_states(self._database, keys)
            stopping = self._stopping([key for key in keys if states.get(key) in RUN_FINISHED])
        except Exception:
            # The waiters have time limits of their own; the next look may succeed.
            log.exception("cannot ask for the states of %d watched runs", len(keys))
            return
        for key in keys:
            state = states.get(key)
            with self._changed:
                if state is not None and key in self._states:
                    self._states[key] = state
            if state is None or state in RUN_FINISHED:
                self._end(key, state, is_stopping=key in stopping)

    def _stopping(self, finished: list[int]) -> frozenset[int]:
        """Those of the ended runs that have processes for whose end a request waits."""
        with self._changed:
            awaited = [key for key in finished if not self._until_stopped.isdisjoint(self._waiting.get(key, ()))]
        return stopping_runs(self._database, awaited) if awaited else frozenset()

    def _end(self, key: int, state: RunState | None, *, is_stopping: bool) -> None:
        with self._changed:
            waiting = self._waiting.pop(key, set())
            patient = waiting & self._until_stopped if is_stopping else set()
            if patient:
                self._waiting[key] = patient
            else:
                self._states.pop(key, None)
            self._until_stopped -= waiting - patient
        for on_end in waiting - patient:
            on_end(state)
