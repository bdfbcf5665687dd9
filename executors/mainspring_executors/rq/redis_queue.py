"""How an attempt id travels through Redis, as an RQ job that says nothing else.

The job names one fixed callable, which no worker of ours ever calls, and its id is the attempt's id: no address, no
code, no secret. Whoever can write to Redis can make workers claim attempts that exist, and nothing more.
"""

import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mainspring.errors import ExecutorError

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
"""Before the names of Mainspring's queues, so that other users of the same Redis are not met."""
CALLABLE = "mainspring_executors.rq.transport.never_called"
"""The path that every RQ job names. Workers of the previous release compare the path, so it stays for a release."""
JOB_SECONDS_MAX = 3600
"""How long a job that a worker of another kind took stays in Redis."""
CONNECT_SECONDS_MAX = 2.0
ANSWER_SECONDS_MAX = 5.0
"""The socket timeout of every connection to Redis."""
LISTEN_SECONDS_MAX = 2
"""How long one wait for an attempt lasts at most. Redis answers an empty wait when this time is over, and the answer
must come well before the socket timeout: otherwise the worker takes a quiet queue for a broken connection."""
_ATTEMPT_ID = re.compile(rb"[0-9a-f]{32}")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def never_called() -> None:
    """What RQ jobs of Mainspring name. A worker of another kind that meets one fails here, without effect."""
    raise RuntimeError("this job is for a Mainspring worker: start `mainspring worker`")


def connect(url: str) -> "Redis":
    """A client that fails fast and never sends twice by itself: a lost answer may mean a taken write.

    Raises:
        ExecutorError: The address cannot be, or other machines could use that Redis without a password.
    """
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    _check_address(url)
    try:
        client: Redis = Redis.from_url(
            url,
            socket_connect_timeout=CONNECT_SECONDS_MAX,
            socket_timeout=ANSWER_SECONDS_MAX,
            retry=Retry(NoBackoff(), 0),
            retry_on_timeout=False,
        )
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
    """What RQ stores of a job that is queued now. Made by RQ once for a batch: its jobs differ in their ids alone."""
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
    """The attempts that wait in these queues. One that a worker has taken out is not among them: it may have died
    before it claimed. Entries that are no attempt ids are left out; a worker drops them.

    Raises:
        redis.RedisError: Redis does not tell.
    """
    queues = list(queues)
    with mends_wrong_types(redis, *queues), redis.pipeline(transaction=False) as pipeline:
        for queue in queues:
            pipeline.lrange(_key(queue), 0, -1)
        return {entry.decode() for entries in pipeline.execute() for entry in entries if is_attempt_id(entry)}


def lengths(redis: "Redis", queues: Sequence[str]) -> Mapping[str, int]:
    """Queue -> how many attempts wait in it.

    Raises:
        redis.RedisError: It cannot be told.
    """
    with mends_wrong_types(redis, *queues), redis.pipeline(transaction=False) as pipeline:
        for queue in queues:
            pipeline.llen(_key(queue))
        return dict(zip(queues, pipeline.execute(), strict=True))


def take(redis: "Redis", queue: str) -> str | None:
    """The next attempt of a queue, noted where RQ notes what a worker has taken out; None when there is none now.

    Raises:
        redis.RedisError: Whether one was taken is unknown; if so, it is put back when nobody claims it.
    """
    with mends_wrong_types(redis, queue):
        entry: Any = redis.lmove(_key(queue), _taken(queue))
    return next(iter(_attempt_ids(redis, queue, [entry])), None)


def remove(redis: "Redis", queue: str, attempt_id: str) -> None:
    """Take a job out of Redis for good, wherever in it and however often it is there.

    Raises:
        redis.RedisError: It may still be there.
    """
    with mends_wrong_types(redis, queue), redis.pipeline(transaction=False) as pipeline:
        pipeline.lrem(_taken(queue), 0, attempt_id)
        pipeline.lrem(_key(queue), 0, attempt_id)
        pipeline.delete(f"rq:job:{attempt_id}")
        pipeline.execute()


def acknowledge_and_take(redis: "Redis", queue: str, attempt_ids: Sequence[str], count_max: int) -> Sequence[str]:
    """`remove` some that are done, but for what waits of them, which is refused when it is claimed; and `take` the
    next ones, in order.

    Raises:
        redis.RedisError: As for both.
    """
    with mends_wrong_types(redis, queue), redis.pipeline(transaction=False) as pipeline:
        for attempt_id in attempt_ids:
            pipeline.lrem(_taken(queue), 0, attempt_id)
        if attempt_ids:
            pipeline.delete(*(f"rq:job:{attempt_id}" for attempt_id in attempt_ids))
        for _ in range(count_max):
            pipeline.lmove(_key(queue), _taken(queue))
        following = pipeline.execute()[-count_max:]
    return _attempt_ids(redis, queue, following)


def give_back(redis: "Redis", queue: str, attempt_id: str) -> None:
    """Undo a `take`: the attempt is the next of its queue again.

    Raises:
        redis.RedisError: Whether it is there is unknown; if not, it is put back when nobody claims it.
    """
    with mends_wrong_types(redis, queue), redis.pipeline(transaction=True) as pipeline:
        pipeline.lrem(_taken(queue), 0, attempt_id)
        pipeline.lpush(_key(queue), attempt_id)
        pipeline.execute()


def is_attempt_id(entry: bytes) -> bool:
    """Whether an entry of a queue can be the id of an attempt."""
    return _ATTEMPT_ID.fullmatch(entry) is not None


def drop(redis: "Redis", queue: str, entry: bytes) -> None:
    """Remove an entry that no attempt can have as its id, after it was taken out of its queue.

    Raises:
        redis.RedisError: The entry may still be noted as taken out, where nothing reads it.
    """
    _log.warning("an entry in Redis is no id of an attempt and is dropped: queue=%s entry=%.80r", queue, entry)
    redis.lrem(_taken(queue), 0, entry)  # type: ignore[arg-type]  # redis-py declares text alone


@contextmanager
def mends_wrong_types(redis: "Redis", *queues: str, attempt_ids: Sequence[str] = ()) -> Iterator[None]:
    """Delete keys of ours that hold another type, when Redis complains of that; the complaint is raised all the same.

    Redis refuses every command for such a key, so one foreign value would stop a queue until an operator deletes it.
    """
    from redis.exceptions import ResponseError

    try:
        yield
    except ResponseError as exc:
        if "WRONGTYPE" not in str(exc):
            raise
        expected = {key: b"list" for queue in queues for key in (_key(queue), _taken(queue))}
        expected |= {f"rq:job:{attempt_id}": b"hash" for attempt_id in attempt_ids}
        for key, wanted in expected.items():
            found: Any = redis.type(key)
            if found not in (wanted, b"none"):
                _log.warning("a key in Redis is no %s and is deleted: key=%s type=%s", wanted.decode(), key, found)
                redis.delete(key)
        raise


def _attempt_ids(redis: "Redis", queue: str, entries: Iterable[bytes | None]) -> list[str]:
    """What was taken out, as ids; what is none is dropped."""
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
        # The port is no number, or a bracket has no other half.
        raise ExecutorError(f"redis_url cannot be read; {_QUOTING}") from None
    if parts.scheme == "unix" or hostname in _LOOPBACK:
        return
    if hostname is None or "@" in parts.path or "@" in parts.query or "@" in parts.fragment:
        # Everything from an unquoted `/`, `?` or `#` on was read as path, query or fragment. None of it is shown: it
        # may be a part of the password.
        raise ExecutorError(f"redis_url names no host; {_QUOTING}")
    if not parts.password:
        raise ExecutorError(
            f"Redis at {hostname} is on another machine and its address has no password: any client that reaches it"
            " could hold up every task; set one, as in rediss://user:password@host:6379/0"
        )


_QUOTING = (
    "in a password `/`, `?`, `#`, `%`, `[` and `]` must be written as %2F, %3F, %23, %25, %5B and %5D, as in"
    " redis://user:pass%2Fword@host:6379/0"
)


def _key(queue: str) -> str:
    return f"rq:queue:{QUEUE_PREFIX}{queue}"


def _taken(queue: str) -> str:
    """Where RQ notes what a worker has taken out."""
    return f"{_key(queue)}:intermediate"
