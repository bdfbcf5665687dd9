"""The zygote of `local`, and the process that it keeps ready for the next call."""

import os
import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from time import monotonic

import pytest

from mainspring.attempts import Attempt, Finished, Outcome, Started
from mainspring.states import StateReason
from mainspring_executors import ExecutorSettings, open_executor
from tests.conformance.executors.harness import children_of, hosts_of, is_running, wait_for

DEADLINE_SECONDS = 20.0


class Local:
    """A `local` executor, and what its host keeps ready."""

    def __init__(self, folder: Path) -> None:
        # Other tests of this process may have left hosts that live as long as it.
        self.others = hosts_of(os.getpid())
        self.executor = open_executor("local", ExecutorSettings(concurrency=1, state_dir=folder))

    def fork_server(self) -> int:
        """The leader of a session among the children of the only host; others of them sweep up."""
        ((_, host),) = [one for one in hosts_of(os.getpid()) if one not in self.others]
        return wait_for(lambda: next((pid for pid in children_of(host) if _leads(pid)), 0), "a zygote")

    def prepared(self) -> int:
        """The process that waits now, while no call runs."""
        (pid,) = wait_for(lambda: children_of(self.fork_server()), "a prepared process")
        return pid

    def run(self, number: int, function: str = "os:getpid", *arguments: object) -> Finished:
        self.submit(number, function, *arguments)
        return self.finish()

    def submit(self, number: int, function: str, *arguments: object) -> None:
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

    def finish(self) -> Finished:
        """The end of the only attempt that has not ended."""
        deadline = monotonic() + DEADLINE_SECONDS
        while monotonic() < deadline:
            for report in self.executor.reports(0.1):
                if isinstance(report, Finished):
                    return report
        raise AssertionError("the attempt did not end")


def _leads(pid: int) -> bool:
    try:
        return os.getsid(pid) == pid
    except ProcessLookupError:
        return False


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


def test_a_zygote_that_is_killed_takes_its_processes_along_and_another_takes_over(local: Local) -> None:
    local.run(1)
    fork_server, ready = local.fork_server(), local.prepared()
    os.kill(fork_server, signal.SIGKILL)
    wait_for(lambda: not is_running(fork_server) and not is_running(ready), "their end")
    end = local.run(2)
    assert (end.outcome, end.outputs["return_value"] != ready) == (Outcome.SUCCESS, True)
    assert local.fork_server() != fork_server


def test_a_call_whose_zygote_is_killed_is_lost_with_its_host(local: Local) -> None:
    local.run(1)
    called = local.prepared()
    local.submit(2, "time:sleep", 60)
    wait_for(lambda: any(isinstance(one, Started) for one in local.executor.reports(0.1)), "its start")
    os.kill(local.fork_server(), signal.SIGKILL)
    end = local.finish()
    assert (end.outcome, end.reason, end.exit_code) == (Outcome.LOST, StateReason.HOST_LOST, -signal.SIGKILL)
    assert not is_running(called)
    assert local.run(3).outcome is Outcome.SUCCESS


def test_the_number_of_a_call_is_nobody_elses_until_its_host_has_seen_its_end(local: Local) -> None:
    """A halted host does not know yet: what it would signal must be a zombie, not a stranger."""
    local.run(1)
    called = local.prepared()
    local.submit(2, "time:sleep", 60)
    wait_for(lambda: any(isinstance(one, Started) for one in local.executor.reports(0.1)), "its start")
    ((_, host),) = [one for one in hosts_of(os.getpid()) if one not in local.others]
    os.kill(host, signal.SIGSTOP)
    try:
        wait_for(lambda: _state(host) == "T", "its halt")
        os.kill(called, signal.SIGKILL)
        wait_for(lambda: not is_running(called), "its end")
        wait_for(lambda: _has_seen_its_signals(local.fork_server()), "its zygote to know of it")
        assert _state(called) == "Z"
    finally:
        os.kill(host, signal.SIGCONT)
    assert local.finish().reason is StateReason.KILLED
    wait_for(lambda: not Path(f"/proc/{called}").exists(), "its number to be given back")


def _has_seen_its_signals(pid: int) -> bool:
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return status["State"].startswith("S") and int(status["SigPnd"], 16) == int(status["ShdPnd"], 16) == 0


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
