"""The scheduler's side of `rq`. A thread of its own puts attempt ids into Redis, so that no pass waits for Redis."""

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
from mainspring_executors.rq import redis_queue
from mainspring_executors.settings import ExecutorSettings

__all__ = ["RqExecutor"]

_log = logging.getLogger(__name__)

WAITING_MAX = 1_000
"""Attempts that may wait for a worker, in Redis or on the way there. Further attempts wait in the store, where a higher
priority can still overtake them."""
_RESERVE = 4
"""A queue with at most this many attempts has no headroom."""
_PER_SECOND_MIN = 100.0
"""The rate of the workers that `headroom` assumes at least, before it has measured a faster one."""
_IN_USE_SECONDS = 1.0
"""An empty queue counts as in use for this long after its last attempt."""
_OUTBOX_MAX = 10_000
_BATCH_MAX = 500
_LOOK_SECONDS = 0.1
"""Between two reads of the lengths of the queues, while attempts wait in them."""
_RETRY_SECONDS = (0.05, 0.2, 0.5, 1.0, 2.0)


class RqExecutor:
    """Hands attempts to workers on any machine. The workers report to the execution API, so `reports` is empty."""

    capabilities = Capabilities(hard_cancel=True, isolates_crash=True, survives_scheduler_restart=True)

    def __init__(self, settings: ExecutorSettings) -> None:
        if not settings.redis_url:
            raise ExecutorError("the rq executor needs the address of Redis: set MAINSPRING_REDIS_URL")
        self._redis = redis_queue.connect(settings.redis_url)
        self._outbox: Queue[tuple[str, str]] = Queue(_OUTBOX_MAX)
        """(queue, attempt id)."""
        self._lock = threading.Lock()
        self._pending: dict[str, str] = {}
        """Attempt id -> queue, of accepted attempts that are not in Redis yet. The lock guards this and the next
        five attributes."""
        self._unclaimed: Mapping[str, str] = {}
        """Attempt id -> queue, of attempts to put back where they are missing in Redis."""
        self._accepted_at: dict[str, float] = {}
        """Queue -> when this executor last accepted an attempt for the queue."""
        self._waiting: Counter[str] = Counter()
        """Queue -> attempts in Redis at the last read of the lengths, plus the attempts sent since."""
        self._per_second: dict[str, float] = {}
        """Queue -> attempts that the workers took per second, between the last two reads of the lengths."""
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
        """Put attempts that no worker claimed (attempt id -> queue) back into their queues where they are missing.

        Redis may then deliver an attempt twice. Only one claim succeeds.
        """
        with self._lock:
            self._unclaimed = dict(unclaimed)

    def reports(self, timeout: float) -> Sequence[Report]:
        return []

    def fileno(self) -> int:
        return self._silent

    def cancel(self, attempt_ids: Sequence[str]) -> None:
        """Do nothing: the server refuses claims of fenced attempts, and answers to heartbeats stop claimed attempts."""

    def recover(self, attempt_ids: Sequence[str]) -> Mapping[str, AttemptLocation]:
        """`QUEUED` for attempts that wait in Redis, else `UNKNOWN`: only the store knows the claimed attempts.

        Waits for Redis for a few seconds at most; the scheduler's loop does not call this.
        """
        from redis import RedisError

        with self._lock:
            queued, queues = set(self._pending), set(self._accepted_at)
        try:
            queued |= redis_queue.waiting(self._redis, queues)
        except RedisError as exc:
            _log.warning("waiting attempts unknown, Redis is unreachable: cause=%s", exc)
        return {
            attempt_id: AttemptLocation.QUEUED if attempt_id in queued else AttemptLocation.UNKNOWN
            for attempt_id in attempt_ids
        }

    def capacity(self) -> int:
        with self._lock:
            return max(0, WAITING_MAX - self._waiting.total() - len(self._pending))

    def headroom(self) -> float:
        """A quarter of the time in which the workers would empty the first of the queues in use.

        The divisor is a safety margin: the lengths may be old by half of that time.
        """
        since = monotonic() - _IN_USE_SECONDS
        with self._lock:
            waiting = self._waiting + Counter(self._pending.values())
            in_use = {queue for queue, at in self._accepted_at.items() if at >= since} | waiting.keys()
            seconds = [
                (waiting[queue] - _RESERVE) / max(_PER_SECOND_MIN, self._per_second.get(queue, 0.0)) for queue in in_use
            ]
        return max(0.0, min(seconds, default=0.0) / 4)

    def close(self, grace: timedelta) -> None:
        """Stop the thread. Running attempts go on with their workers. The next scheduler restores the attempts that
        this thread could not put into Redis."""
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
            # The scheduler restores the attempt when no worker claims it.
            return Submitted(attempt_id=attempt_id, result=SubmitResult.UNKNOWN, detail="Redis does not keep up")
        return Submitted(attempt_id=attempt_id, result=SubmitResult.ACCEPTED)

    # -- in the thread

    def _run(self) -> None:
        """Send batches until `close`; then send the rest, unless Redis fails."""
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
                # No exception may end the thread: without the thread, the executor would submit no attempt.
                _log.warning("attempts not put into Redis, retrying: error=%s cause=%s", type(exc).__name__, exc)
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
            redis_queue.enqueue(self._redis, queue, [attempt_id for target, attempt_id in batch if target == queue])
            failpoint("remote.enqueue.done")
        with self._lock:
            for queue, attempt_id in batch:
                self._pending.pop(attempt_id, None)
                self._waiting[queue] += 1

    def _look(self) -> None:
        with self._lock:
            queues = list(self._accepted_at)
        waiting = Counter(redis_queue.lengths(self._redis, queues))
        with self._lock:
            # No attempt was sent since the read of the lengths: only this thread sends.
            now = monotonic()
            taken, seconds = self._waiting - waiting, now - self._looked_at
            self._per_second = {queue: number / seconds for queue, number in taken.items()}
            self._waiting, self._looked_at = waiting, now

    def _put_back(self) -> None:
        with self._lock:
            unclaimed = {
                attempt_id: queue for attempt_id, queue in self._unclaimed.items() if attempt_id not in self._pending
            }
            for queue in unclaimed.values():
                self._accepted_at.setdefault(queue, float("-inf"))
        if unclaimed:
            failpoint("remote.put-back.before")
            waiting_ids = redis_queue.waiting(self._redis, set(unclaimed.values()))
            missing = [(queue, attempt_id) for attempt_id, queue in unclaimed.items() if attempt_id not in waiting_ids]
            if missing:
                _log.warning("unclaimed attempts missing in Redis are put back: count=%d", len(missing))
            self._send(missing)
            failpoint("remote.put-back.done")
        with self._lock:
            self._unclaimed = {}
