"""RQ's worker with our runner in it, and without RQ's bookkeeping for each job.

Written against RQ 2.12; `tests/conformance/executors/test_rq_worker.py` fails when a method it overrides changes.
"""

import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from time import sleep
from typing import Any

from redis import Redis, RedisError
from rq import SimpleWorker
from rq.serializers import JSONSerializer
from rq.utils import now as rq_now
from rq.worker import WorkerStatus

from mainspring.errors import ExecutorError
from mainspring_executors.local import LocalExecutor
from mainspring_executors.rq import transport
from mainspring_executors.rq.carrier import Carrier
from mainspring_executors.rq.courier import Courier, Unreachable
from mainspring_executors.settings import ExecutorSettings

__all__ = ["WorkerSettings", "run_worker"]

_log = logging.getLogger(__name__)

_CLAIM_RETRY_SECONDS = (0.1, 0.5, 1.0, 2.0, 5.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerSettings:
    """How to run one worker. The addresses and the credential are its own: nothing in Redis can change them."""

    redis_url: str = field(repr=False)
    execution_url: str
    worker_token: str = field(repr=False)
    queue: str = "default"
    """One queue a process: RQ loses a job of a worker that listens to several and dies between pop and start."""
    code_path: tuple[Path, ...] = ()
    http_allow: tuple[str, ...] = ()
    state_dir: Path | None = None
    close_grace: timedelta = timedelta(seconds=10)
    beat_seconds: float = 5.0
    environment: tuple[str, ...] = ()


class _Worker(SimpleWorker):
    """Takes attempt ids from one queue. What RQ notes about jobs, workers and failures is nobody's truth here."""

    log_job_description = False

    def __init__(self, *arguments: Any, carry: Callable[["_Worker", str], None], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._carry = carry

    @property
    def is_stopping(self) -> bool:
        """Whether SIGTERM came."""
        return bool(self._stop_requested)

    def execute_job(self, job: Any, queue: Any) -> None:
        self._state = WorkerStatus.BUSY  # in memory only: a signal now lets the attempt go on
        try:
            self._carry(self, job.id)
        finally:
            self._state = WorkerStatus.IDLE

    def run_maintenance_tasks(self) -> None:
        """None: RQ would mark as failed what our reconciler repairs."""
        self.last_cleaned_at = rq_now()  # type: ignore[assignment]  # RQ declares it as always None

    def subscribe(self) -> None:
        """No commands by Redis: a cancel rides on the answer to a heartbeat."""

    def unsubscribe(self) -> None:
        """Nothing was subscribed."""


def run_worker(settings: WorkerSettings) -> int:
    """Work until SIGTERM. Returns the exit code.

    Raises:
        ExecutorError: Redis is not fit to carry attempts, or a setting is wrong.
    """
    redis = transport.connect(settings.redis_url)
    check_redis(redis)
    courier = Courier(settings.execution_url, settings.worker_token, hostname=socket.gethostname())
    executor = LocalExecutor(
        ExecutorSettings(
            concurrency=1,
            code_path=settings.code_path,
            http_allow=settings.http_allow,
            state_dir=settings.state_dir,
            environment=settings.environment,
        )
    )

    def carry(worker: _Worker, attempt_id: str) -> None:
        carrier = Carrier(
            courier,
            executor,
            is_stopping=lambda: worker.is_stopping,
            stop_grace=settings.close_grace,
            beat_seconds=settings.beat_seconds,
        )
        if _carried(carrier, attempt_id, lambda: worker.is_stopping):
            _forget(redis, settings.queue, attempt_id)

    worker = _Worker(
        [f"{transport.QUEUE_PREFIX}{settings.queue}"], connection=redis, serializer=JSONSerializer, carry=carry
    )
    try:
        worker.work(logging_level="WARNING")
    finally:
        executor.close(timedelta(0))
        courier.close()
    return 0


def check_redis(redis: Redis) -> None:
    """Refuse a Redis that would lose attempts in silence.

    Raises:
        ExecutorError: It says what is wrong and what cures it.
    """
    try:
        redis.info("server")
        policy = redis.info("memory").get("maxmemory_policy", "noeviction")
    except RedisError as exc:
        raise ExecutorError(
            f"Redis cannot be asked for INFO: {exc}. Without it RQ takes jobs in a way that loses them; "
            "give this user the right (+info)"
        ) from exc
    if policy != "noeviction":
        raise ExecutorError(f"Redis may evict queued attempts: maxmemory-policy is {policy}; set it to noeviction")


def _carried(carrier: Carrier, attempt_id: str, is_stopping: Callable[[], bool]) -> bool:
    """Carry an attempt, waiting for the execution API to come back; False when the worker is to stop before that."""
    for turn in range(100_000):
        try:
            carrier.carry(attempt_id)
            return True
        except Unreachable as exc:
            if is_stopping():
                return False
            _log.warning("%s; trying again", exc)
            sleep(_CLAIM_RETRY_SECONDS[min(turn, len(_CLAIM_RETRY_SECONDS) - 1)])
    return False


def _forget(redis: Redis, queue: str, attempt_id: str) -> None:
    try:
        transport.remove(redis, queue, attempt_id)
    except RedisError as exc:
        # It may be delivered again; the claim refuses it then.
        _log.warning("attempt %s is over but stays in Redis: %s", attempt_id, exc)
