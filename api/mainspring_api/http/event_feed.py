"""The event feed of one process: a thread reads the log once, for all clients that follow.

While nobody follows, the thread only keeps the position of the log, which read answers carry as `Mainspring-Cursor`.
"""

import logging
import os
import select
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Condition, Lock, Thread
from time import monotonic
from typing import Protocol

from mainspring.errors import StoreUnavailable
from mainspring.events import format_event_id
from mainspring_api.http.authentication import Forbidden, Unauthenticated
from mainspring_api.http.event_formats import Bursts, EventFilter, FeedEvent, as_json, as_stream, feed_events
from mainspring_api.http.held_answers import Loop
from mainspring_store import Database
from mainspring_store.access.roles import Principal
from mainspring_store.database.notify import Listener, open_feed_listener
from mainspring_store.queries.events import SettledEvents, events_after, floor_of_feed, is_drawn
from mainspring_store.resources.events import prune_events

__all__ = ["LAG_SECONDS_MAX", "EventFeed", "Follower"]

PAGE = 1000
"""Events read at once."""
KEPT_EVENTS = 5000
"""Latest events that are kept in memory, for clients that begin to follow."""
CATCH_UP_SECONDS_MAX = 0.2
LAG_SECONDS_MAX = 5.0
"""A feed that is further behind is unhealthy."""
RECHECK_SECONDS = 5.0
"""How long a revoked credential may still follow, after `Authenticator` has forgotten it."""
_FOLLOWED_POLL_SECONDS = 0.25
"""Between two looks at the log without a notification."""
_BLOCKED_POLL_SECONDS = 0.01
_IDLE_POLL_SECONDS = 1.0
_GATHER_SECONDS = 0.003
_BUSY_GATHER_SECONDS = 0.012
"""After a read of a few events, and after a read of `_BUSY_EVENTS` and more, so that later events share a read."""
_BUSY_EVENTS = 8
_PRUNE_SECONDS = 3600.0
_FIRST_PRUNE_SECONDS = 60.0

log = logging.getLogger(__name__)


class Follower(Protocol):
    """A client of the live feed. The feed calls `deliver` and `dismiss` in the loop of the client."""

    filter: EventFilter
    position: int
    """The events behind this number are wanted."""
    is_stream: bool
    """The text of its events: a stream, or one JSON answer."""
    credential: str
    """Followers with the same credential are checked together."""
    queued: int
    """Deliveries under way. The feed counts up; the follower counts down in `deliver`."""

    @property
    def loop(self) -> Loop: ...

    def authenticate(self) -> Principal: ...

    def deliver(self, text: bytes, position: int) -> None:
        """Take the text of events up to a position."""
        ...

    def dismiss(self) -> None:
        """End the answer: the feed is closed, or the credential is not valid any more."""
        ...


_Group = tuple[EventFilter, bool]


class EventFeed:
    """Reads the log of events and passes events on. For many threads."""

    def __init__(self, database: Database, *, kept: timedelta) -> None:
        """kept: for how long clients can resume. Events of existing runs are kept longer."""
        self._database = database
        self._kept = kept
        self._settled = SettledEvents(database)
        self._bursts = Bursts()
        self._lock = Lock()
        self._starting = Lock()
        self._thread: Thread | None = None
        self._is_closed = False
        self._turns = Condition()
        self._turns_begun = self._turns_done = 0
        self._attending = 0
        """Clients that follow, or are about to: then events are read as they come."""
        self._groups: defaultdict[_Group, set[Follower]] = defaultdict(set)
        self._ahead: set[Follower] = set()
        """Followers behind an event that another process gave out, and this process has not read yet."""
        self._watchers: list[Callable[[Sequence[FeedEvent]], None]] = []
        self._recent: deque[FeedEvent] = deque()
        self._recent_from = 0
        """`_recent` has all events behind this number."""
        self._position: int | None = None
        self._cursor = ""
        self._listener: Listener | None = None
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._has_warned = False
        self._checked_at = monotonic()
        self._pruned_at = monotonic() - _PRUNE_SECONDS + _FIRST_PRUNE_SECONDS

    # -- for requests

    def cursor(self) -> str:
        """The id of an event whose effects, and those of all events before, every later read sees; empty = unknown."""
        if self._thread is None:
            self._start()
        return self._cursor

    def position(self) -> int:
        """The number of the last settled event that this process knows.

        Raises:
            StoreUnavailable: The process does not know the log yet.
        """
        self.cursor()
        if self._position is None:
            raise StoreUnavailable("the event log is not read yet")
        return self._position

    @property
    def lag_seconds(self) -> float:
        """For how long a foreign transaction has kept events back."""
        return self._settled.lag_seconds

    @property
    def recent_from(self) -> int:
        """`join` succeeds from this position on."""
        return self._recent_from

    def attend(self) -> None:
        """Read events as they come from now on, until `leave` or `end_attention`."""
        self.cursor()
        with self._lock:
            self._attending += 1
            if not self._is_closed:
                self._wake()

    def end_attention(self) -> None:
        with self._lock:
            self._attending -= 1

    def catch_up(self) -> None:
        """Wait until all events that are settled now are known here; not for long."""
        with self._turns:
            turn = self._turns_begun + 1
            self.attend()
            self._turns.wait_for(lambda: self._is_closed or self._is_current(turn), CATCH_UP_SECONDS_MAX)
        self.end_attention()

    def _is_current(self, turn: int) -> bool:
        return self._turns_done >= turn and not self._settled.is_blocked

    def may_follow(self, position: int) -> bool:
        """Whether a client may go on behind an event: the event was given out, and what followed is still kept."""
        if position > self.position() and not is_drawn(self._database, position):
            return False
        return position >= floor_of_feed(self._database)

    def page(self, start: int) -> tuple[list[FeedEvent], int]:
        """The next events of the log that are known here, at most `PAGE`, and the position behind them."""
        upto = self.position()
        if start >= upto:
            return [], start
        stored = events_after(self._database, start, upto, PAGE)
        position = stored[-1].id if len(stored) >= PAGE else upto
        return feed_events(Bursts().join(stored)), position

    def join(self, follower: Follower) -> list[FeedEvent] | None:
        """Deliver events to a follower from now on; returns those that it lacks, or None when it is too far behind."""
        with self._lock:
            if self._is_closed or follower.position < self._recent_from:
                return None
            if follower.position > (self._position or 0):
                self._ahead.add(follower)
                return []
            self._groups[follower.filter, follower.is_stream].add(follower)
            return self._missed(follower)

    def leave(self, follower: Follower) -> bool:
        """Deliver nothing more; False while a delivery is under way."""
        with self._lock:
            self._ahead.discard(follower)
            self._remove(follower)
            return not follower.queued

    def watch(self, on_events: Callable[[Sequence[FeedEvent]], None]) -> None:
        """Call a function with all events, in the thread of the feed, while `attend` holds."""
        self._watchers.append(on_events)

    def close(self) -> None:
        """End all answers that follow. Idempotent. Not for signal handlers, because it takes a lock."""
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
            followers = [follower for members in self._groups.values() for follower in members]
            for follower in [*followers, *self._ahead]:
                follower.loop.call(follower.dismiss)
            self._wake()
        if self._thread is not None:
            self._thread.join(timeout=5)
        if self._thread is None or not self._thread.is_alive():
            os.close(self._wake_read)
            os.close(self._wake_write)

    # -- the thread

    def _start(self) -> None:
        with self._starting:
            if self._thread is not None or self._is_closed:
                return
            with suppress(StoreUnavailable):
                for _ in range(2):  # PostgreSQL settles a position at the second look
                    self._settled.look()
                self._note_position()
            thread = Thread(target=self._run, name="event-feed", daemon=True)
            thread.start()
            self._thread = thread

    def _run(self) -> None:
        pause = 0.0
        while not self._is_closed:
            try:
                pause = self._turn(pause)
            except StoreUnavailable as exc:
                log.warning("event feed cannot read, trying again: cause=%s", exc)
                pause = 0.5
                select.select([], [], [], pause)
            except Exception:
                log.exception("event feed failed, trying again")
                pause = 0.5
                select.select([], [], [], pause)
        self._drop_listener()

    def _turn(self, pause: float) -> float:
        """Wait, then read. Returns the longest wait before the next turn."""
        self._wait(pause)
        if self._is_closed:
            return 0.0
        with self._turns:
            self._turns_begun += 1
        pause = self._read()
        with self._turns:
            self._turns_done = self._turns_begun
            self._turns.notify_all()
        return pause

    def _read(self) -> float:
        self._prune()
        if not self._attending or self._position is None:
            return self._keep_position()
        if self._listener is None:
            self._listener = open_feed_listener(self._database)
        self._check_credentials()
        stored = self._settled.read(PAGE)
        if stored or self._settled.position != self._position:
            self._publish(feed_events(self._bursts.join(stored)))
        if self._settled.is_blocked:
            self._warn_of_lag()
            return _BLOCKED_POLL_SECONDS
        self._has_warned = False
        if len(stored) == PAGE:
            return 0.0
        if stored:
            select.select([], [], [], _BUSY_GATHER_SECONDS if len(stored) >= _BUSY_EVENTS else _GATHER_SECONDS)
        return _FOLLOWED_POLL_SECONDS

    def _wait(self, seconds: float) -> None:
        poll = select.poll()  # `select` knows no descriptor above 1023
        poll.register(self._wake_read, select.POLLIN)
        if self._listener is not None:
            poll.register(self._listener.fileno(), select.POLLIN)
        poll.poll(seconds * 1000)
        with suppress(BlockingIOError):
            os.read(self._wake_read, 4096)
        if self._listener is not None:
            self._listener.clear()

    def _keep_position(self) -> float:
        """Nobody follows: only know where the log ends."""
        self._drop_listener()
        self._settled.look()
        if self._settled.position is None and self._settled.lag_seconds > 2:
            self._settled.start_earlier(datetime.now(UTC))
        self._note_position()
        return _BLOCKED_POLL_SECONDS if self._position is None else _IDLE_POLL_SECONDS

    def _note_position(self) -> None:
        position = self._settled.position
        if position is None or position == self._position:
            return
        with self._lock:
            self._recent.clear()
            self._recent_from = self._position = position
            self._cursor = format_event_id(position)

    def _publish(self, events: Sequence[FeedEvent]) -> None:
        position = self._settled.position
        assert position is not None
        for watcher in self._watchers:
            watcher(events)
        deliveries: defaultdict[Loop, list[tuple[Follower, bytes]]] = defaultdict(list)
        with self._lock:
            self._recent.extend(events)
            while len(self._recent) > KEPT_EVENTS:
                self._recent_from = self._recent.popleft().id
            self._position = position
            for follower, text in self._texts(events, position):
                follower.queued += 1
                deliveries[follower.loop].append((follower, text))
        # Only now may an answer name these events: a client that continues after them reads them from the feed.
        self._cursor = format_event_id(position)
        for loop, texts in deliveries.items():
            loop.call(partial(_deliver, texts, position))

    def _texts(self, events: Sequence[FeedEvent], position: int) -> Iterator[tuple[Follower, bytes]]:
        for (event_filter, is_stream), members in self._groups.items():
            admitted = [event for event in events if event_filter.admits(event)]
            if admitted:
                text = as_stream(admitted) if is_stream else as_json(admitted, position)
                for follower in members:
                    yield follower, text
        for follower in [follower for follower in self._ahead if follower.position <= position]:
            self._ahead.discard(follower)
            self._groups[follower.filter, follower.is_stream].add(follower)
            if missed := self._missed(follower):
                yield follower, as_stream(missed) if follower.is_stream else as_json(missed, position)

    def _missed(self, follower: Follower) -> list[FeedEvent]:
        if not self._recent or self._recent[-1].id <= follower.position:
            return []
        return [event for event in self._recent if event.id > follower.position and follower.filter.admits(event)]

    def _remove(self, follower: Follower) -> None:
        key = follower.filter, follower.is_stream
        members = self._groups.get(key)
        if members is not None:
            members.discard(follower)
            if not members:
                del self._groups[key]

    def _check_credentials(self) -> None:
        """End what a revoked credential follows, and apply changed grants."""
        if monotonic() - self._checked_at < RECHECK_SECONDS:
            return
        self._checked_at = monotonic()
        with self._lock:
            members = [follower for group in self._groups.values() for follower in group]
        by_credential: defaultdict[str, list[Follower]] = defaultdict(list)
        for follower in [*members, *self._ahead]:
            by_credential[follower.credential].append(follower)
        for followers in by_credential.values():
            try:
                principal = followers[0].authenticate()
            except (Unauthenticated, Forbidden):
                for follower in followers:
                    follower.loop.call(follower.dismiss)
                continue
            self._apply_rights(followers, principal)

    def _apply_rights(self, followers: Sequence[Follower], principal: Principal) -> None:
        for follower in followers:
            changed = EventFilter.of(principal, follower.filter.dag_ids, follower.filter.kinds)
            if changed == follower.filter:
                continue
            with self._lock:
                is_member = follower in self._groups.get((follower.filter, follower.is_stream), ())
                self._remove(follower)
                follower.filter = changed
                if is_member:
                    self._groups[changed, follower.is_stream].add(follower)

    def _prune(self) -> None:
        if monotonic() - self._pruned_at >= _PRUNE_SECONDS:
            self._pruned_at = monotonic()
            prune_events(self._database, before=datetime.now(UTC) - self._kept)

    def _warn_of_lag(self) -> None:
        if not self._has_warned and self._settled.lag_seconds > LAG_SECONDS_MAX:
            self._has_warned = True
            log.warning("events are late: a transaction of the database server is open, seconds=%.0f", self.lag_seconds)

    def _drop_listener(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _wake(self) -> None:
        with suppress(OSError):
            os.write(self._wake_write, b"!")


def _deliver(texts: Sequence[tuple[Follower, bytes]], position: int) -> None:
    for follower, text in texts:
        try:
            follower.deliver(text, position)
        except Exception:  # one client must not keep events from the others
            log.exception("an event was not delivered")
