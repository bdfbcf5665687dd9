"""Throughput and gaps on `rq`, beside bare RQ in the same run: `python -m bench rq`.

Both run callables that return 1. Ours goes the whole way (SQLite, synchronous FULL: attempt written, queued in Redis,
claimed, run in a process of its own, log and outcome durable); bare RQ keeps its results in Redis alone, once with its
default worker, which forks for each job, once with `SimpleWorker`, which runs it in the worker itself.
"""

import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from time import monotonic, perf_counter, sleep

from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer

from bench.engine import NOOP, chain, gaps_milliseconds, put, timed
from tests.acceptance.server import started
from tests.services.valkey import ValkeyServer

ROUNDS = 3
JOBS = 200
WAIT_SECONDS_MAX = 120.0


def main() -> None:
    """Print each figure beside its limit."""
    with tempfile.TemporaryDirectory(prefix="mainspring-vk-", dir="/tmp") as folder, ExitStack() as stack:
        valkey = ValkeyServer.start(Path(folder))
        stack.callback(valkey.close)
        home = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "home"
        server = stack.enter_context(started(home, executor="rq", redis_url=valkey.url, execution_port="0"))
        put(server, "chain", chain(20))
        put(server, "wide", {f"t{number}": NOOP for number in range(JOBS)})
        timed(server, "chain")
        ours, forking, simple = [], [], []
        for _ in range(ROUNDS):
            forking.append(bare_per_second(valkey.url, "rq.Worker", JOBS))
            simple.append(bare_per_second(valkey.url, "rq.SimpleWorker", JOBS))
            ours.append(JOBS / timed(server, "wide")[1])
        print(f"{'no-op callables, one worker':52} {'per second':>11} {'ratio':>6} {'limit':>6}")
        print(f"{'bare RQ, forking worker':52} {median(forking):11,.0f}")
        print(f"{'bare RQ, SimpleWorker':52} {median(simple):11,.0f}")
        print(f"{'ours, beside the forking worker':52} {median(ours):11,.0f} {_ratio(ours, forking):6.2f} {1.5:6.2f}")
        print(f"{'ours, beside SimpleWorker':52} {median(ours):11,.0f} {_ratio(ours, simple):6.2f} {0.6:6.2f}")
        gaps = sorted(gap for _ in range(ROUNDS) for gap in gaps_milliseconds(server, timed(server, "chain")[0]))
        print(f"{'chain of 20, gap, median (limit 30 ms)':52} {median(gaps):11.1f}")
        print(f"{'chain of 20, gap, p95 (limit 80 ms)':52} {gaps[int(len(gaps) * 0.95)]:11.1f}")


def bare_per_second(url: str, worker: str, count: int) -> float:
    """Jobs carried out by one worker of RQ's own, from the enqueueing of the first to the end of the last."""
    redis = Redis.from_url(url)
    queue = Queue("bare", connection=redis, serializer=JSONSerializer)
    process = subprocess.Popen(
        [
            sys.executable, "-m", "rq.cli", "worker", "bare", "--url", url, "--worker-class", worker, "--quiet",
            "--serializer", "rq.serializers.JSONSerializer",
        ],
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _enqueue(queue, 1)
        _wait(queue, 1)  # it has started
        began = perf_counter()
        _enqueue(queue, count)
        _wait(queue, count + 1)
        return count / (perf_counter() - began)
    finally:
        process.terminate()
        process.wait()
        queue.delete(delete_jobs=True)
        for job_id in queue.finished_job_registry.get_job_ids():
            queue.finished_job_registry.remove(job_id, delete_job=True)
        redis.close()


def _enqueue(queue: Queue, count: int) -> None:
    queue.enqueue_many([Queue.prepare_data("operator.index", args=(1,)) for _ in range(count)])


def _wait(queue: Queue, count: int) -> None:
    deadline = monotonic() + WAIT_SECONDS_MAX
    while queue.finished_job_registry.get_job_count(cleanup=False) < count:
        if monotonic() > deadline:
            raise TimeoutError(f"RQ's own worker did not carry out {count} jobs in {WAIT_SECONDS_MAX:g} s")
        sleep(0.005)


def _ratio(ours: list[float], limit: list[float]) -> float:
    """Of the medians of rounds that were run in turns."""
    return median(ours) / median(limit)


if __name__ == "__main__":
    main()
