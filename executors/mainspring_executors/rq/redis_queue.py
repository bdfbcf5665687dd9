"""How an attempt id travels through Redis, as an RQ job that says nothing else.

The job names one fixed callable, which no worker of ours ever calls, and its id is the attempt's id: no address, no
code, no secret. Whoever can write to Redis can make workers claim attempts that exist, and nothing more.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mainspring.errors import ExecutorError

if TYPE_CHECKING:
    from redis import Redis

__all__ = [
    "CALLABLE", "QUEUE_PREFIX", "connect", "enqueue", "exchange", "give_back", "lengths", "remove", "take", "waiting",
]  # fmt: skip

QUEUE_PREFIX = "mainspring-"
"""Before the names of Mainspring's queues, so that other users of the same Redis are not met."""
CALLABLE = "mainspring_executors.rq.transport.never_called"
"""The path that every RQ job names. Workers of the previous release compare the path, so it stays for a release."""
JOB_SECONDS_MAX = 3600
"""How long a job that a worker of another kind took stays in Redis."""
CONNECT_SECONDS_MAX = 2.0
ANSWER_SECONDS_MAX = 5.0
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
    with redis.pipeline() as pipeline:
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
    before it claimed.

    Raises:
        redis.RedisError: It cannot be told.
    """
    with redis.pipeline(transaction=False) as pipeline:
        for queue in queues:
            pipeline.lrange(_key(queue), 0, -1)
        return {attempt_id.decode() for ids in pipeline.execute() for attempt_id in ids}


def lengths(redis: "Redis", queues: Sequence[str]) -> Mapping[str, int]:
    """Queue -> how many attempts wait in it.

    Raises:
        redis.RedisError: It cannot be told.
    """
    with redis.pipeline(transaction=False) as pipeline:
        for queue in queues:
            pipeline.llen(_key(queue))
        return dict(zip(queues, pipeline.execute(), strict=True))


def take(redis: "Redis", queue: str) -> str | None:
    """The next attempt of a queue, noted where RQ notes what a worker has taken out; None when there is none now.

    Raises:
        redis.RedisError: Whether one was taken is unknown; if so, it is put back when nobody claims it.
    """
    attempt_id: Any = redis.lmove(_key(queue), _taken(queue))
    return None if attempt_id is None else attempt_id.decode()


def remove(redis: "Redis", queue: str, attempt_id: str) -> None:
    """Take a job out of Redis for good, wherever in it and however often it is there.

    Raises:
        redis.RedisError: It may still be there.
    """
    with redis.pipeline(transaction=False) as pipeline:
        pipeline.lrem(_taken(queue), 0, attempt_id)
        pipeline.lrem(_key(queue), 0, attempt_id)
        pipeline.delete(f"rq:job:{attempt_id}")
        pipeline.execute()


def exchange(redis: "Redis", queue: str, attempt_ids: Sequence[str], count_max: int) -> Sequence[str]:
    """`remove` some that are done, but for what waits of them, which is refused when it is claimed; and `take` the
    next ones, in order.

    Raises:
        redis.RedisError: As for both.
    """
    with redis.pipeline(transaction=False) as pipeline:
        for attempt_id in attempt_ids:
            pipeline.lrem(_taken(queue), 0, attempt_id)
        if attempt_ids:
            pipeline.delete(*(f"rq:job:{attempt_id}" for attempt_id in attempt_ids))
        for _ in range(count_max):
            pipeline.lmove(_key(queue), _taken(queue))
        following = pipeline.execute()[-count_max:]
    return [attempt_id.decode() for attempt_id in following if attempt_id is not None]


def give_back(redis: "Redis", queue: str, attempt_id: str) -> None:
    """Undo a `take`: the attempt is the next of its queue again.

    Raises:
        redis.RedisError: Whether it is there is unknown; if not, it is put back when nobody claims it.
    """
    with redis.pipeline(transaction=True) as pipeline:
        pipeline.lrem(_taken(queue), 0, attempt_id)
        pipeline.lpush(_key(queue), attempt_id)
        pipeline.execute()


def _check_address(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme == "unix" or parts.hostname in _LOOPBACK or parts.password:
        return
    raise ExecutorError(
        f"Redis at {parts.hostname} is on another machine and its address has no password: whoever reaches it could"
        " hold up every task; set one, as in rediss://user:password@host:6379/0"
    )


def _key(queue: str) -> str:
    return f"rq:queue:{QUEUE_PREFIX}{queue}"


def _taken(queue: str) -> str:
    """Where RQ notes what a worker has taken out."""
    return f"{_key(queue)}:intermediate"
