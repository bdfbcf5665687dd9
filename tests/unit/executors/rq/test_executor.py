"""The scheduler's side of `rq` on a real server: what is in Redis, and what happens when it is not there."""

import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from time import monotonic, sleep

import pytest
from redis import Redis
from rq import Queue, Worker
from rq.job import Job
from rq.serializers import JSONSerializer

from mainspring.attempts import Attempt
from mainspring.errors import ExecutorError
from mainspring_executors import ExecutorSettings
from mainspring_executors.contract import AttemptLocation, SubmitResult
from mainspring_executors.rq import executor as module
from mainspring_executors.rq import redis_queue as transport
from mainspring_executors.rq.executor import RqExecutor
from mainspring_executors.rq.worker import _Job, _Queue, _Worker, check_redis
from tests.services.valkey import ValkeyServer

LIST = "rq:queue:mainspring-default"


@pytest.fixture
def server() -> Iterator[ValkeyServer]:
    """A server of the test's own, to be stopped."""
    with tempfile.TemporaryDirectory(prefix="mainspring-vk-", dir="/tmp") as folder:
        server = ValkeyServer.start(Path(folder))
        yield server
        server.process.send_signal(signal.SIGCONT)
        server.close()


@pytest.fixture
def redis(server: ValkeyServer) -> Iterator[Redis]:
    with closing(Redis.from_url(server.url)) as client:
        yield client


@pytest.fixture
def executor(server: ValkeyServer) -> Iterator[RqExecutor]:
    executor = RqExecutor(ExecutorSettings(redis_url=server.url))
    yield executor
    executor.close(timedelta(0))


def attempt(number: int, queue: str = "default") -> Attempt:
    return Attempt(
        attempt_id=f"{number:032x}",
        dag_id="etl",
        run_id="r",
        task_id="t",
        queue=queue,
        task_type="shell",
        payload={"command": ["echo", "not for Redis"]},
        secrets={"token": "hunter2"},
    )


def until(condition: Callable[[], object], what: str) -> None:
    deadline = monotonic() + 20
    while not condition():
        assert monotonic() < deadline, what
        sleep(0.01)


def queued(redis: Redis, key: str = LIST) -> list[str]:
    return [one.decode() for one in redis.lrange(key, 0, -1)]


def test_a_job_says_nothing_but_the_attempts_id(executor: RqExecutor, redis: Redis) -> None:
    (answer,) = executor.submit([attempt(1)])
    assert answer.result is SubmitResult.ACCEPTED
    until(lambda: queued(redis) == [f"{1:032x}"], "the job")
    job = Job.fetch(f"{1:032x}", connection=redis, serializer=JSONSerializer)
    assert (job.func_name, job.args, job.kwargs, job.timeout) == (transport.CALLABLE, [], {}, -1)
    dump = str([redis.dump(key) for key in redis.scan_iter()])
    assert "hunter2" not in dump
    assert "not for Redis" not in dump


def test_attempts_are_queued_in_order_and_each_in_its_queue(executor: RqExecutor, redis: Redis) -> None:
    executor.submit([attempt(number, "gpu" if number % 2 else "default") for number in range(100)])
    until(lambda: len(queued(redis)) + len(queued(redis, "rq:queue:mainspring-gpu")) == 100, "all jobs")
    assert queued(redis) == [f"{number:032x}" for number in range(0, 100, 2)]


def test_a_worker_of_another_kind_does_nothing_with_a_job(executor: RqExecutor, redis: Redis) -> None:
    executor.submit([attempt(1)])
    until(lambda: queued(redis), "the job")
    queue = Queue("mainspring-default", connection=redis, serializer=JSONSerializer)
    Worker([queue], connection=redis, serializer=JSONSerializer).work(burst=True, logging_level="CRITICAL")
    job = Job.fetch(f"{1:032x}", connection=redis, serializer=JSONSerializer)
    assert "mainspring worker" in str(job.latest_result().exc_string)


def test_submit_does_not_wait_for_a_redis_that_hangs(executor: RqExecutor, server: ValkeyServer, redis: Redis) -> None:
    redis.ping()
    server.process.send_signal(signal.SIGSTOP)
    began = monotonic()
    answers = executor.submit([attempt(number) for number in range(100)])
    executor.restore({"f" * 32: "default"})
    free = executor.capacity()
    assert monotonic() - began < 2  # a wait for an answer of Redis takes longer
    assert {answer.result for answer in answers} == {SubmitResult.ACCEPTED}
    assert free == module.WAITING_MAX - 100
    server.process.send_signal(signal.SIGCONT)
    until(lambda: len(set(queued(redis))) == 101, "what was accepted meanwhile")


def test_recover_says_unknown_and_never_absent(executor: RqExecutor, server: ValkeyServer, redis: Redis) -> None:
    executor.submit([attempt(1)])
    until(lambda: queued(redis), "the job")
    ours, other = f"{1:032x}", "f" * 32
    assert executor.recover([ours, other]) == {ours: AttemptLocation.QUEUED, other: AttemptLocation.UNKNOWN}
    server.close()
    assert executor.recover([ours, other]) == {ours: AttemptLocation.UNKNOWN, other: AttemptLocation.UNKNOWN}


def test_what_is_missing_in_redis_is_put_back_once_with_the_same_id(executor: RqExecutor, redis: Redis) -> None:
    executor.submit([attempt(1), attempt(2)])
    until(lambda: len(queued(redis)) == 2, "the jobs")
    redis.flushall()
    unclaimed = {f"{1:032x}": "default", f"{2:032x}": "default"}
    executor.restore(unclaimed)
    until(lambda: len(queued(redis)) == 2, "the jobs again")
    executor.restore(unclaimed)
    executor.submit([attempt(3)])
    executor.close(timedelta(0))  # once it has done all that
    assert sorted(queued(redis)) == [f"{number:032x}" for number in (1, 2, 3)]


def test_an_attempt_that_a_worker_took_out_and_never_claimed_is_put_back(executor: RqExecutor, redis: Redis) -> None:
    executor.submit([attempt(1)])
    until(lambda: queued(redis), "the job")
    redis.lmove(LIST, f"{LIST}:intermediate", "LEFT", "RIGHT")
    executor.restore({f"{1:032x}": "default"})
    until(lambda: queued(redis) == [f"{1:032x}"], "the job again")


def test_capacity_is_the_room_in_redis(executor: RqExecutor, redis: Redis) -> None:
    executor.submit([attempt(number) for number in range(module.WAITING_MAX)])
    assert executor.capacity() == 0
    until(lambda: len(queued(redis)) == module.WAITING_MAX, "all jobs")
    redis.ltrim(LIST, 0, 9)
    until(lambda: executor.capacity() == module.WAITING_MAX - 10, "the room to be noticed")


def test_there_is_slack_while_more_waits_than_workers_soon_take(executor: RqExecutor, redis: Redis) -> None:
    assert executor.headroom() == 0
    executor.submit([attempt(number) for number in range(3)])
    until(lambda: len(queued(redis)) == 3, "the first jobs")
    assert executor.headroom() == 0
    executor.submit([attempt(number) for number in range(3, 100)])
    headroom = executor.headroom()
    assert headroom > 0
    until(lambda: len(queued(redis)) == 100, "all jobs")
    assert executor.headroom() == headroom
    redis.delete(LIST)
    until(lambda: executor.headroom() == 0, "the end of the slack to be noticed")


def test_the_slack_is_that_of_the_first_queue_in_use_to_be_empty(executor: RqExecutor, redis: Redis) -> None:
    executor.submit([attempt(number) for number in range(100)])
    headroom = executor.headroom()
    executor.submit([attempt(100, queue="gpu")])
    assert executor.headroom() == 0
    until(lambda: len(queued(redis)) == 100, "all jobs")
    redis.delete("rq:queue:mainspring-gpu")
    until(lambda: executor.headroom() == headroom, "the other queue to be out of use")


def test_quick_workers_leave_less_slack(executor: RqExecutor, redis: Redis) -> None:
    executor.submit([attempt(number) for number in range(500)])
    until(lambda: len(queued(redis)) == 500, "all jobs")
    headroom = executor.headroom()
    redis.ltrim(LIST, 0, 249)
    until(lambda: executor.headroom() < headroom / 2, "what was taken to be noticed")
    until(lambda: executor.headroom() == pytest.approx(headroom * 246 / 496), "the workers to be slower")


def test_a_worker_exchanges_what_is_done_for_what_comes_next(executor: RqExecutor, redis: Redis) -> None:
    executor.submit([attempt(number) for number in range(1, 6)])
    until(lambda: len(queued(redis)) == 5, "the jobs")
    ids = [f"{number:032x}" for number in range(1, 6)]
    assert transport.acknowledge_and_take(redis, "default", [], 2) == ids[:2]
    assert transport.acknowledge_and_take(redis, "default", ids[:2], 2) == ids[2:4]
    assert not redis.exists(*(f"rq:job:{done}" for done in ids[:2]))
    assert (queued(redis), set(queued(redis, f"{LIST}:intermediate"))) == (ids[4:], set(ids[2:4]))
    assert transport.acknowledge_and_take(redis, "default", ids[2:4], 2) == ids[4:]
    assert transport.acknowledge_and_take(redis, "default", ids[4:], 1) == []
    assert not redis.exists(f"{LIST}:intermediate")


def test_what_is_given_back_is_the_next_again(executor: RqExecutor, redis: Redis) -> None:
    executor.submit([attempt(number) for number in (1, 2)])
    until(lambda: len(queued(redis)) == 2, "the jobs")
    taken = transport.take(redis, "default")
    assert taken is not None
    transport.give_back(redis, "default", taken)
    assert (queued(redis), queued(redis, f"{LIST}:intermediate")) == ([f"{1:032x}", f"{2:032x}"], [])
    assert Job.fetch(taken, connection=redis, serializer=JSONSerializer).get_status() == "queued"


def test_removing_leaves_nothing_of_a_job(executor: RqExecutor, redis: Redis) -> None:
    executor.submit([attempt(1)])
    until(lambda: queued(redis), "the job")
    redis.rpush(LIST, f"{1:032x}")
    redis.lpush(f"{LIST}:intermediate", f"{1:032x}")
    transport.remove(redis, "default", f"{1:032x}")
    assert [key for key in redis.scan_iter() if b"job" in key or b"queue:" in key] == []


def test_a_closed_executor_takes_nothing_and_has_sent_all(executor: RqExecutor, redis: Redis) -> None:
    executor.submit([attempt(number) for number in range(700)])
    executor.close(timedelta(0))
    executor.close(timedelta(0))
    assert len(queued(redis)) == 700
    with pytest.raises(ExecutorError, match="closed"):
        executor.submit([attempt(1)])


def test_closing_does_not_wait_for_a_redis_that_is_away(executor: RqExecutor, server: ValkeyServer) -> None:
    server.close()
    executor.submit([attempt(1)])
    began = monotonic()
    executor.close(timedelta(0))
    assert monotonic() - began < 5


@pytest.mark.parametrize(
    ("url", "message"),
    [
        pytest.param("redis://redis.example:6379/0", "has no password", id="another machine without a password"),
        pytest.param("http://127.0.0.1", "not an address of Redis", id="another scheme"),
    ],
)
def test_an_unfit_address_is_refused_at_the_start(url: str, message: str) -> None:
    with pytest.raises(ExecutorError, match=message):
        RqExecutor(ExecutorSettings(redis_url=url))


def test_a_redis_that_evicts_is_refused(redis: Redis) -> None:
    check_redis(redis)
    redis.config_set("maxmemory-policy", "allkeys-lru")
    with pytest.raises(ExecutorError, match="allkeys-lru; set it to noeviction"):
        check_redis(redis)


def test_a_user_who_may_not_ask_for_info_is_refused(redis: Redis, server: ValkeyServer) -> None:
    redis.execute_command("ACL", "SETUSER", "worker", "on", "nopass", "~*", "&*", "+@all", "-info")
    path = server.url.removeprefix("unix://")
    with (
        closing(Redis(unix_socket_path=path, username="worker", password="x")) as other,
        pytest.raises(ExecutorError, match=r"\+info"),
    ):
        check_redis(other)


FOREIGN = [b"\xff\xfe", b"", b"rm -rf /", "0" * 31, "A" * 32, b"0" * 32 + b"\n", "x" * 100_000]
"""Entries that no attempt has as its id."""


class Taken:
    """A worker on the queue `default` that notes what it is given, until it was given `count`."""

    def __init__(self, redis: Redis, count: int) -> None:
        self.ids: list[str] = []
        self.worker = _Worker(
            [f"{transport.QUEUE_PREFIX}default"],
            connection=redis,
            job_class=_Job,
            queue_class=_Queue,
            serializer=JSONSerializer,
            run_attempts=self.ids.append,
            tend=lambda: None,
            tend_seconds=1,
            is_stopping=lambda: len(self.ids) >= count,
        )


@pytest.mark.parametrize("entry", FOREIGN, ids=lambda entry: repr(entry[:40]))
def test_a_worker_drops_entries_that_are_no_attempts(
    server: ValkeyServer, redis: Redis, entry: bytes | str, caplog: pytest.LogCaptureFixture
) -> None:
    redis.rpush(LIST, entry, f"{1:032x}")
    with closing(transport.connect(server.url)) as client:
        taken = Taken(client, count=1)
        taken.worker.work(logging_level="WARNING")
    assert taken.ids == [f"{1:032x}"]
    assert queued(redis, f"{LIST}:intermediate") == [f"{1:032x}"], "only what was taken is noted as taken"
    assert "is dropped: queue=default" in caplog.text
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_entries_that_are_no_attempts_are_taken_beside_none(redis: Redis, caplog: pytest.LogCaptureFixture) -> None:
    redis.rpush(LIST, *FOREIGN, f"{1:032x}")
    assert transport.waiting(redis, ["default"]) == {f"{1:032x}"}
    assert transport.take(redis, "default") is None
    assert transport.acknowledge_and_take(redis, "default", [], len(FOREIGN)) == [f"{1:032x}"]
    assert queued(redis, f"{LIST}:intermediate") == [f"{1:032x}"]
    assert caplog.text.count("is dropped: queue=default") == len(FOREIGN)


@pytest.mark.parametrize("key", [LIST, f"{LIST}:intermediate", f"rq:job:{1:032x}"])
def test_a_key_of_another_type_stops_neither_scheduler_nor_worker(
    server: ValkeyServer, redis: Redis, executor: RqExecutor, key: str
) -> None:
    redis.set(key, "not of this type")
    executor.submit([attempt(1)])
    with closing(transport.connect(server.url)) as client:
        taken = Taken(client, count=1)
        taken.worker.work(logging_level="WARNING")
    assert taken.ids == [f"{1:032x}"]


def test_an_attempt_is_delivered_whatever_redis_holds_under_its_id(server: ValkeyServer, redis: Redis) -> None:
    redis.set(f"rq:job:{1:032x}", "not of this type")
    redis.rpush(LIST, f"{1:032x}")
    with closing(transport.connect(server.url)) as client:
        taken = Taken(client, count=1)
        taken.worker.work(logging_level="WARNING")
    assert taken.ids == [f"{1:032x}"]


@pytest.mark.parametrize("password", ["qx/zq", "12/zq", "qx#zq", "12#zq", "qx?zq", "12?zq", "qx[zq", "qx]zq"])
@pytest.mark.parametrize("user", ["", "worker"])
def test_a_password_that_is_not_quoted_is_explained_and_not_shown(user: str, password: str) -> None:
    with pytest.raises(ExecutorError) as refused:
        transport.connect(f"redis://{user}:{password}@redis.example.test:6379/0")
    assert "%2F, %3F, %23" in str(refused.value)
    assert "None" not in str(refused.value)
    assert "zq" not in str(refused.value)


def test_a_quoted_password_is_taken(server: ValkeyServer) -> None:
    with closing(transport.connect("redis://worker:pa%2Fs%23s@redis.example.test:6379/0")) as client:
        assert client.connection_pool.connection_kwargs["password"] == "pa/s#s"
