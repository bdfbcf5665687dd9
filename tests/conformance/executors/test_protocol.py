"""The contract between scheduler and executor: submit, reports, recover, capacity, close."""

import itertools
import os
import random
import select
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from time import monotonic

import pytest

from mainspring.attempts import Attempt, Finished, Outcome, Started
from mainspring.errors import ExecutorError
from mainspring.states import StateReason
from mainspring_executors import AttemptLocation, SubmitResult

from .harness import Harness, attempt, call, is_running, sh, text_of, wait_for


@pytest.fixture
def harness(make: Callable[..., Harness]) -> Harness:
    """An executor of the test's own: it will not be the same afterwards."""
    return make()


def blocker(folder: Path, name: str = "release") -> Attempt:
    return sh(f"until [ -e {folder}/{name} ]; do sleep 0.02; done")


def test_an_attempt_submitted_twice_runs_once(harness: Harness, tmp_path: Path) -> None:
    task = sh(f"echo run >> {tmp_path}/witness; until [ -e {tmp_path}/release ]; do sleep 0.02; done")
    harness.submit(task, task)
    harness.until(lambda: harness.of(task, Started), "the start")
    harness.submit(task)
    (tmp_path / "release").touch()
    harness.finish(task)
    harness.submit(task)
    assert harness.run(sh("true")).outcome is Outcome.SUCCESS
    assert text_of(tmp_path / "witness") == "run\n"
    assert len(harness.of(task, Started)) == len(harness.of(task, Finished)) == 1


def test_the_answers_to_a_submit_are_in_its_order(harness: Harness) -> None:
    tasks = [call("one"), attempt("cobol", {}), sh("true"), attempt("noop", {})]
    answers = harness.executor.submit(tasks)
    assert [answer.attempt_id for answer in answers] == [task.attempt_id for task in tasks]
    accepted, rejected = SubmitResult.ACCEPTED, SubmitResult.REJECTED
    assert [answer.result for answer in answers] == [accepted, rejected, accepted, accepted]


def test_reports_are_numbered_so_that_they_can_be_applied_twice(harness: Harness) -> None:
    task = call("one")
    end = harness.run(task)
    (start,) = harness.of(task, Started)
    assert start.seq < end.seq


def test_recover_tells_where_each_attempt_is(make: Callable[..., Harness], tmp_path: Path) -> None:
    harness = make(concurrency=1)
    finished, running, queued = sh("true"), blocker(tmp_path), sh("true")
    harness.run(finished)
    harness.start(running)
    harness.submit(queued)
    assert harness.executor.recover([finished.attempt_id, running.attempt_id, queued.attempt_id, "f" * 32]) == {
        finished.attempt_id: AttemptLocation.FINISHED,
        running.attempt_id: AttemptLocation.RUNNING,
        queued.attempt_id: AttemptLocation.QUEUED,
        "f" * 32: AttemptLocation.ABSENT,
    }


def test_recover_calls_a_lost_attempt_finished_and_never_absent(harness: Harness) -> None:
    task = sh("sleep 60")
    harness.start(task)
    harness.pid_of(task)  # a worker's start is its claim: wait for the host that runs the task
    hosts = harness.hosts()
    assert hosts
    for _, host in hosts:
        os.kill(host, signal.SIGKILL)
    seen = set()
    while harness.finished(task) is None:
        seen.add(harness.executor.recover([task.attempt_id])[task.attempt_id])
        harness.pump()
    seen.add(harness.executor.recover([task.attempt_id])[task.attempt_id])
    assert seen <= {AttemptLocation.RUNNING, AttemptLocation.FINISHED}
    assert AttemptLocation.FINISHED in seen


def test_never_more_attempts_run_at_one_time_than_the_concurrency(make: Callable[..., Harness], tmp_path: Path) -> None:
    harness = make(concurrency=3)
    tasks = harness.submit(*(blocker(tmp_path) for _ in range(12)))
    harness.until(lambda: sum(bool(harness.of(task, Started)) for task in tasks) == 3, "three starts")
    (tmp_path / "release").touch()
    ends = [(harness.finish(task).at, -1) for task in tasks]
    starts = [(harness.of(task, Started)[0].at, 1) for task in tasks]
    # Reports of different attempts may overtake each other; their instants tell what ran at one time.
    running = list(itertools.accumulate(step for _, step in sorted(starts + ends)))
    assert max(running) == 3


def test_capacity_shrinks_with_what_is_handed_over_and_comes_back(make: Callable[..., Harness], tmp_path: Path) -> None:
    harness = make(concurrency=2)
    free = harness.executor.capacity()
    assert free >= 2 + 64
    tasks = harness.submit(*(blocker(tmp_path) for _ in range(free)))
    assert harness.executor.capacity() == 0
    (tmp_path / "release").touch()
    for task in tasks:
        harness.finish(task)
    assert harness.executor.capacity() == free


def test_there_is_slack_while_much_waits_in_it(make: Callable[..., Harness], tmp_path: Path) -> None:
    harness = make(concurrency=2)
    assert harness.executor.headroom() == 0
    tasks = harness.submit(*(blocker(tmp_path) for _ in range(64)))
    assert harness.executor.headroom() > 0
    (tmp_path / "release").touch()
    for task in tasks:
        harness.finish(task)
    harness.until(lambda: harness.executor.headroom() == 0, "the end of the slack to be noticed")


def test_more_than_the_capacity_is_still_carried_out(make: Callable[..., Harness]) -> None:
    harness = make(concurrency=2)
    tasks = harness.submit(*(call("one") for _ in range(harness.executor.capacity() + 50)))
    assert harness.executor.capacity() == 0
    for task in tasks:
        assert harness.finish(task).outcome is Outcome.SUCCESS


def test_attempts_start_in_the_order_of_their_submission(make: Callable[..., Harness]) -> None:
    harness = make(concurrency=1)
    tasks = harness.submit(*(call("one") for _ in range(30)))
    starts: list[str] = []
    while len(starts) < len(tasks):
        starts += [report.attempt_id for report in harness.executor.reports(1.0) if isinstance(report, Started)]
    assert starts == [task.attempt_id for task in tasks]


def test_reports_waits_no_longer_than_it_is_told(harness: Harness) -> None:
    began = monotonic()
    assert list(harness.executor.reports(0)) == []
    assert list(harness.executor.reports(0.2)) == []
    assert 0.2 <= monotonic() - began < 10


@pytest.mark.parametrize("kind", ["report", "rejected later", "cancelled without a host"])
def test_the_descriptor_becomes_readable_when_there_is_something_to_report(harness: Harness, kind: str) -> None:
    harness.run(call("one"))
    task = {"report": call("one"), "rejected later": attempt("shell", {}), "cancelled without a host": sh("true")}[kind]
    harness.submit(task)
    if kind == "cancelled without a host":
        harness.executor.cancel([task.attempt_id])
    deadline = monotonic() + 10
    while harness.finished(task) is None and monotonic() < deadline:
        assert select.select([harness.executor.fileno()], [], [], 5.0)[0], "nothing to read, but no end either"
        harness.pump(0)
    assert harness.finished(task)


def test_large_payloads_and_large_outputs_pass(harness: Harness) -> None:
    text = "x" * 200_000
    tasks = harness.submit(*(call("echo", text) for _ in range(40)))
    for task in tasks:
        assert harness.finish(task).outputs == {"return_value": text}


@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_cancelled_when_every_attempt_ends_exactly_once(make: Callable[..., Harness], seed: int) -> None:
    rng = random.Random(seed)
    harness = make(concurrency=4)
    kinds: list[Callable[[], Attempt]] = [
        lambda: call("one"),
        lambda: sh("exit 1"),
        lambda: sh("sleep 5"),
        lambda: attempt("noop", {}),
        lambda: call("boom", "on purpose"),
        lambda: sh("sleep 5", timeout=timedelta(milliseconds=rng.randrange(1, 50))),
        lambda: attempt("shell", {}),
    ]
    tasks = [rng.choice(kinds)() for _ in range(150)]
    waiting = list(tasks)
    while waiting or not all(harness.finished(task) for task in tasks):
        batch, waiting = waiting[:10], waiting[10:]
        harness.submit(*batch)
        harness.executor.cancel([task.attempt_id for task in rng.sample(tasks[: len(tasks) - len(waiting)], k=8)])
        harness.pump(0.01)
        if not waiting:
            harness.executor.cancel([task.attempt_id for task in tasks])
    for task in tasks:
        kinds_seen = [type(report).__name__ for report in harness.reports[task.attempt_id]]
        assert kinds_seen.count("Finished") == 1
        assert kinds_seen.count("Started") <= 1
        assert harness.log(task) is not None


# -- close


def test_close_lets_finish_what_can_within_the_grace(harness: Harness) -> None:
    task = sh("sleep 0.3; echo rows=1 >> $MAINSPRING_OUTPUT")
    harness.start(task)
    harness.executor.close(timedelta(seconds=10))
    assert harness.finish(task).outputs == {"rows": 1}


def test_close_interrupts_what_is_left(make: Callable[..., Harness], tmp_path: Path) -> None:
    harness = make(concurrency=2)
    program, callable_ = sh("echo on; sleep 60"), call("wait_for", "/nonexistent", str(tmp_path / "pid"))
    queued = [sh("true") for _ in range(3)] + [call("one") for _ in range(3)]
    harness.submit(program, callable_)
    wait_for(lambda: text_of(tmp_path / "pid"), "the callable")
    harness.until(lambda: harness.log(program), "the program")
    pids = [pid for pair in harness.hosts() for pid in pair]
    pids += [started.pid for task in (program, callable_) for started in harness.of(task, Started) if started.pid]
    if harness.executor.capabilities.isolates_crash:
        harness.submit(*queued)
    harness.executor.close(timedelta(milliseconds=100))
    assert not any(map(is_running, pids))
    for task in (program, callable_, *(queued if harness.executor.capabilities.isolates_crash else ())):
        end = harness.finish(task)
        assert (end.outcome, end.reason) == (Outcome.INTERRUPTED, StateReason.INTERRUPTED)
    assert harness.log(program) == b"on\n"


def test_close_kills_what_does_not_heed_it(harness: Harness, tmp_path: Path) -> None:
    script = f"trap '' TERM; echo $$ > {tmp_path}/pid; while :; do sleep 0.05; done"
    task = sh(script, cancel_grace=timedelta(milliseconds=300))
    harness.start(task)
    pid = int(wait_for(lambda: text_of(tmp_path / "pid").strip(), "the pid"))
    harness.executor.close(timedelta(0))
    assert not is_running(pid)
    assert harness.finish(task).outcome is Outcome.INTERRUPTED


def test_close_does_not_touch_what_another_executor_runs_in_the_same_state_folder(
    make: Callable[..., Harness], tmp_path: Path
) -> None:
    one, other = make(), make()
    task = sh(f"until [ -e {tmp_path}/release ]; do sleep 0.02; done; echo rows=1 >> $MAINSPRING_OUTPUT")
    other.start(task)
    one.run(sh("true"))
    one.executor.close(timedelta(0))
    (tmp_path / "release").touch()
    assert other.finish(task).outputs == {"rows": 1}


def test_attempts_wait_for_a_host_that_cannot_be_started_now(
    make: Callable[..., Harness], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-such-python"))
    harness = make()
    task = attempt("noop", {})
    harness.submit(task)
    assert harness.executor.capacity() == 0
    assert harness.executor.recover([task.attempt_id]) == {task.attempt_id: AttemptLocation.QUEUED}
    monkeypatch.undo()
    assert harness.finish(task).outcome is Outcome.SUCCESS


def test_close_is_final_and_can_be_repeated(harness: Harness) -> None:
    harness.run(call("one"))
    harness.executor.close(timedelta(0))
    harness.executor.close(timedelta(0))
    assert harness.executor.capacity() == 0
    assert list(harness.executor.reports(0)) == []
    with pytest.raises(ExecutorError, match="closed"):
        harness.executor.submit([call("one")])


def test_close_leaves_no_process_and_no_file(harness: Harness) -> None:
    harness.run(call("one"))
    harness.run(sh("touch file"))
    hosts = harness.hosts()
    assert hosts
    harness.executor.close(timedelta(0))
    assert not any(is_running(pid) for pair in hosts for pid in pair)
    assert not list((harness.state_dir).glob("work/*"))
