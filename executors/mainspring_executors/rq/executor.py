"""The scheduler's side: attempt ids go into Redis from a thread of its own, so that no pass waits for Redis."""

import logging
import os
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from queue import Empty, Full, Queue
from time import monotonic

from mainspring.attempts import Attempt, Report
from mainspring.errors import ExecutorError
from mainspring.failpoints import failpoint
from mainspring_executors.contract import AttemptLocation, Capabilities, SubmitResult, Submitted
from mainspring_executors.rq import redis_queue as transport
from mainspring_executors.settings import ExecutorSettings

__all__ = ["RqExecutor"]

_log = logging.getLogger(__name__)

WAITING_MAX = 1_000
"""Attempts that may wait for a worker, in Redis or on the way there. Beyond it they wait in the store, where their
priorities still count."""
_RESERVE = 4
"""What must stay in a queue for there to be any slack."""
_PER_SECOND_MIN = 100.0
"""Workers may be this quick before they were seen to be."""
_IN_USE_SECONDS = 1.0
"""How long after the last attempt that went into it a queue that is empty is waited for."""
_OUTBOX_MAX = 10_000
_BATCH_MAX = 500
_LOOK_SECONDS = 0.1
"""Between two looks at the lengths of the queues, while something waits in them."""
_RETRY_SECONDS = (0.05, 0.2, 0.5, 1.0, 2.0)


class RqExecutor:
    """Hands attempts to workers on any machine. Their reports come home by the execution API, not through here."""

    capabilities = Capabilities(hard_cancel=True, isolates_crash=True, survives_scheduler_restart=True)

    def __init__(self, settings: ExecutorSettings) -> None:
        if not settings.redis_url:
            raise ExecutorError("the rq executor needs the address of Redis: set MAINSPRING_REDIS_URL")
        self._redis = transport.connect(settings.redis_url)
        self._outbox: Queue[tuple[str, str]] = Queue(_OUTBOX_MAX)
        """(queue, attempt id)."""
        self._lock = threading.Lock()
        self._pending: dict[str, str] = {}
        """Accepted here and not yet in Redis: attempt id -> queue. Guarded by the lock, as is what follows."""
        self._unclaimed: Mapping[str, str] = {}
        """To be put back where they are missing."""
        self._accepted_at: dict[str, float] = {}
        """Queue -> when something was last accepted for it."""
        self._waiting: Counter[str] = Counter()
        """In Redis: queue -> at the last look, and what was sent since."""
        self._per_second: dict[str, float] = {}
        """Queue -> how many workers took, between the last two looks."""
        self._looked_at = monotonic()
        self._closing = threading.Event()
        self._silent, self._unused = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._thread = threading.Thread(target=self._run, name="rq-submit", daemon=True)
        self._thread.start()

    def submit(self, attempts: Sequence[Attempt]) -> Sequence[Submitted]:
        if self._closing.is_set():
            raise ExecutorError("the executor is closed; open another one")
        return [self._accept(attempt.attempt_id, attempt.queue) for attempt in attempts]

    def restore(self, unclaimed: Mapping[str, str]) -> None:
        """Have attempts that no worker claimed (attempt id -> queue) put back into their queues where they are missing.

        One that is delivered twice by this is claimed once.
        """
        with self._lock:
            self._unclaimed = dict(unclaimed)

    def reports(self, timeout: float) -> Sequence[Report]:
        return []

    def fileno(self) -> int:
        return self._silent

    def cancel(self, attempt_ids: Sequence[str]) -> None:
        """Nothing to do here: a claim of a fenced attempt is refused, and a heartbeat's answer stops a claimed one."""

    def recover(self, attempt_ids: Sequence[str]) -> Mapping[str, AttemptLocation]:
        """Queued, or unknown: what is not in Redis may be with a worker, and that only the store can tell.

        Asks Redis and waits for the answer, for a few seconds at most; the scheduler's loop does not use it.
        """
        from redis import RedisError

        with self._lock:
            queued, queues = set(self._pending), set(self._accepted_at)
        try:
            queued |= transport.waiting(self._redis, queues)
        except RedisError as exc:
            _log.warning("Redis cannot tell what waits: %s", exc)
        return {one: AttemptLocation.QUEUED if one in queued else AttemptLocation.UNKNOWN for one in attempt_ids}

    def capacity(self) -> int:
        with self._lock:
            return max(0, WAITING_MAX - self._waiting.total() - len(self._pending))

    def headroom(self) -> float:
        """A quarter of the time in which the first of the queues in use would be empty: the last look at them may be
        half of that ago."""
        since = monotonic() - _IN_USE_SECONDS
        with self._lock:
            waiting = self._waiting + Counter(self._pending.values())
            in_use = {queue for queue, at in self._accepted_at.items() if at >= since} | waiting.keys()
            seconds = [
                (waiting[queue] - _RESERVE) / max(_PER_SECOND_MIN, self._per_second.get(queue, 0.0)) for queue in in_use
            ]
        return max(0.0, min(seconds, default=0.0) / 4)

    def close(self, grace: timedelta) -> None:
        """Attempts are the workers' and go on. What cannot be put into Redis now, the next scheduler puts there."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._thread.join()
        self._redis.close()
        os.close(self._silent)
        os.close(self._unused)

    def _accept(self, attempt_id: str, queue: str) -> Submitted:
        with self._lock:
            self._accepted_at[queue] = monotonic()
            self._pending[attempt_id] = queue
        try:
            self._outbox.put_nowait((queue, attempt_id))
        except Full:
            with self._lock:
                self._pending.pop(attempt_id, None)
            # It is found unclaimed, and restored.
            return Submitted(attempt_id=attempt_id, result=SubmitResult.UNKNOWN, detail="Redis does not keep up")
        return Submitted(attempt_id=attempt_id, result=SubmitResult.ACCEPTED)

    # -- in the thread

    def _run(self) -> None:
        """Until closed and, as long as Redis takes it, until all is sent."""
        batch: list[tuple[str, str]] = []
        failures = 0
        while not self._closing.is_set() or batch or not self._outbox.empty():
            try:
                batch = batch or self._next_batch()
                self._send(batch)
                batch = []
                if self._waiting.total() and monotonic() - self._looked_at >= _LOOK_SECONDS:
                    self._look()
                self._put_back()
                failures = 0
            except Exception as exc:
                # Whatever it is, the thread must not end: nothing would be submitted any more.
                _log.warning("attempts cannot be put into Redis now: %s: %s", type(exc).__name__, exc)
                if self._closing.wait(_RETRY_SECONDS[min(failures, len(_RETRY_SECONDS) - 1)]):
                    return
                failures += 1

    def _next_batch(self) -> list[tuple[str, str]]:
        batch = []
        try:
            batch.append(self._outbox.get(timeout=_LOOK_SECONDS))
            while len(batch) < _BATCH_MAX:
                batch.append(self._outbox.get_nowait())
        except Empty:
            pass
        return batch

    def _send(self, batch: Sequence[tuple[str, str]]) -> None:
        for queue in dict.fromkeys(queue for queue, _ in batch):
            failpoint("remote.enqueue.before")
            transport.enqueue(self._redis, queue, [attempt_id for of, attempt_id in batch if of == queue])
            failpoint("remote.enqueue.done")
        with self._lock:
            for queue, attempt_id in batch:
                self._pending.pop(attempt_id, None)
                self._waiting[queue] += 1

    def _look(self) -> None:
        with self._lock:
            queues = list(self._accepted_at)
        waiting = Counter(transport.lengths(self._redis, queues))
        with self._lock:
            # Nothing is sent meanwhile: it is this thread that sends.
            now = monotonic()
            taken, seconds = self._waiting - waiting, now - self._looked_at
            self._per_second = {queue: number / seconds for queue, number in taken.items()}
            self._waiting, self._looked_at = waiting, now

    def _put_back(self) -> None:
        with self._lock:
            unclaimed = {one: queue for one, queue in self._unclaimed.items() if one not in self._pending}
            for queue in unclaimed.values():
                self._accepted_at.setdefault(queue, float("-inf"))
        if unclaimed:
            failpoint("remote.put-back.before")
            there = transport.waiting(self._redis, set(unclaimed.values()))
            missing = [(queue, one) for one, queue in unclaimed.items() if one not in there]
            if missing:
                _log.warning("%d attempts that no worker claimed were missing in Redis: put back", len(missing))
            self._send(missing)
            failpoint("remote.put-back.done")
        with self._lock:
            self._unclaimed = {}
