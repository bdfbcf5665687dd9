"""RQ's worker with the worker loop in it, and without RQ's bookkeeping for each job.

Written against RQ 2.12; `tests/unit/executors/rq/test_rq_worker.py` fails when RQ changes an overridden method.
"""

import logging
import signal
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import Any

from redis import Redis, RedisError
from redis.exceptions import NoPermissionError, ResponseError
from rq import Queue, SimpleWorker
from rq.exceptions import DequeueTimeout, StopRequested
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.utils import now as rq_now

from mainspring.errors import ExecutorError
from mainspring.failpoints import failpoint
from mainspring_executors.local.local import LocalExecutor
from mainspring_executors.local.value_folder import ValueFolder
from mainspring_executors.rq import redis_queue
from mainspring_executors.rq.attempt_run import HEARTBEATS_IN_LEASE
from mainspring_executors.rq.execution_client import ExecutionClient, Outdated, Unauthorized, Unreachable
from mainspring_executors.rq.worker_loop import WorkerLoop
from mainspring_executors.settings import ExecutorSettings

__all__ = ["WorkerSettings", "check_redis", "run_worker"]

_log = logging.getLogger(__name__)

_SELF_FENCE_MIN = timedelta(seconds=2)
_CALLS_IN_LEASE = 12
"""A call to the execution API waits at most this fraction of a lease. A task host waits for four calls before it stops
itself."""
_PAUSE_SECONDS = 1.0
"""Pause before the worker tries Redis or the execution API again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerSettings:
    """How to run one worker. Addresses and credentials come from here only: no entry in Redis can change them."""

    redis_url: str = field(repr=False)
    execution_url: str
    worker_token: str = field(repr=False)
    queue: str = "default"
    """One queue per process. RQ loses a job when a worker of several queues dies between pop and start."""
    code_path: tuple[Path, ...] = ()
    http_allow: tuple[str, ...] = ()
    state_dir: Path | None = None
    close_grace: timedelta = timedelta(seconds=10)
    """How long a task may run on after SIGTERM."""
    environment: tuple[str, ...] = ()
    task_user: str | None = None
    """The user that tasks run as; see `ExecutorSettings`."""


class _Job(Job):
    """A job that is only an id. The worker never reads the job's content from Redis, so a writer of Redis cannot make
    the worker run code."""

    @classmethod
    def fetch(cls, id: str, connection: Any = None, serializer: Any = None) -> "_Job":
        return cls(id, connection=connection, serializer=serializer)


class _Queue(Queue):
    """Takes only attempt ids out of Redis and drops all other entries."""

    @classmethod
    def lmove(cls, connection: Redis, queue_key: str, timeout: int | None) -> Any:
        """Raises `DequeueTimeout` after a dropped entry too, so that the worker sends heartbeats between drops."""
        queue = queue_key.removeprefix(f"{cls.redis_queue_namespace_prefix}{redis_queue.QUEUE_PREFIX}")
        try:
            with redis_queue.mends_wrong_types(connection, queue):
                entry = super().lmove(connection, queue_key, timeout)
        except ResponseError as exc:
            if "WRONGTYPE" not in str(exc):
                raise
            raise DequeueTimeout(timeout, queue_key) from exc
        if entry is not None and not redis_queue.is_attempt_id(entry[1]):
            redis_queue.drop(connection, queue, entry[1])
            raise DequeueTimeout(timeout, queue_key)
        return entry


class _Worker(SimpleWorker):
    """Takes attempt ids from one queue. The store holds the state of attempts and workers; RQ's records have no use."""

    log_job_description = False
    max_connection_wait_time = 2.0
    """Pause between two tries to reach Redis. The task host stops itself when the worker is silent for longer."""

    def __init__(
        self,
        *arguments: Any,
        run_attempts: Callable[[str], None],
        tend: Callable[[], None],
        tend_seconds: float,
        is_stopping: Callable[[], bool],
        **options: Any,
    ) -> None:
        # Before RQ's constructor, which reads `dequeue_timeout`.
        self._tend_seconds = max(1, min(int(tend_seconds), redis_queue.LISTEN_SECONDS_MAX))
        super().__init__(*arguments, **options)
        self._run_attempts = run_attempts
        self._tend = tend
        self._is_stopping = is_stopping

    @property
    def dequeue_timeout(self) -> int:
        """How long one wait for a job lasts. RQ calls `heartbeat` between two waits."""
        return self._tend_seconds

    @property
    def connection_timeout(self) -> float:  # type: ignore[override]  # RQ counts whole seconds
        """The socket timeout of the existing connection. RQ would lengthen the timeout of later connections only."""
        return redis_queue.ANSWER_SECONDS_MAX

    def execute_job(self, job: Any, queue: Any) -> None:
        self._run_attempts(job.id)

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """Send the heartbeat to the execution API. RQ's own, a write to Redis for each job, would cost more than a
        short job."""
        self._tend()
        if self._is_stopping():
            raise StopRequested

    def set_state(self, state: Any, pipeline: Any = None) -> None:
        """Keep the state in memory: no other process reads it."""
        self._state = state

    def run_maintenance_tasks(self) -> None:
        """Do nothing. RQ would mark abandoned jobs as failed; the scheduler restores them instead."""
        self.last_cleaned_at = rq_now()  # type: ignore[assignment]  # RQ declares it as always None

    def subscribe(self) -> None:
        """Take no commands from Redis: the answer to a heartbeat carries the cancels."""

    def unsubscribe(self) -> None:
        """There is no subscription to end."""

    def _install_signal_handlers(self) -> None:
        """Leave the signal handlers to the service."""


class _Service:
    """A worker with its task host and its connections."""

    def __init__(self, settings: WorkerSettings) -> None:
        self._settings = settings
        self._redis = redis_queue.connect(settings.redis_url)
        self._execution_client = ExecutionClient(settings.execution_url, settings.worker_token, queue=settings.queue)
        self._is_waiting = False
        """Whether a signal may interrupt the worker at once: it waits for an attempt and holds no claim."""
        self.is_stopping = False
        self._outdated: Outdated | None = None
        self._lease = timedelta(0)
        self._heartbeat_at = float("-inf")

    def stop(self) -> None:
        """Ask the worker to end: at once when idle, else after the attempt. For a signal handler."""
        self.is_stopping = True
        if self._is_waiting:
            self._is_waiting = False
            raise StopRequested

    def run(self) -> None:
        """Work until `stop`. Raises `ExecutorError` when a setting makes work impossible."""
        if not self._wait_until_accepted():
            return
        settings = self._settings
        with ExitStack() as stack:
            state_dir = settings.state_dir or Path(stack.enter_context(TemporaryDirectory(prefix="mainspring-")))
            self._folder = ValueFolder(state_dir, task_user=settings.task_user)
            stack.callback(self._folder.close)
            self._run_executor(state_dir)

    def _run_executor(self, state_dir: Path) -> None:
        settings = self._settings
        self._executor = LocalExecutor(
            ExecutorSettings(
                concurrency=1,
                is_single_task=True,
                code_path=settings.code_path,
                http_allow=settings.http_allow,
                state_dir=state_dir,
                values_dir=self._folder.path,
                environment=settings.environment,
                task_user=settings.task_user,
                # A paused worker cannot stop its task. The task host then stops the task before the lease ends.
                self_fence=max(self._lease / 2, _SELF_FENCE_MIN),
            )
        )
        self._execution_client.refusals = self._executor.refusals
        try:
            while not self.is_stopping:
                self._work()
        finally:
            self._executor.close(timedelta(0))
            self._sign_off()
        if self._outdated is not None:
            raise self._outdated

    def _wait_until_accepted(self) -> bool:
        """Wait until Redis passes the check and the execution API accepts this worker.

        Returns False when the worker is stopping before.
        """
        while not self.is_stopping:
            try:
                check_redis(self._redis)
                self._lease = self._execution_client.heartbeat([]).lease
                self._execution_client.patience_seconds = self._lease.total_seconds() / _CALLS_IN_LEASE
                return True
            except Unauthorized as exc:
                raise ExecutorError(str(exc)) from exc
            except (Unreachable, RedisError) as exc:
                _log.warning("worker cannot start yet, retrying: retry_seconds=%s cause=%s", _PAUSE_SECONDS, exc)
                sleep(_PAUSE_SECONDS)
        return False

    def _work(self) -> None:
        """Run attempts until the worker is stopping or Redis is unreachable."""
        try:
            # RQ's constructor sends commands to Redis.
            worker = self._new_worker()
            self._is_waiting = True
            worker.work(logging_level="WARNING")
        except StopRequested:
            pass
        except RedisError as exc:
            _log.warning("Redis is unreachable, retrying: retry_seconds=%s cause=%s", _PAUSE_SECONDS, exc)
        finally:
            self._is_waiting = False
        if not self.is_stopping:
            self._tend()
            sleep(_PAUSE_SECONDS)

    def _new_worker(self) -> _Worker:
        """Raises `RedisError`."""
        return _Worker(
            [f"{redis_queue.QUEUE_PREFIX}{self._settings.queue}"],
            connection=self._redis,
            job_class=_Job,
            queue_class=_Queue,
            serializer=JSONSerializer,
            run_attempts=self._run_attempts,
            tend=self._tend,
            tend_seconds=self._lease.total_seconds() / HEARTBEATS_IN_LEASE,
            is_stopping=lambda: self.is_stopping,
        )

    def _run_attempts(self, attempt_id: str) -> None:
        self._is_waiting = False
        failpoint("worker.taken")
        worker_loop = WorkerLoop(
            self._execution_client,
            self._executor,
            self,
            folder=self._folder,
            is_stopping=lambda: self.is_stopping,
            stop_grace=self._settings.close_grace,
        )
        try:
            worker_loop.run_attempts(attempt_id)
        except Outdated as exc:
            self._retire(exc)
        except Exception:
            # The worker loop is gone, so the lease of a running attempt is not renewed: stop the attempt before the
            # lease ends. RQ logs the exception and goes on with the next job.
            self._executor.kill("its worker failed")
            raise
        self._is_waiting = not self.is_stopping

    # -- `Deliveries` of the worker loop

    def take(self) -> str | None:
        self._tend()
        if self.is_stopping:
            return None
        try:
            attempt_id = redis_queue.take(self._redis, self._settings.queue)
        except RedisError as exc:
            _log.warning("Redis is unreachable, no attempt taken: cause=%s", exc)
            return None
        if attempt_id is not None:
            failpoint("worker.next-taken")
        return attempt_id

    def acknowledge(self, attempt_id: str) -> None:
        try:
            failpoint("worker.remove.before")
            redis_queue.remove(self._redis, self._settings.queue, attempt_id)
            failpoint("worker.remove.done")
        except RedisError as exc:
            # Redis may deliver the attempt again. The server then refuses the claim.
            _log.warning("attempt not removed from Redis: attempt=%s cause=%s", attempt_id, exc)

    def acknowledge_and_take(self, attempt_ids: Sequence[str], count_max: int) -> Sequence[str]:
        self._heartbeat()
        if self.is_stopping:
            for attempt_id in attempt_ids:
                self.acknowledge(attempt_id)
            return []
        try:
            failpoint("worker.exchange.before")
            taken_ids = redis_queue.acknowledge_and_take(self._redis, self._settings.queue, attempt_ids, count_max)
            failpoint("worker.exchange.done")
        except RedisError as exc:
            _log.warning("Redis is unreachable, no attempt prefetched: cause=%s", exc)
            return []
        return taken_ids

    def give_back(self, attempt_id: str) -> None:
        try:
            failpoint("worker.give-back.before")
            redis_queue.give_back(self._redis, self._settings.queue, attempt_id)
            failpoint("worker.give-back.done")
        except RedisError as exc:
            # The scheduler puts back an attempt that no worker claims.
            _log.warning("attempt not given back to Redis: attempt=%s cause=%s", attempt_id, exc)

    def _tend(self) -> None:
        """Keep the task host alive and send a heartbeat, while no attempt runs."""
        # A signal must not interrupt a call to the execution API half-way.
        was_waiting, self._is_waiting = self._is_waiting, False
        self._executor.reports(0)
        self._heartbeat()
        self._is_waiting = was_waiting

    def _heartbeat(self) -> None:
        """Send a heartbeat when the last one is old enough."""
        if monotonic() - self._heartbeat_at >= self._lease.total_seconds() / HEARTBEATS_IN_LEASE:
            self._heartbeat_at = monotonic()
            failpoint("worker.idle-beat")
            try:
                self._execution_client.heartbeat([])
            except Outdated as exc:
                self._retire(exc)
            except ExecutorError as exc:
                _log.warning("heartbeat failed: cause=%s", exc)

    def _retire(self, why: Outdated) -> None:
        """End with an error: only workers of another release can run the waiting attempts."""
        self._outdated = why
        self.is_stopping = True

    def _sign_off(self) -> None:
        failpoint("worker.goodbye")
        try:
            self._execution_client.heartbeat([], is_last=True)
        except ExecutorError as exc:
            _log.warning("last heartbeat failed: cause=%s", exc)
        self._execution_client.close()
        self._redis.close()


def run_worker(settings: WorkerSettings) -> int:
    """Work until SIGTERM or SIGINT. Returns the exit code.

    Raises:
        ExecutorError: Redis fails the check, or the token or a setting is wrong.
    """
    service = _Service(settings)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: service.stop())
    service.run()
    return 0


def check_redis(redis: Redis) -> None:
    """Refuse a Redis that would lose attempts in silence.

    Raises:
        ExecutorError: Redis may evict keys, or this user has no right to check. The message names the cure.
        RedisError: Redis is unreachable or busy.
    """
    try:
        redis.info("server")
        policy = redis.info("memory").get("maxmemory_policy", "noeviction")
    except ResponseError as exc:
        if not isinstance(exc, NoPermissionError) and "unknown command" not in str(exc):
            raise  # Redis is busy or loads its data: a later try can succeed
        raise ExecutorError(
            f"Redis cannot be asked for INFO: {exc}. Without it RQ takes jobs in a way that loses them; "
            "give this user the right (+info)"
        ) from exc
    if policy != "noeviction":
        raise ExecutorError(f"Redis may evict queued attempts: maxmemory-policy is {policy}; set it to noeviction")
