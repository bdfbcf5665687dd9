"""RQ's worker with our runner in it, and without RQ's bookkeeping for each job.

Written against RQ 2.12; `tests/unit/executors/rq/test_rq_worker.py` fails when a method it overrides changes.
"""

import logging
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
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
from mainspring_executors.rq import redis_queue as transport
from mainspring_executors.rq.attempt_run import HEARTBEATS_IN_LEASE
from mainspring_executors.rq.execution_client import ExecutionClient, Outdated, Unauthorized, Unreachable
from mainspring_executors.rq.worker_loop import WorkerLoop
from mainspring_executors.settings import ExecutorSettings

__all__ = ["WorkerSettings", "check_redis", "run_worker"]

_log = logging.getLogger(__name__)

_SELF_FENCE_MIN = timedelta(seconds=2)
_CALLS_IN_LEASE = 12
"""Waits for the execution API that fit into a lease; four of them fit into the patience of the task host."""
_PAUSE_SECONDS = 1.0
"""Before Redis or the execution API is tried again."""


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
    """How long a task may go on after SIGTERM."""
    environment: tuple[str, ...] = ()
    task_user: str | None = None
    """The user whom tasks run as; see `ExecutorSettings`."""


class _Job(Job):
    """A job whose id is all that is used: what Redis holds under the id is not read."""

    @classmethod
    def fetch(cls, id: str, connection: Any = None, serializer: Any = None) -> "_Job":
        return cls(id, connection=connection, serializer=serializer)


class _Queue(Queue):
    """Takes attempt ids alone out of Redis, whatever else lies there."""

    @classmethod
    def lmove(cls, connection: Redis, queue_key: str, timeout: int | None) -> Any:
        """Raises `DequeueTimeout` after a dropped entry too, so that the worker beats between two of them."""
        queue = queue_key.removeprefix(f"{cls.redis_queue_namespace_prefix}{transport.QUEUE_PREFIX}")
        try:
            with transport.mends_wrong_types(connection, queue):
                taken = super().lmove(connection, queue_key, timeout)
        except ResponseError as exc:
            if "WRONGTYPE" not in str(exc):
                raise
            raise DequeueTimeout(timeout, queue_key) from exc
        if taken is not None and not transport.is_attempt_id(taken[1]):
            transport.drop(connection, queue, taken[1])
            raise DequeueTimeout(timeout, queue_key)
        return taken


class _Worker(SimpleWorker):
    """Takes attempt ids from one queue. What RQ notes about jobs, workers and failures is nobody's truth here."""

    log_job_description = False
    max_connection_wait_time = 2.0
    """Between two tries to reach Redis: the task host must hear from us meanwhile."""

    def __init__(
        self,
        *arguments: Any,
        run_attempts: Callable[[str], None],
        tend: Callable[[], None],
        tend_seconds: float,
        is_stopping: Callable[[], bool],
        **options: Any,
    ) -> None:
        # Before RQ's own start, which asks for the timeout of a dequeue.
        self._tend_seconds = max(1, min(int(tend_seconds), transport.LISTEN_SECONDS_MAX))
        super().__init__(*arguments, **options)
        self._run_attempts = run_attempts
        self._tend = tend
        self._is_stopping = is_stopping

    @property
    def dequeue_timeout(self) -> int:
        """How long one wait for a job lasts; between two, `heartbeat` is called."""
        return self._tend_seconds

    @property
    def connection_timeout(self) -> float:  # type: ignore[override]  # RQ counts whole seconds
        """The socket timeout that the connection has. RQ would lengthen that of later connections alone."""
        return transport.ANSWER_SECONDS_MAX

    def execute_job(self, job: Any, queue: Any) -> None:
        self._run_attempts(job.id)

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """Ours goes to the execution API; RQ's, written for each job, would cost more than the job."""
        self._tend()
        if self._is_stopping():
            raise StopRequested

    def set_state(self, state: Any, pipeline: Any = None) -> None:
        """In memory only, as no one reads it."""
        self._state = state

    def run_maintenance_tasks(self) -> None:
        """None: RQ would mark as failed what our reconciler repairs."""
        self.last_cleaned_at = rq_now()  # type: ignore[assignment]  # RQ declares it as always None

    def subscribe(self) -> None:
        """No commands by Redis: a cancel rides on the answer to a heartbeat."""

    def unsubscribe(self) -> None:
        """Nothing was subscribed."""

    def _install_signal_handlers(self) -> None:
        """The service has its own."""


class _Service:
    """A worker with its task host and its connections."""

    def __init__(self, settings: WorkerSettings) -> None:
        self._settings = settings
        self._redis = transport.connect(settings.redis_url)
        self._execution_client = ExecutionClient(settings.execution_url, settings.worker_token, queue=settings.queue)
        self._is_waiting = False
        """Whether a signal may end what is going on at once."""
        self.is_stopping = False
        self._outdated: Outdated | None = None
        self._lease = timedelta(0)
        self._heartbeat_at = float("-inf")

    def stop(self) -> None:
        """Ask it to end: at once when it is idle, else when its attempt has ended. For a signal handler."""
        self.is_stopping = True
        if self._is_waiting:
            self._is_waiting = False
            raise StopRequested

    def run(self) -> None:
        """Work until `stop`. Raises `ExecutorError` when it never can."""
        if not self._until_welcome():
            return
        settings = self._settings
        self._executor = LocalExecutor(
            ExecutorSettings(
                concurrency=1,
                is_single_task=True,
                code_path=settings.code_path,
                http_allow=settings.http_allow,
                state_dir=settings.state_dir,
                environment=settings.environment,
                task_user=settings.task_user,
                # A worker that is paused cannot stop its task: the host does, before the lease runs out.
                self_fence=max(self._lease / 2, _SELF_FENCE_MIN),
            )
        )
        try:
            while not self.is_stopping:
                self._work()
        finally:
            self._executor.close(timedelta(0))
            self._say_goodbye()
        if self._outdated is not None:
            raise self._outdated

    def _until_welcome(self) -> bool:
        """Wait until Redis is found fit and the execution API knows us; False when told to stop before."""
        while not self.is_stopping:
            try:
                check_redis(self._redis)
                self._lease = self._execution_client.heartbeat([]).lease
                self._execution_client.patience_seconds = self._lease.total_seconds() / _CALLS_IN_LEASE
                return True
            except Unauthorized as exc:
                raise ExecutorError(str(exc)) from exc
            except (Unreachable, RedisError) as exc:
                _log.warning("%s; trying again", exc)
                sleep(_PAUSE_SECONDS)
        return False

    def _work(self) -> None:
        """Take attempts until told to stop, or until Redis is away."""
        try:
            # RQ asks Redis already when the worker is made.
            worker = self._new_worker()
            self._is_waiting = True
            worker.work(logging_level="WARNING")
        except StopRequested:
            pass
        except RedisError as exc:
            _log.warning("Redis is away: %s; trying again", exc)
        finally:
            self._is_waiting = False
        if not self.is_stopping:
            self._tend()
            sleep(_PAUSE_SECONDS)

    def _new_worker(self) -> _Worker:
        """Raises `RedisError`."""
        return _Worker(
            [f"{transport.QUEUE_PREFIX}{self._settings.queue}"],
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
            is_stopping=lambda: self.is_stopping,
            stop_grace=self._settings.close_grace,
        )
        try:
            worker_loop.run_attempts(attempt_id)
        except Outdated as exc:
            self._retire(exc)
        except Exception:
            # Whatever it is, nobody renews the lease of what runs any more. RQ logs it, and the worker goes on.
            self._executor.kill("its worker failed")
            raise
        self._is_waiting = not self.is_stopping

    # -- the deliveries

    def take(self) -> str | None:
        self._tend()
        if self.is_stopping:
            return None
        try:
            attempt_id = transport.take(self._redis, self._settings.queue)
        except RedisError as exc:
            _log.warning("Redis is away: %s", exc)
            return None
        if attempt_id is not None:
            failpoint("worker.next-taken")
        return attempt_id

    def acknowledge(self, attempt_id: str) -> None:
        try:
            failpoint("worker.remove.before")
            transport.remove(self._redis, self._settings.queue, attempt_id)
            failpoint("worker.remove.done")
        except RedisError as exc:
            self._left(attempt_id, exc)

    def acknowledge_and_take(self, attempt_ids: Sequence[str], count_max: int) -> Sequence[str]:
        self._heartbeat()
        if self.is_stopping:
            for attempt_id in attempt_ids:
                self.acknowledge(attempt_id)
            return []
        try:
            failpoint("worker.exchange.before")
            following = transport.acknowledge_and_take(self._redis, self._settings.queue, attempt_ids, count_max)
            failpoint("worker.exchange.done")
        except RedisError as exc:
            _log.warning("Redis is away: %s", exc)
            return []
        return following

    def give_back(self, attempt_id: str) -> None:
        try:
            failpoint("worker.give-back.before")
            transport.give_back(self._redis, self._settings.queue, attempt_id)
            failpoint("worker.give-back.done")
        except RedisError as exc:
            # It is put back when nobody claims it.
            _log.warning("attempt %s cannot be given back to Redis: %s", attempt_id, exc)

    def _left(self, attempt_id: str, exc: RedisError) -> None:
        # It may be delivered again; the claim refuses it then.
        _log.warning("attempt %s is over but stays in Redis: %s", attempt_id, exc)

    def _tend(self) -> None:
        """What an idle worker has to do: keep its task host alive, and say that it lives."""
        was_waiting, self._is_waiting = self._is_waiting, False
        self._executor.reports(0)
        self._heartbeat()
        self._is_waiting = was_waiting

    def _heartbeat(self) -> None:
        """Say that it lives, when that is due."""
        if monotonic() - self._heartbeat_at >= self._lease.total_seconds() / HEARTBEATS_IN_LEASE:
            self._heartbeat_at = monotonic()
            failpoint("worker.idle-beat")
            try:
                self._execution_client.heartbeat([])
            except Outdated as exc:
                self._retire(exc)
            except ExecutorError as exc:
                _log.warning("%s", exc)

    def _retire(self, why: Outdated) -> None:
        """End, and say why: what waits is for workers of another release."""
        self._outdated = why
        self.is_stopping = True

    def _say_goodbye(self) -> None:
        failpoint("worker.goodbye")
        try:
            self._execution_client.heartbeat([], is_last=True)
        except ExecutorError as exc:
            _log.warning("%s", exc)
        self._execution_client.close()
        self._redis.close()


def run_worker(settings: WorkerSettings) -> int:
    """Work until SIGTERM or SIGINT. Returns the exit code.

    Raises:
        ExecutorError: Redis is not fit to carry attempts, the token is wrong, or a setting is.
    """
    service = _Service(settings)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: service.stop())
    service.run()
    return 0


def check_redis(redis: Redis) -> None:
    """Refuse a Redis that would lose attempts in silence.

    Raises:
        ExecutorError: It says what is wrong and what cures it.
        RedisError: It cannot be reached.
    """
    try:
        redis.info("server")
        policy = redis.info("memory").get("maxmemory_policy", "noeviction")
    except ResponseError as exc:
        if not isinstance(exc, NoPermissionError) and "unknown command" not in str(exc):
            raise  # it is busy or loads its data, which passes
        raise ExecutorError(
            f"Redis cannot be asked for INFO: {exc}. Without it RQ takes jobs in a way that loses them; "
            "give this user the right (+info)"
        ) from exc
    if policy != "noeviction":
        raise ExecutorError(f"Redis may evict queued attempts: maxmemory-policy is {policy}; set it to noeviction")
