"""How an attempt id travels through Redis, as an RQ job that says nothing else.

The job names one fixed callable, which no worker of ours ever calls, and its id is the attempt's id: no address, no
code, no secret. Whoever can write to Redis can make workers claim attempts that exist, and nothing more.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from redis import Redis

__all__ = ["CALLABLE", "QUEUE_PREFIX", "connect", "enqueue", "present", "remove"]

QUEUE_PREFIX = "mainspring-"
"""Before the names of Mainspring's queues, so that other users of the same Redis are not met."""
CALLABLE = "mainspring_executors.rq.transport.never_called"
JOB_SECONDS_MAX = 3600
"""How long a job stays in Redis after RQ thinks it over; the reconciler's horizon."""
CONNECT_SECONDS_MAX = 2.0
ANSWER_SECONDS_MAX = 5.0


def never_called() -> None:
    """What RQ jobs of Mainspring name. A worker of another kind that meets one fails here, without effect."""
    raise RuntimeError("this job is for a Mainspring worker: start `mainspring worker`")


def connect(url: str, *, answer_seconds: float = ANSWER_SECONDS_MAX) -> "Redis":
    """A client that fails fast and never sends twice by itself: a lost answer may mean a taken write."""
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    client: Redis = Redis.from_url(
        url,
        socket_connect_timeout=CONNECT_SECONDS_MAX,
        socket_timeout=answer_seconds,
        retry=Retry(NoBackoff(), 0),
        retry_on_timeout=False,
    )
    return client


def enqueue(redis: "Redis", queue: str, attempt_ids: Sequence[str]) -> None:
    """Put attempts into a queue, in order, in one round trip. Doing it twice is harmless: the second claim is refused.

    Raises:
        redis.RedisError: None, some or all of them are queued.
    """
    target = _queue(redis, queue)
    jobs = [
        target.prepare_data(
            CALLABLE,
            job_id=attempt_id,
            description=attempt_id,
            timeout=-1,
            result_ttl=JOB_SECONDS_MAX,
            failure_ttl=JOB_SECONDS_MAX,
        )
        for attempt_id in attempt_ids
    ]
    with redis.pipeline() as pipeline:
        target.enqueue_many(jobs, pipeline=pipeline)
        pipeline.execute()


def present(redis: "Redis", attempt_ids: Sequence[str]) -> set[str]:
    """Those of the attempts whose job is still there.

    Raises:
        redis.RedisError: It cannot be told.
    """
    with redis.pipeline(transaction=False) as pipeline:
        for attempt_id in attempt_ids:
            pipeline.exists(f"rq:job:{attempt_id}")
        found = pipeline.execute()
    return {attempt_id for attempt_id, is_there in zip(attempt_ids, found, strict=True) if is_there}


def remove(redis: "Redis", queue: str, attempt_id: str) -> None:
    """Take a job out of Redis for good, wherever in it it is."""
    target = _queue(redis, queue)
    with redis.pipeline() as pipeline:
        pipeline.lrem(target.intermediate_queue_key, 1, attempt_id)
        pipeline.lrem(target.key, 1, attempt_id)
        pipeline.delete(f"rq:job:{attempt_id}")
        pipeline.execute()


def _queue(redis: "Redis", queue: str) -> Any:
    from rq import Queue
    from rq.serializers import JSONSerializer

    return Queue(f"{QUEUE_PREFIX}{queue}", connection=redis, serializer=JSONSerializer)
