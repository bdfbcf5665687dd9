"""The process that `local` keeps ready for the next call."""

import os
import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from time import monotonic

import pytest

from mainspring.attempts import Attempt, Finished, Outcome
from mainspring_executors import ExecutorSettings, open_executor
from tests.conformance.executors.bed import children_of, hosts_of, is_running, wait_for

DEADLINE_SECONDS = 20.0


class Local:
    """A `local` executor, and what its host keeps ready."""

    def __init__(self, folder: Path) -> None:
        # Other tests of this process may have left hosts that live as long as it.
        self._others = hosts_of(os.getpid())
        self.executor = open_executor("local", ExecutorSettings(concurrency=1, state_dir=folder))

    def prepared(self) -> int:
        """The process that waits now, the only child of the only host that is no more than that."""
        ((_, host),) = [one for one in hosts_of(os.getpid()) if one not in self._others]
        (pid,) = wait_for(lambda: children_of(host), "a prepared process")
        return pid

    def run(self, number: int, function: str = "os:getpid", *arguments: object) -> Finished:
        self.executor.submit(
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
            for report in self.executor.reports(0.1):
                if isinstance(report, Finished):
                    return report
        raise AssertionError(f"attempt {number} did not end")


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Local]:
    local = Local(tmp_path)
    yield local
    local.executor.close(timedelta(0))


def test_each_call_has_a_process_of_its_own_that_was_ready_before(local: Local) -> None:
    first = local.run(1).outputs["return_value"]
    ready = local.prepared()
    assert local.run(2).outputs["return_value"] == ready != first
    assert not is_running(ready)


def test_one_that_is_killed_while_it_waits_costs_nothing(local: Local) -> None:
    local.run(1)
    ready = local.prepared()
    os.kill(ready, signal.SIGKILL)
    wait_for(lambda: not is_running(ready), "its end")
    end = local.run(2)
    assert (end.outcome, end.outputs["return_value"] != ready) == (Outcome.SUCCESS, True)


def test_an_order_larger_than_a_pipe_arrives_whole(local: Local) -> None:
    local.run(1)
    local.prepared()
    assert local.run(2, "builtins:len", "x" * 300_000).outputs["return_value"] == 300_000


def test_it_ends_with_its_executor(local: Local) -> None:
    local.run(1)
    ready = local.prepared()
    local.executor.close(timedelta(0))
    wait_for(lambda: not is_running(ready), "its end")
