"""Tasks that kill the host they run in: the executor finds them, and their neighbours pay nothing for it."""

import signal
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from secrets import token_hex

import pytest

from mainspring.attempts import Attempt, Finished, Outcome, Started
from mainspring.states import StateReason
from tests.conformance.executors.harness import Harness, call, lacks, needs, sh, text_of

STARTS_MAX = 3
SUSPICIOUS = "echo start >> {witness}; kill -{signal} $PPID; sleep 60"


class Tries:
    """Does what a scheduler does with the tries that cost nothing: submits the same task again."""

    def __init__(self, harness: Harness, *tasks: Attempt) -> None:
        self.harness = harness
        self.latest = {task.task_id: task for task in tasks}
        self.tries: dict[str, list[Attempt]] = {task.task_id: [task] for task in tasks}
        harness.submit(*tasks)

    def ends(self) -> dict[str, Finished] | None:
        """The last end of each task; None while one has none."""
        ends = {}
        for task_id, task in list(self.latest.items()):
            end = self.harness.finished(task)
            if end is not None and end.reason is StateReason.HOST_LOST:
                self.again(task)
            elif end is not None:
                ends[task_id] = end
        return ends if len(ends) == len(self.latest) else None

    def again(self, task: Attempt) -> None:
        self.latest[task.task_id] = replace(task, attempt_id=token_hex(16))
        self.tries[task.task_id].append(self.latest[task.task_id])
        self.harness.submit(self.latest[task.task_id])

    def finish(self, *, seconds: float = 60.0) -> dict[str, Finished]:
        return self.harness.until(self.ends, "the ends of all tasks", seconds=seconds) or {}


def assert_found(tries: Tries, tmp_path: Path, ends: dict[str, Finished], signals: Sequence[int]) -> None:
    """The poison task is charged, after few starts; its neighbours succeed."""
    poison = ends.pop("poison")
    assert (poison.outcome, poison.reason) == (Outcome.LOST, StateReason.HOST_KILLED)
    assert poison.exit_code in [-number for number in signals]
    assert "alone" in (poison.message or "")
    assert 1 <= text_of(tmp_path / "witness").count("\n") <= STARTS_MAX
    assert {end.outcome for end in ends.values()} <= {Outcome.SUCCESS}
    for tried in tries.tries["poison"]:
        # What began has a start, although its host had no time to report this.
        assert len(tries.harness.of(tried, Started)) == 1


@pytest.mark.parametrize("neighbours", [0, 3])
def test_a_task_that_kills_its_host_is_found_and_charged(
    make: Callable[..., Harness], tmp_path: Path, neighbours: int
) -> None:
    harness = make(concurrency=4)
    poison = sh(SUSPICIOUS.format(witness=tmp_path / "witness", signal="KILL"), task_id="poison")
    others = [
        sh(f"until [ -e {tmp_path}/release ]; do sleep 0.05; done", task_id=f"other{number}")
        for number in range(neighbours)
    ]
    tries = Tries(harness, *others, poison)
    harness.until(lambda: tries.ends() or _is_charged(tries), "the poison to be charged", seconds=60)
    (tmp_path / "release").touch()
    assert_found(tries, tmp_path, tries.finish(), [signal.SIGKILL])


def _is_charged(tries: Tries) -> bool:
    end = tries.harness.finished(tries.latest["poison"])
    return end is not None and end.reason is StateReason.HOST_KILLED


def test_a_task_that_stops_its_host_is_found_within_the_lease(make: Callable[..., Harness], tmp_path: Path) -> None:
    harness = make(concurrency=2, self_fence=timedelta(seconds=2))
    poison = sh(SUSPICIOUS.format(witness=tmp_path / "witness", signal="STOP"), task_id="poison")
    tries = Tries(harness, poison)
    assert_found(tries, tmp_path, tries.finish(), [signal.SIGSTOP])


def test_a_callable_that_kills_the_fork_server_costs_its_neighbours_nothing(
    make: Callable[..., Harness], tmp_path: Path
) -> None:
    harness = make(concurrency=4)
    needs(harness, "isolates_crash")
    poison = call("kill_parent", str(tmp_path / "witness"), task_id="poison")
    other = call("wait_for", str(tmp_path / "release"), str(tmp_path / "pid"), task_id="other")
    tries = Tries(harness, other, poison)
    harness.until(lambda: _is_charged(tries) or tries.ends(), "the poison to be charged", seconds=60)
    (tmp_path / "release").touch()
    assert_found(tries, tmp_path, tries.finish(), [signal.SIGKILL])


def test_a_callable_that_crashes_its_host_costs_its_neighbours_nothing(
    make: Callable[..., Harness], tmp_path: Path
) -> None:
    harness = make(concurrency=4)
    lacks(harness, "isolates_crash")
    poison = call("die_with_a_witness", str(tmp_path / "witness"), task_id="poison")
    other = call("wait_for", str(tmp_path / "release"), str(tmp_path / "pid"), task_id="other")
    tries = Tries(harness, other, poison)
    harness.until(lambda: _is_charged(tries) or tries.ends(), "the poison to be charged", seconds=60)
    (tmp_path / "release").touch()
    ends = tries.finish()
    assert ends["poison"].exit_code == 7
    assert_found(tries, tmp_path, ends, [-7])


def test_a_retry_of_a_task_that_killed_its_host_starts_alone_and_costs_one_start(
    make: Callable[..., Harness], tmp_path: Path
) -> None:
    harness = make(concurrency=2)
    poison = sh(SUSPICIOUS.format(witness=tmp_path / "witness", signal="KILL"), task_id="poison")
    tries = Tries(harness, poison)
    tries.finish()
    starts = text_of(tmp_path / "witness").count("\n")
    tries.again(tries.latest["poison"])
    assert tries.finish()["poison"].reason is StateReason.HOST_KILLED
    assert text_of(tmp_path / "witness").count("\n") == starts + 1


def test_a_suspect_can_be_cancelled_while_it_waits(make: Callable[..., Harness], tmp_path: Path) -> None:
    harness = make(concurrency=2)
    poison = sh(SUSPICIOUS.format(witness=tmp_path / "witness", signal="KILL"), task_id="poison")
    tries = Tries(harness, poison)
    tries.finish()
    tries.again(tries.latest["poison"])
    harness.executor.cancel([tries.latest["poison"].attempt_id])
    end = tries.finish()["poison"]
    assert end.outcome in (Outcome.CANCELLED, Outcome.LOST)


def test_the_folders_of_dead_hosts_are_removed(make: Callable[..., Harness], tmp_path: Path) -> None:
    harness = make()
    poison = sh(SUSPICIOUS.format(witness=tmp_path / "witness", signal="KILL"), task_id="poison")
    Tries(harness, poison).finish()
    assert harness.run(sh("true")).outcome is Outcome.SUCCESS
    alive = len(harness.hosts())
    harness.until(lambda: len(list((harness.state_dir / "work").iterdir())) <= alive, "the folders to be removed")


@pytest.mark.parametrize(
    "script",
    [
        pytest.param("rm -f $MAINSPRING_OUTPUT; mkdir $MAINSPRING_OUTPUT", id="folder"),
        pytest.param("rm -f $MAINSPRING_OUTPUT; mkfifo $MAINSPRING_OUTPUT", id="pipe"),
        pytest.param("rm -f $MAINSPRING_OUTPUT; ln -s /dev/zero $MAINSPRING_OUTPUT", id="link"),
        pytest.param("rm -f $MAINSPRING_OUTPUT; ln -s $MAINSPRING_OUTPUT $MAINSPRING_OUTPUT", id="loop"),
    ],
)
def test_whatever_becomes_of_the_output_file_costs_only_its_own_task(
    make: Callable[..., Harness], tmp_path: Path, script: str
) -> None:
    harness = make(concurrency=2)
    other = sh(f"until [ -e {tmp_path}/release ]; do sleep 0.05; done", task_id="other")
    harness.submit(other)
    end = harness.run(sh(script, task_id="vandal"))
    assert (end.outcome, end.reason) == (Outcome.FAILED, StateReason.OUTPUT_INVALID)
    (tmp_path / "release").touch()
    assert harness.finish(other).outcome is Outcome.SUCCESS
