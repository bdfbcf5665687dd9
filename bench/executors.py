"""What the executors carry, each figure beside a limit measured in the same run: `python -m bench executors`.

- callables on `thread`: a callable that returns 1, through the host and back, with 64 and with 1,000 in flight, beside
  the same callable called in a loop by a pool of threads in this process;
- programs on `local`: `true`, beside a loop over `subprocess.Popen` that also makes the process group, the pipe and
  the temporary folder, at the same concurrency;
- callables on `local`: each in a forked child, beside the same loop.
"""

import json
import os
import secrets
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from mainspring.attempts import Attempt, Finished, Outcome
from mainspring_executors import Executor, ExecutorSettings, open_executor

ROUNDS = 3
CALLABLE = {"callable": "operator:index", "args": [1]}
TRUE = {"command": ["true"]}


def attempts(task_type: str, payload: dict[str, Any], count: int) -> list[Attempt]:
    return [
        Attempt(
            attempt_id=secrets.token_hex(16),
            dag_id="bench",
            run_id="bench",
            task_id="task",
            task_type=task_type,
            payload=payload,
            context={"ds": "2026-11-22", "params": {}},
        )
        for _ in range(count)
    ]


def carried_per_second(executor: Executor, work: list[Attempt], *, in_flight_max: int) -> float:
    """Attempts carried out, with never more than so many handed over and not yet finished."""
    began = perf_counter()
    done = handed = 0
    while done < len(work):
        room = in_flight_max - (handed - done)
        if room > 0 and handed < len(work):
            batch = work[handed : handed + room]
            executor.submit(batch)
            handed += len(batch)
        for report in executor.reports(1.0):
            if isinstance(report, Finished):
                assert report.outcome is Outcome.SUCCESS, report
                done += 1
    return done / (perf_counter() - began)


def popen_per_second(count: int, *, concurrency: int) -> float:
    """The least that any runner of programs has to do."""

    def one(_: int) -> None:
        folder = tempfile.mkdtemp()
        with subprocess.Popen(
            ["true"], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process:  # fmt: skip
            process.communicate()
        os.rmdir(folder)

    return _pool_per_second(one, count, concurrency=concurrency)


def calls_per_second(count: int, *, concurrency: int) -> float:
    return _pool_per_second(lambda _: json.dumps({"return_value": 1}), count, concurrency=concurrency)


def _pool_per_second(function: Callable[[int], object], count: int, *, concurrency: int) -> float:
    with ThreadPoolExecutor(concurrency) as pool:
        began = perf_counter()
        for _ in pool.map(function, range(count)):
            pass
        return count / (perf_counter() - began)


@contextmanager
def opened(name: str, concurrency: int) -> Iterator[Executor]:
    with tempfile.TemporaryDirectory() as folder:
        executor = open_executor(name, ExecutorSettings(concurrency=concurrency, state_dir=Path(folder)))
        try:
            # Start the hosts and import what is imported once.
            warm = attempts("python", CALLABLE, 1) + attempts("shell", TRUE, 1)
            carried_per_second(executor, warm, in_flight_max=2)
            yield executor
        finally:
            executor.close(timedelta(0))


def main() -> None:
    """Print each figure beside its limit."""
    cores = os.cpu_count() or 1
    print(f"{'case':52} {'per second':>11} {'limit':>9} {'ratio':>6}")
    for in_flight_max in (64, 1_000):
        _show("thread", "python", CALLABLE, calls_per_second, 10_000, concurrency=8, in_flight_max=in_flight_max)
    for concurrency in (1, cores, 8):
        _show("local", "shell", TRUE, popen_per_second, 1_000, concurrency=concurrency, in_flight_max=64)
    _show("local", "python", CALLABLE, popen_per_second, 500, concurrency=cores, in_flight_max=64)


def _show(
    name: str,
    task_type: str,
    payload: dict[str, Any],
    limit: Callable[..., float],
    count: int,
    *,
    concurrency: int,
    in_flight_max: int,
) -> None:
    """The median of several rounds, each measured right after its limit."""
    limits, figures = [], []
    with opened(name, concurrency) as executor:
        for _ in range(ROUNDS):
            limits.append(limit(count, concurrency=concurrency))
            work = attempts(task_type, payload, count)
            figures.append(carried_per_second(executor, work, in_flight_max=in_flight_max))
    ratio = median(figure / limit for figure, limit in zip(figures, limits, strict=True))
    what = "callable" if task_type == "python" else "true"
    case = f"{name}: {what}, {concurrency} at a time, {in_flight_max} in flight"
    print(f"{case:52} {median(figures):>11,.0f} {median(limits):>9,.0f} {ratio:>6.2f}", flush=True)


if __name__ == "__main__":
    main()
