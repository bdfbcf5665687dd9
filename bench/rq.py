"""Throughput and gaps on `rq`, beside bare RQ in the same run: `python -m bench rq`.

Both run callables that return 1. Ours goes the whole way (SQLite, synchronous FULL: attempt written, queued in Redis,
claimed, run in a process of its own, log and outcome durable); bare RQ keeps its results in Redis alone, once with its
default worker, which forks for each job, once with `SimpleWorker`, which runs it in the worker itself. With two workers
ours listen to a queue each, bare RQ's to the same one.
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from time import monotonic, perf_counter, sleep

from redis import Redis
from rq import Queue, Worker
from rq.serializers import JSONSerializer

from bench.engine import NOOP, chain, gaps_milliseconds, put, timed
from tests.acceptance.server import Server, started
from tests.services.valkey import ValkeyServer

ROUNDS = 5
JOBS = 200
QUEUES = ("default", "second")
LIMITS = {1: (1.5, 0.6), 2: (None, 0.4)}
"""Workers -> beside the forking worker, beside SimpleWorker; None = none was set."""
WAIT_SECONDS_MAX = 120.0


def main() -> None:
    """Print each figure beside its limit."""
    with tempfile.TemporaryDirectory(prefix="mainspring-vk-", dir="/tmp") as folder, ExitStack() as stack:
        valkey = ValkeyServer.start(Path(folder))
        stack.callback(valkey.close)
        home = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "home"
        settings = {"executor": "rq", "redis_url": valkey.url, "execution_port": "0", "queues": ",".join(QUEUES)}
        server = stack.enter_context(started(home, **settings))
        put(server, "chain", chain(20))
        timed(server, "chain")
        for workers in (1, 2):
            _throughput(server, valkey.url, workers)
        gaps = sorted(gap for _ in range(ROUNDS) for gap in gaps_milliseconds(server, timed(server, "chain")[0]))
        print(f"{'chain of 20, gap, median (limit 30 ms)':52} {median(gaps):11.1f}")
        print(f"{'chain of 20, gap, p95 (limit 80 ms)':52} {gaps[int(len(gaps) * 0.95)]:11.1f}")


def _throughput(server: Server, redis_url: str, workers: int) -> None:
    """In rounds, each worker in turn: what else the machine does meets all of them."""
    tasks = {f"t{number}": {**NOOP, "queue": QUEUES[number % workers]} for number in range(JOBS)}
    put(server, f"wide-{workers}", tasks)
    ours, forking, simple = [], [], []
    for _ in range(ROUNDS):
        forking.append(bare_per_second(redis_url, "rq.Worker", JOBS, workers=workers))
        simple.append(bare_per_second(redis_url, "rq.SimpleWorker", JOBS, workers=workers))
        ours.append(JOBS / timed(server, f"wide-{workers}")[1])
    print(f"{f'no-op callables, workers: {workers}':52} {'per second':>11} {'ratio':>6} {'limit':>6}")
    print(f"{'bare RQ, forking':52} {median(forking):11,.0f}")
    print(f"{'bare RQ, SimpleWorker':52} {median(simple):11,.0f}")
    beside_forking, beside_simple = LIMITS[workers]
    for what, bare, limit in (("forking", forking, beside_forking), ("SimpleWorker", simple, beside_simple)):
        ratio = median(ours) / median(bare)
        shown = f"{limit:6.2f}{'' if ratio >= limit else '  MISSED'}" if limit else ""
        print(f"{f'ours, beside {what}':52} {median(ours):11,.0f} {ratio:6.2f} {shown}", flush=True)


def bare_per_second(url: str, worker: str, count: int, *, workers: int) -> float:
    """Jobs carried out by workers of RQ's own, from the enqueueing of the first to the end of the last."""
    redis = Redis.from_url(url)
    queue = Queue("bare", connection=redis, serializer=JSONSerializer)
    line = [
        sys.executable, "-m", "rq.cli", "worker", "bare", "--url", url, "--worker-class", worker, "--quiet",
        "--serializer", "rq.serializers.JSONSerializer",
    ]  # fmt: skip
    processes = [subprocess.Popen(line, stdout=subprocess.DEVNULL) for _ in range(workers)]
    try:
        _until(lambda: Worker.count(queue=queue) == workers, f"{workers} workers")
        _enqueue(queue, 2 * workers)
        _until(lambda: _finished(queue) == 2 * workers, "the first jobs")
        began = perf_counter()
        _enqueue(queue, count)
        _until(lambda: _finished(queue) == 2 * workers + count, f"{count} jobs")
        return count / (perf_counter() - began)
    finally:
        for process in processes:
            process.terminate()
            process.wait()
        queue.delete(delete_jobs=True)
        for job_id in queue.finished_job_registry.get_job_ids():
            queue.finished_job_registry.remove(job_id, delete_job=True)
        redis.close()


def _enqueue(queue: Queue, count: int) -> None:
    queue.enqueue_many([Queue.prepare_data("operator.index", args=(1,)) for _ in range(count)])


def _finished(queue: Queue) -> int:
    return queue.finished_job_registry.get_job_count(cleanup=False)


def _until(condition: Callable[[], bool], what: str) -> None:
    deadline = monotonic() + WAIT_SECONDS_MAX
    while not condition():
        if monotonic() > deadline:
            raise TimeoutError(f"bare RQ: not within {WAIT_SECONDS_MAX:g} s: {what}")
        sleep(0.005)


if __name__ == "__main__":
    main()
