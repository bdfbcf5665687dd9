"""The process that `local` keeps ready for the next call."""

import os
import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from time import monotonic

import pytest

from mainspring.attempts import Attempt, Finished, Outcome
from mainspring_executors import Executor, ExecutorSettings, open_executor
from tests.conformance.executors.bed import children_of, hosts_of, is_running, wait_for

DEADLINE_SECONDS = 20.0


@pytest.fixture
def executor(tmp_path: Path) -> Iterator[Executor]:
    executor = open_executor("local", ExecutorSettings(concurrency=1, state_dir=tmp_path))
    yield executor
    executor.close(timedelta(0))


def run(executor: Executor, number: int, function: str = "os:getpid", *arguments: object) -> Finished:
    executor.submit(
        [
            Attempt(
                attempt_id=f"{number:032x}",
                dag_id="etl",
                run_id="r",
                task_id="t",
                task_type="python",
                payload={"callable": function, "args": list(arguments)},
            )
        ]
    )
    deadline = monotonic() + DEADLINE_SECONDS
    while monotonic() < deadline:
        for report in executor.reports(0.1):
            if isinstance(report, Finished):
                return report
    raise AssertionError(f"attempt {number} did not end")


def prepared() -> int:
    """The process that waits now, the only child of the only host that is no more than that."""
    ((_, host),) = hosts_of(os.getpid())
    (pid,) = wait_for(lambda: children_of(host), "a prepared process")
    return pid


def test_each_call_has_a_process_of_its_own_that_was_ready_before(executor: Executor) -> None:
    first = run(executor, 1).outputs["return_value"]
    ready = prepared()
    assert run(executor, 2).outputs["return_value"] == ready != first
    assert not is_running(ready)


def test_one_that_is_killed_while_it_waits_costs_nothing(executor: Executor) -> None:
    run(executor, 1)
    ready = prepared()
    os.kill(ready, signal.SIGKILL)
    wait_for(lambda: not is_running(ready), "its end")
    end = run(executor, 2)
    assert (end.outcome, end.outputs["return_value"] != ready) == (Outcome.SUCCESS, True)


def test_an_order_larger_than_a_pipe_arrives_whole(executor: Executor) -> None:
    run(executor, 1)
    prepared()
    assert run(executor, 2, "builtins:len", "x" * 300_000).outputs["return_value"] == 300_000


def test_it_ends_with_its_executor(executor: Executor) -> None:
    run(executor, 1)
    ready = prepared()
    executor.close(timedelta(0))
    wait_for(lambda: not is_running(ready), "its end")
