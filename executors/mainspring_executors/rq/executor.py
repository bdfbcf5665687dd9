"""The scheduler's side: attempt ids go into Redis, from a thread of its own, so that no pass waits for Redis."""

import logging
import os
import threading
from collections.abc import Mapping, Sequence
from datetime import timedelta
from queue import Empty, Full, Queue
from typing import Any

from mainspring.attempts import Attempt, Report
from mainspring.errors import ExecutorError
from mainspring_executors.contract import Capabilities, SubmitResult, Submitted, Whereabouts
from mainspring_executors.rq import transport
from mainspring_executors.settings import ExecutorSettings

__all__ = ["RqExecutor"]

_log = logging.getLogger(__name__)

OUTBOX_MAX = 10_000
BATCH_MAX = 500
IN_FLIGHT_MAX = 1_000
_RETRY_SECONDS = (0.05, 0.2, 0.5, 1.0, 2.0, 5.0)


class RqExecutor:
    """Hands attempts to workers on any machine. Their reports come home by the execution API, not through here."""

    capabilities = Capabilities(hard_cancel=True, isolates_crash=True, survives_scheduler_restart=True)

    def __init__(self, settings: ExecutorSettings) -> None:
        if not settings.redis_url:
            raise ExecutorError("the rq executor needs the address of Redis: set MAINSPRING_REDIS_URL")
        self._redis = transport.connect(settings.redis_url)
        self._outbox: Queue[tuple[str, str]] = Queue(OUTBOX_MAX)
        self._pending: set[str] = set()
        """Accepted here and not yet in Redis."""
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._silent, self._unused = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._thread = threading.Thread(target=self._send, name="rq-submit", daemon=True)
        self._thread.start()

    def submit(self, attempts: Sequence[Attempt]) -> Sequence[Submitted]:
        return [self._accept(attempt.attempt_id, attempt.queue) for attempt in attempts]

    def resubmit(self, attempt_ids: Mapping[str, str]) -> None:
        """Put attempts into their queues again (attempt id -> queue); those that are there twice are claimed once."""
        for attempt_id, queue in attempt_ids.items():
            self._accept(attempt_id, queue)

    def reports(self, timeout: float) -> Sequence[Report]:
        return []

    def fileno(self) -> int:
        return self._silent

    def cancel(self, attempt_ids: Sequence[str]) -> None:
        """Nothing to do here: a claim of a fenced attempt is refused, and a heartbeat's answer stops a claimed one."""

    def recover(self, attempt_ids: Sequence[str]) -> Mapping[str, Whereabouts]:
        from redis import RedisError

        with self._lock:
            pending = set(self._pending)
        try:
            there = transport.present(self._redis, attempt_ids)
        except RedisError:
            return dict.fromkeys(attempt_ids, Whereabouts.UNKNOWN)
        return {
            attempt_id: Whereabouts.QUEUED if attempt_id in there or attempt_id in pending else Whereabouts.ABSENT
            for attempt_id in attempt_ids
        }

    def capacity(self) -> int:
        return max(0, IN_FLIGHT_MAX - self._outbox.qsize())

    def close(self, grace: timedelta) -> None:
        if self._closing.is_set():
            return
        self._closing.set()
        self._thread.join(timeout=max(grace.total_seconds(), transport.ANSWER_SECONDS_MAX))
        self._redis.close()
        os.close(self._silent)
        os.close(self._unused)

    def _accept(self, attempt_id: str, queue: str) -> Submitted:
        with self._lock:
            self._pending.add(attempt_id)
        try:
            self._outbox.put_nowait((attempt_id, queue))
        except Full:
            with self._lock:
                self._pending.discard(attempt_id)
            # The reconciler finds it absent and submits it again.
            return Submitted(attempt_id=attempt_id, result=SubmitResult.UNKNOWN, detail="Redis does not keep up")
        return Submitted(attempt_id=attempt_id, result=SubmitResult.ACCEPTED)

    def _send(self) -> None:
        from redis import RedisError

        batch: list[tuple[str, str]] = []
        failures = 0
        while not (self._closing.is_set() and not batch and self._outbox.empty()):
            batch = batch or self._next_batch()
            if not batch:
                continue
            try:
                for queue in dict.fromkeys(name for _, name in batch):
                    transport.enqueue(self._redis, queue, [one for one, name in batch if name == queue])
            except RedisError as exc:
                if self._closing.is_set():
                    return
                _log.warning("Redis does not take attempts now: %s; trying again", exc)
                self._closing.wait(_RETRY_SECONDS[min(failures, len(_RETRY_SECONDS) - 1)])
                failures += 1
                continue
            failures = 0
            with self._lock:
                self._pending.difference_update(attempt_id for attempt_id, _ in batch)
            batch = []

    def _next_batch(self) -> list[tuple[str, str]]:
        batch: list[Any] = []
        try:
            batch.append(self._outbox.get(timeout=0.2))
            while len(batch) < BATCH_MAX:
                batch.append(self._outbox.get_nowait())
        except Empty:
            pass
        return batch
