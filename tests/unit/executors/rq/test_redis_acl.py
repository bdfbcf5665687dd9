"""The Redis user of a worker that docs/executors.md gives: enough to work, and nothing of another queue."""

import re
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import NoPermissionError
from rq.serializers import JSONSerializer

from mainspring_executors import ExecutorSettings
from mainspring_executors.rq import redis_queue as transport
from mainspring_executors.rq.executor import RqExecutor
from mainspring_executors.rq.worker import _Job, _Queue, _Worker, check_redis
from tests.services.valkey import ValkeyServer
from tests.unit.executors.rq.test_executor import attempt, until

PAGE = Path(__file__).resolve().parents[4] / "docs" / "executors.md"


@pytest.fixture
def server() -> Iterator[ValkeyServer]:
    """With the documented user."""
    (documented,) = re.findall("^ACL SETUSER .+$", PAGE.read_text(), re.MULTILINE)
    with tempfile.TemporaryDirectory(prefix="mainspring-vk-", dir="/tmp") as folder:
        server = ValkeyServer.start(Path(folder))
        with closing(Redis.from_url(server.url)) as admin:
            admin.execute_command(*documented.split())
        yield server
        server.close()


@pytest.fixture
def worker_redis(server: ValkeyServer) -> Iterator[Redis]:
    url = server.url.replace("unix://", "unix://mainspring-worker:PASSWORD@")
    with closing(transport.connect(url)) as client:
        yield client


def test_a_worker_works_with_the_documented_user(server: ValkeyServer, worker_redis: Redis) -> None:
    check_redis(worker_redis)
    executor = RqExecutor(ExecutorSettings(redis_url=server.url))
    ids = [f"{number:032x}" for number in range(1, 5)]
    executor.submit([attempt(number, queue="gpu") for number in range(1, 5)])
    with closing(Redis.from_url(server.url)) as admin:
        until(lambda: admin.llen("rq:queue:mainspring-gpu") == len(ids), "the attempts")
    taken: list[str] = []
    worker = _Worker(
        ["mainspring-gpu"],
        connection=worker_redis,
        job_class=_Job,
        queue_class=_Queue,
        serializer=JSONSerializer,
        run_attempts=taken.append,
        tend=lambda: None,
        tend_seconds=1,
        is_stopping=lambda: bool(taken),
    )
    worker.work(logging_level="WARNING")
    assert taken == ids[:1]
    assert transport.take(worker_redis, "gpu") == ids[1]
    transport.give_back(worker_redis, "gpu", ids[1])
    assert transport.acknowledge_and_take(worker_redis, "gpu", ids[:1], 2) == ids[1:3]
    transport.remove(worker_redis, "gpu", ids[1])
    executor.close(timedelta(0))


def test_the_documented_user_reaches_no_other_queue_and_no_other_command(
    server: ValkeyServer, worker_redis: Redis
) -> None:
    other = f"rq:queue:{transport.QUEUE_PREFIX}default"
    with pytest.raises(NoPermissionError):
        transport.take(worker_redis, "default")
    with pytest.raises(NoPermissionError):
        transport.give_back(worker_redis, "default", "0" * 32)
    for command in (
        ("LRANGE", other, "0", "-1"), ("FLUSHALL",), ("KEYS", "*"), ("CONFIG", "GET", "*"), ("ACL", "LIST"),
        ("EVAL", "return 1", "0"), ("MONITOR",), ("PUBLISH", "c", "x"), ("SET", "k", "v"), ("SHUTDOWN",),
    ):  # fmt: skip
        with pytest.raises(NoPermissionError):
            worker_redis.execute_command(*command)
