"""Attempt ids in Redis, as RQ jobs without content.

The id of the job is the id of the attempt. The job names one fixed callable, and no worker of Mainspring calls it. A
job holds no address, no code and no secret. A client that can write to Redis can make workers claim existing attempts,
and can do no more.
"""

import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mainspring.errors import ExecutorError
from mainspring_executors.rq.redis_sentinels import (
    LOOPBACK,
    QUOTING,
    SENTINEL_SCHEMES,
    connect_by_sentinels,
    without_password,
)

if TYPE_CHECKING:
    from redis import Redis

__all__ = [
    "ANSWER_SECONDS_MAX",
    "CALLABLE",
    "LISTEN_SECONDS_MAX",
    "QUEUE_PREFIX",
    "acknowledge_and_take",
    "connect",
    "drop",
    "enqueue",
    "give_back",
    "is_attempt_id",
    "lengths",
    "mends_wrong_types",
    "remove",
    "take",
    "waiting",
]  # fmt: skip

_log = logging.getLogger(__name__)

QUEUE_PREFIX = "mainspring-"
"""Prefix of the names of Mainspring's queues. Keeps them apart from queues of other programs in one Redis."""
CALLABLE = "mainspring_executors.rq.transport.never_called"
"""The path that every RQ job names. Workers of the previous release compare the path, so it stays for a release."""
JOB_SECONDS_MAX = 3600
"""How long a job stays in Redis after a worker of another program took it."""
CONNECT_SECONDS_MAX = 2.0
ANSWER_SECONDS_MAX = 5.0
"""The socket timeout of every connection to Redis."""
LISTEN_SECONDS_MAX = 2
"""How long one wait for an attempt lasts at most. Redis answers an empty wait at the end of this time. The answer must
come well before the socket timeout: otherwise the worker takes a quiet queue for a broken connection."""
_ATTEMPT_ID = re.compile(rb"[0-9a-f]{32}")


def never_called() -> None:
    """The callable in RQ jobs of Mainspring. A worker of another program fails here, without effect."""
    raise RuntimeError("this job is for a Mainspring worker: start `mainspring worker`")


def connect(url: str) -> "Redis":
    """A client that fails fast and never repeats a command: Redis may have carried out a command without an answer.

    Raises:
        ExecutorError: The address is malformed, or other machines could use that Redis without a password.
    """
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    options: dict[str, Any] = {
        "socket_connect_timeout": CONNECT_SECONDS_MAX,
        "socket_timeout": ANSWER_SECONDS_MAX,
        "retry": Retry(NoBackoff(), 0),
    }
    if url.partition("://")[0] in SENTINEL_SCHEMES:
        return connect_by_sentinels(url, options)
    _check_address(url)
    try:
        client: Redis = Redis.from_url(url, retry_on_timeout=False, **options)
    except ValueError as exc:
        raise ExecutorError(f"redis_url is not an address of Redis: {exc}") from None
    return client


def enqueue(redis: "Redis", queue: str, attempt_ids: Sequence[str]) -> None:
    """Put attempts into a queue, in order, in one round trip. Doing it twice is harmless: the second claim is refused.

    Raises:
        redis.RedisError: None or all of them are queued.
    """
    from rq import Queue
    from rq.job import Job

    fields = _job_fields(redis, queue)
    with mends_wrong_types(redis, queue, attempt_ids=attempt_ids), redis.pipeline() as pipeline:
        pipeline.sadd(Queue.redis_queues_keys, _key(queue))
        for attempt_id in attempt_ids:
            pipeline.hset(Job.key_for(attempt_id), mapping={**fields, "description": attempt_id})
        pipeline.rpush(_key(queue), *attempt_ids)
        pipeline.execute()


def _job_fields(redis: "Redis", queue: str) -> dict[Any, Any]:
    """The fields that RQ stores for a queued job. RQ makes them once per batch: its jobs differ only in their ids."""
    from rq import Queue
    from rq.job import JobStatus
    from rq.serializers import JSONSerializer
    from rq.utils import now

    job = Queue(f"{QUEUE_PREFIX}{queue}", connection=redis, serializer=JSONSerializer).create_job(
        CALLABLE, timeout=-1, result_ttl=JOB_SECONDS_MAX, failure_ttl=JOB_SECONDS_MAX, status=JobStatus.QUEUED
    )
    job.enqueued_at = now()
    fields: dict[Any, Any] = job.to_dict()
    return fields


def waiting(redis: "Redis", queues: Iterable[str]) -> set[str]:
    """The attempts that wait in these queues.

    Without the attempts that a worker has taken out: the worker may have died before the claim. Without entries that
    are no attempt ids: a worker drops those.

    Raises:
        redis.RedisError: Redis gave no answer.
    """
    queues = list(queues)
    with mends_wrong_types(redis, *queues), redis.pipeline(transaction=False) as pipeline:
        for queue in queues:
            pipeline.lrange(_key(queue), 0, -1)
        return {entry.decode() for entries in pipeline.execute() for entry in entries if is_attempt_id(entry)}


def lengths(redis: "Redis", queues: Sequence[str]) -> Mapping[str, int]:
    """Queue -> how many attempts wait in it.

    Raises:
        redis.RedisError: Redis gave no answer.
    """
    with mends_wrong_types(redis, *queues), redis.pipeline(transaction=False) as pipeline:
        for queue in queues:
            pipeline.llen(_key(queue))
        return dict(zip(queues, pipeline.execute(), strict=True))


def take(redis: "Redis", queue: str) -> str | None:
    """Move the next attempt of a queue to RQ's list of taken jobs, and return it; None when the queue is empty.

    Raises:
        redis.RedisError: Redis may have moved an attempt. The scheduler puts back an attempt that no worker claims.
    """
    with mends_wrong_types(redis, queue):
        entry: Any = redis.lmove(_key(queue), _taken(queue))
    return next(iter(_attempt_ids(redis, queue, [entry])), None)


def remove(redis: "Redis", queue: str, attempt_id: str) -> None:
    """Remove all copies of a job from Redis for good.

    Raises:
        redis.RedisError: Redis may still hold the job.
    """
    with mends_wrong_types(redis, queue), redis.pipeline(transaction=False) as pipeline:
        pipeline.lrem(_taken(queue), 0, attempt_id)
        pipeline.lrem(_key(queue), 0, attempt_id)
        pipeline.delete(f"rq:job:{attempt_id}")
        pipeline.execute()


def acknowledge_and_take(redis: "Redis", queue: str, attempt_ids: Sequence[str], count_max: int) -> Sequence[str]:
    """Remove finished attempts and take up to `count_max` next attempts, in order, in one round trip.

    Unlike `remove`, does not search the whole queue for further copies of the finished attempts. The server refuses the
    claim of a copy.

    Raises:
        redis.RedisError: Redis may have carried out none or all; see `remove` and `take`.
    """
    with mends_wrong_types(redis, queue), redis.pipeline(transaction=False) as pipeline:
        for attempt_id in attempt_ids:
            pipeline.lrem(_taken(queue), 0, attempt_id)
        if attempt_ids:
            pipeline.delete(*(f"rq:job:{attempt_id}" for attempt_id in attempt_ids))
        for _ in range(count_max):
            pipeline.lmove(_key(queue), _taken(queue))
        entries = pipeline.execute()[-count_max:]
    return _attempt_ids(redis, queue, entries)


def give_back(redis: "Redis", queue: str, attempt_id: str) -> None:
    """Undo a `take`: put the attempt back at the front of its queue.

    Raises:
        redis.RedisError: The attempt may be missing in the queue. The scheduler puts back an attempt that no worker
            claims.
    """
    with mends_wrong_types(redis, queue), redis.pipeline(transaction=True) as pipeline:
        pipeline.lrem(_taken(queue), 0, attempt_id)
        pipeline.lpush(_key(queue), attempt_id)
        pipeline.execute()


def is_attempt_id(entry: bytes) -> bool:
    """Whether an entry of a queue can be the id of an attempt."""
    return _ATTEMPT_ID.fullmatch(entry) is not None


def drop(redis: "Redis", queue: str, entry: bytes) -> None:
    """Remove an entry that cannot be an attempt id, after a worker took the entry out of its queue.

    Raises:
        redis.RedisError: RQ's list of taken jobs may still hold the entry; no process reads that list.
    """
    _log.warning("an entry in Redis is no id of an attempt and is dropped: queue=%s entry=%.80r", queue, entry)
    redis.lrem(_taken(queue), 0, entry)  # type: ignore[arg-type]  # redis-py declares text alone


@contextmanager
def mends_wrong_types(redis: "Redis", *queues: str, attempt_ids: Sequence[str] = ()) -> Iterator[None]:
    """Delete keys of Mainspring that hold a wrong type, when Redis reports WRONGTYPE. Raises the error again.

    Redis refuses every command for a key of a wrong type. One foreign value would stop a queue until an operator
    deletes the key.
    """
    from redis.exceptions import ResponseError

    try:
        yield
    except ResponseError as exc:
        if "WRONGTYPE" not in str(exc):
            raise
        expected = {key: b"list" for queue in queues for key in (_key(queue), _taken(queue))}
        expected |= {f"rq:job:{attempt_id}": b"hash" for attempt_id in attempt_ids}
        for key, expected_type in expected.items():
            actual_type: Any = redis.type(key)
            if actual_type not in (expected_type, b"none"):
                _log.warning(
                    "key of a wrong type in Redis is deleted: key=%s type=%s expected=%s",
                    key, actual_type, expected_type.decode(),
                )  # fmt: skip
                redis.delete(key)
        raise


def _attempt_ids(redis: "Redis", queue: str, entries: Iterable[bytes | None]) -> list[str]:
    """The attempt ids among the taken entries. Drops all other entries."""
    ids = []
    for entry in entries:
        if entry is not None and is_attempt_id(entry):
            ids.append(entry.decode())
        elif entry is not None:
            drop(redis, queue, entry)
    return ids


def _check_address(url: str) -> None:
    try:
        parts = urlsplit(url)
        hostname, _ = parts.hostname, parts.port
    except ValueError:
        # The port is no number, or a bracket has no partner.
        raise ExecutorError(f"redis_url cannot be read; {QUOTING}") from None
    if parts.scheme == "unix" or hostname in LOOPBACK:
        return
    if hostname is None or "@" in parts.path or "@" in parts.query or "@" in parts.fragment:
        # The parser reads the text after an unquoted `/`, `?` or `#` as path, query or fragment. The message shows
        # none of that text, because it may be a part of the password.
        raise ExecutorError(f"redis_url names no host; {QUOTING}")
    if not parts.password:
        raise ExecutorError(without_password(hostname))


def _key(queue: str) -> str:
    return f"rq:queue:{QUEUE_PREFIX}{queue}"


def _taken(queue: str) -> str:
    """The key of RQ's list of taken jobs."""
    return f"{_key(queue)}:intermediate"
