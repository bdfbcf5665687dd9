"""Sends events to receivers outside of the installation, in threads that run while the passes go on.

One thread makes deliveries of events and hands receivers to a pool of threads. A receiver has at most one thread at a
time. Failing, slow and new receivers share half of the threads, so that the other receivers never wait for them.
"""

import logging
import os
import select
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from threading import Event, Lock, Thread
from time import monotonic

from mainspring.errors import StoreUnavailable
from mainspring_executors.addresses import AddressPolicy, HostList
from mainspring_scheduler.clock import Clock
from mainspring_scheduler.deliveries.fan_out import FanOut
from mainspring_scheduler.deliveries.notices import Notices
from mainspring_scheduler.deliveries.posting import Poster
from mainspring_scheduler.deliveries.sending import Outcomes, Post, Sender
from mainspring_store.access.installation import holds_schedules
from mainspring_store.database.key_ring import KeyRing
from mainspring_store.database.notify import Listener, open_feed_listener
from mainspring_store.database.transactions import Database
from mainspring_store.scheduling.deliveries import (
    DueReceiver,
    due_receivers,
    forget_deliveries,
    release_receivers,
)
from mainspring_store.state.receivers import ReceiverKind

__all__ = ["DeliveryDuty", "DeliverySettings"]

_log = logging.getLogger(__name__)

THREADS = 16
SLOW_SECONDS = 2.0
"""A receiver whose turn took longer for each delivery counts as slow, until it is fast again."""
_TRUSTED_MAX = 5_000
KEPT = timedelta(days=7)
"""Deliveries that ended stay so long."""
_POLL_SECONDS = 1.0
_BLOCKED_POLL_SECONDS = 0.01
_GATHER_SECONDS = 0.05
"""After each page, so that the events of a busy engine share a page."""
_DUE_LOOK_SECONDS_MAX = 0.25
"""While events come all the time, how often the duty looks for attempts that are due again."""
_FORGET_SECONDS = 600.0
_FORGET_PAUSE_SECONDS = 1.0
"""Between two batches of old deliveries, so that the engine gets the database between them."""
_DUE_MAX = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliverySettings:
    """What the settings of the scheduler say about deliveries."""

    http_allow: Sequence[str] = ()
    """Private addresses that receivers may have."""
    callback_allow: Sequence[str] = ()
    """Hosts that callbacks may have; empty = no callback is sent."""
    public_url: str | None = None
    """Address of the page, for links; None = deliveries have no links."""


class DeliveryDuty:
    """The threads that send, from `start` to `stop`."""

    def __init__(
        self,
        database: Database,
        settings: DeliverySettings,
        clock: Clock,
        *,
        key_ring: KeyRing | None,
        incarnation: str,
        is_exclusive: bool,
    ) -> None:
        """is_exclusive: no other scheduler uses the database, so leases of earlier schedulers are void."""
        self._database = database
        self._clock = clock
        self._is_exclusive = is_exclusive
        self._http_allow = settings.http_allow
        self._policy = AddressPolicy(settings.http_allow)
        self._callback_hosts = HostList(settings.callback_allow)
        self._fan_out = FanOut(database, key_ring, clock, public_url=settings.public_url)
        self._outcomes = Outcomes()
        self._sender = Sender(
            database=database,
            key_ring=key_ring,
            clock=clock,
            incarnation=incarnation,
            random=Random().random,  # noqa: S311  spreads attempts, guards nothing
            outcomes=self._outcomes,
        )
        self._stopped = Event()
        self._lock = Lock()
        self._posters: dict[int, tuple[Poster, Notices]] = {}
        """Receivers that have a thread now."""
        self._suspects: set[int] = set()
        """Those of them that are not trusted."""
        self._trusted: dict[int, datetime] = {}
        """Receivers that were fast in their latest turn -> when a user changed them last. Longest known first."""
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="deliveries")
        self._thread = Thread(target=self._run, name="webhooks", daemon=True)
        self._listener: Listener | None = None
        self._hold: tuple[float, bool] | None = None
        """When the duty looked for a hold, and whether there was one."""
        self._due_looked_at = float("-inf")
        self._forgets_at = monotonic() + _FORGET_SECONDS
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    @property
    def outcomes(self) -> Mapping[str, int]:
        """Outcome -> number, since the start."""
        return self._outcomes.read()

    def start(self) -> None:
        self._thread.start()

    def abort(self) -> None:
        """Begin to end, without waiting: attempts under way are aborted, and made again by the next scheduler."""
        self._stopped.set()
        self._wake()
        with self._lock:
            posters = list(self._posters.values())
        for poster, notices in posters:
            poster.abort()
            notices.abort()

    def stop(self) -> None:
        """Abort, and wait for the threads. A thread that looks up or connects to a host ends after this at most
        `ATTEMPT_SECONDS_MAX`."""
        self.abort()
        if self._thread.is_alive():
            self._thread.join()
        self._pool.shutdown(wait=True, cancel_futures=True)
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _run(self) -> None:
        is_begun = False
        while not self._stopped.is_set():
            pause = _POLL_SECONDS
            try:
                if not is_begun and self._is_exclusive:
                    release_receivers(self._database)
                is_begun = True
                pause = self.turn()
            except StoreUnavailable as exc:
                _log.warning("webhooks wait for the database: cause=%s", exc)
            except Exception:
                _log.exception("webhooks failed, retrying: retry_seconds=%s", _POLL_SECONDS)
            self._wait(pause)
        self._drop_listener()

    def turn(self) -> float:
        """Make deliveries, and begin to send what is due. Returns the longest pause before the next turn."""
        self._abort_overdue()  # also while the database is unreachable
        if self._is_held():
            # The original may be alive, and its receivers must not hear from a copy.
            return _POLL_SECONDS
        events, deliveries = self._fan_out.step()
        # A busy engine has events in each turn, and few of them are for a receiver.
        if deliveries or not events or monotonic() - self._due_looked_at >= _DUE_LOOK_SECONDS_MAX:
            self._due_looked_at = monotonic()
            self._begin_due()
        self._forget()
        if not self._fan_out.has_subscribers:
            self._drop_listener()
            return _POLL_SECONDS
        if self._listener is None:
            self._listener = open_feed_listener(self._database)
            return 0.0
        if events:
            self._stopped.wait(_GATHER_SECONDS)
            return 0.0
        return _BLOCKED_POLL_SECONDS if self._fan_out.is_blocked else _POLL_SECONDS

    def _is_held(self) -> bool:
        """Whether an administrator holds schedules after a restore. A restore needs stopped services. So this process
        sees only the end of a hold, at most a second late."""
        now = monotonic()
        if self._hold is None or now - self._hold[0] >= _POLL_SECONDS:
            self._hold = now, holds_schedules(self._database)
        return self._hold[1]

    def _forget(self) -> None:
        """Delete a batch of old deliveries when a batch is due."""
        now = monotonic()
        if now >= self._forgets_at:
            # A batch that fails is due again after the long pause.
            self._forgets_at = now + _FORGET_SECONDS
            if forget_deliveries(self._database, before=self._clock.now() - KEPT):
                self._forgets_at = now + _FORGET_PAUSE_SECONDS

    def _begin_due(self) -> None:
        now = self._clock.now()
        due = due_receivers(self._database, now=now, limit=_DUE_MAX)
        if len(due) == _DUE_MAX:
            # Receivers that wait for a thread of the suspects must not hide the others.
            with self._lock:
                trusted = list(self._trusted)
            due = [*due_receivers(self._database, now=now, limit=_DUE_MAX, among=trusted), *due]
        for receiver in due:
            with self._lock:
                is_suspect = receiver.failures > 0 or self._trusted.get(receiver.id) != receiver.updated_at
                has_thread = len(self._posters) < THREADS and not (is_suspect and len(self._suspects) >= THREADS // 2)
                if receiver.id in self._posters or not has_thread:
                    continue
                self._posters[receiver.id] = Poster(self._policy), Notices(self._http_allow)
                if is_suspect:
                    self._suspects.add(receiver.id)
            self._pool.submit(self._send, receiver)

    def _send(self, receiver: DueReceiver) -> None:
        """In a thread of the pool."""
        poster, notices = self._posters[receiver.id]
        began, attempts = monotonic(), 0
        try:
            attempts = self._sender.send(
                receiver.id, lambda kind: self._post_of(kind, poster, notices), self._stopped.is_set
            )
        except StoreUnavailable as exc:
            _log.warning("outcomes of deliveries are not stored, they are sent again: cause=%s", exc)
        except Exception:
            _log.exception("deliveries failed")
        finally:
            poster.close()
            is_fast = monotonic() - began <= SLOW_SECONDS * max(1, attempts)
            with self._lock:
                del self._posters[receiver.id]
                self._suspects.discard(receiver.id)
                self._note_turn(receiver, attempts, is_fast=is_fast)
            self._wake()

    def _note_turn(self, receiver: DueReceiver, attempts: int, *, is_fast: bool) -> None:
        """Trust a receiver or not; under the lock. Failures are in the database. A callback has a single turn."""
        if not is_fast:
            self._trusted.pop(receiver.id, None)
        elif attempts and receiver.kind is not ReceiverKind.CALLBACK:
            self._trusted[receiver.id] = receiver.updated_at
            if len(self._trusted) > _TRUSTED_MAX:
                del self._trusted[next(iter(self._trusted))]

    def _post_of(self, kind: ReceiverKind, poster: Poster, notices: Notices) -> Post:
        if kind is ReceiverKind.NOTIFIER:
            return notices.post
        if kind is ReceiverKind.CALLBACK:
            poster.restrict(self._callback_hosts)
        return poster.post

    def _abort_overdue(self) -> None:
        """End attempts whose receivers send a byte now and then, and so outlast the limit of each wait."""
        now = monotonic()
        with self._lock:
            posters = list(self._posters.values())
        for poster, _ in posters:
            ends_at = poster.ends_at  # the thread of the attempt may set None at any time
            if ends_at is not None and ends_at + 1.0 < now:
                poster.abort()

    def _wait(self, seconds: float) -> None:
        poll = select.poll()
        poll.register(self._wake_read, select.POLLIN)
        if self._listener is not None:
            poll.register(self._listener.fileno(), select.POLLIN)
        poll.poll(seconds * 1000)
        with suppress(BlockingIOError):
            os.read(self._wake_read, 4096)
        if self._listener is not None:
            self._listener.clear()

    def _drop_listener(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _wake(self) -> None:
        with suppress(OSError):
            os.write(self._wake_write, b"!")
