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
from mainspring_executors import SubmitResult, Whereabouts

from .bed import Bed, attempt, call, is_running, sh, text_of, wait_for


@pytest.fixture
def bed(make: Callable[..., Bed]) -> Bed:
    """An executor of the test's own: it will not be the same afterwards."""
    return make()


def blocker(folder: Path, name: str = "release") -> Attempt:
    return sh(f"until [ -e {folder}/{name} ]; do sleep 0.02; done")


def test_an_attempt_submitted_twice_runs_once(bed: Bed, tmp_path: Path) -> None:
    task = sh(f"echo run >> {tmp_path}/witness; until [ -e {tmp_path}/release ]; do sleep 0.02; done")
    bed.submit(task, task)
    bed.until(lambda: bed.of(task, Started), "the start")
    bed.submit(task)
    (tmp_path / "release").touch()
    bed.finish(task)
    bed.submit(task)
    assert bed.run(sh("true")).outcome is Outcome.SUCCESS
    assert text_of(tmp_path / "witness") == "run\n"
    assert len(bed.of(task, Started)) == len(bed.of(task, Finished)) == 1


def test_the_answers_to_a_submit_are_in_its_order(bed: Bed) -> None:
    tasks = [call("one"), attempt("cobol", {}), sh("true"), attempt("noop", {})]
    answers = bed.executor.submit(tasks)
    assert [answer.attempt_id for answer in answers] == [task.attempt_id for task in tasks]
    accepted, rejected = SubmitResult.ACCEPTED, SubmitResult.REJECTED
    assert [answer.result for answer in answers] == [accepted, rejected, accepted, accepted]


def test_reports_are_numbered_so_that_they_can_be_applied_twice(bed: Bed) -> None:
    task = call("one")
    end = bed.run(task)
    (start,) = bed.of(task, Started)
    assert start.seq < end.seq


def test_recover_tells_where_each_attempt_is(make: Callable[..., Bed], tmp_path: Path) -> None:
    bed = make(concurrency=1)
    finished, running, queued = sh("true"), blocker(tmp_path), sh("true")
    bed.run(finished)
    bed.start(running)
    bed.submit(queued)
    assert bed.executor.recover([finished.attempt_id, running.attempt_id, queued.attempt_id, "f" * 32]) == {
        finished.attempt_id: Whereabouts.FINISHED,
        running.attempt_id: Whereabouts.RUNNING,
        queued.attempt_id: Whereabouts.QUEUED,
        "f" * 32: Whereabouts.ABSENT,
    }


def test_recover_calls_a_lost_attempt_finished_and_never_absent(bed: Bed) -> None:
    task = sh("sleep 60")
    bed.start(task)
    for _, host in bed.hosts():
        os.kill(host, signal.SIGKILL)
    seen = set()
    while bed.finished(task) is None:
        seen.add(bed.executor.recover([task.attempt_id])[task.attempt_id])
        bed.pump()
    seen.add(bed.executor.recover([task.attempt_id])[task.attempt_id])
    assert seen <= {Whereabouts.RUNNING, Whereabouts.FINISHED}
    assert Whereabouts.FINISHED in seen


def test_never_more_attempts_run_at_one_time_than_the_concurrency(make: Callable[..., Bed], tmp_path: Path) -> None:
    bed = make(concurrency=3)
    tasks = bed.submit(*(blocker(tmp_path) for _ in range(12)))
    bed.until(lambda: sum(bool(bed.of(task, Started)) for task in tasks) == 3, "three starts")
    (tmp_path / "release").touch()
    ends = [(bed.finish(task).at, -1) for task in tasks]
    starts = [(bed.of(task, Started)[0].at, 1) for task in tasks]
    # Reports of different attempts may overtake each other; their instants tell what ran at one time.
    running = list(itertools.accumulate(step for _, step in sorted(starts + ends)))
    assert max(running) == 3


def test_capacity_shrinks_with_what_is_handed_over_and_comes_back(make: Callable[..., Bed], tmp_path: Path) -> None:
    bed = make(concurrency=2)
    free = bed.executor.capacity()
    assert free >= 2 + 64
    tasks = bed.submit(*(blocker(tmp_path) for _ in range(free)))
    assert bed.executor.capacity() == 0
    (tmp_path / "release").touch()
    for task in tasks:
        bed.finish(task)
    assert bed.executor.capacity() == free


def test_there_is_slack_while_much_waits_in_it(make: Callable[..., Bed], tmp_path: Path) -> None:
    bed = make(concurrency=2)
    assert bed.executor.slack() == 0
    tasks = bed.submit(*(blocker(tmp_path) for _ in range(64)))
    assert bed.executor.slack() > 0
    (tmp_path / "release").touch()
    for task in tasks:
        bed.finish(task)
    bed.until(lambda: bed.executor.slack() == 0, "the end of the slack to be noticed")


def test_more_than_the_capacity_is_still_carried_out(make: Callable[..., Bed]) -> None:
    bed = make(concurrency=2)
    tasks = bed.submit(*(call("one") for _ in range(bed.executor.capacity() + 50)))
    assert bed.executor.capacity() == 0
    for task in tasks:
        assert bed.finish(task).outcome is Outcome.SUCCESS


def test_attempts_start_in_the_order_of_their_submission(make: Callable[..., Bed]) -> None:
    bed = make(concurrency=1)
    tasks = bed.submit(*(call("one") for _ in range(30)))
    starts: list[str] = []
    while len(starts) < len(tasks):
        starts += [report.attempt_id for report in bed.executor.reports(1.0) if isinstance(report, Started)]
    assert starts == [task.attempt_id for task in tasks]


def test_reports_waits_no_longer_than_it_is_told(bed: Bed) -> None:
    began = monotonic()
    assert list(bed.executor.reports(0)) == []
    assert list(bed.executor.reports(0.2)) == []
    assert 0.2 <= monotonic() - began < 2.0


@pytest.mark.parametrize("kind", ["report", "rejected later", "cancelled without a host"])
def test_the_descriptor_becomes_readable_when_there_is_something_to_report(bed: Bed, kind: str) -> None:
    bed.run(call("one"))
    task = {"report": call("one"), "rejected later": attempt("shell", {}), "cancelled without a host": sh("true")}[kind]
    bed.submit(task)
    if kind == "cancelled without a host":
        bed.executor.cancel([task.attempt_id])
    deadline = monotonic() + 10
    while bed.finished(task) is None and monotonic() < deadline:
        assert select.select([bed.executor.fileno()], [], [], 5.0)[0], "nothing to read, but no end either"
        bed.pump(0)
    assert bed.finished(task)


def test_large_payloads_and_large_outputs_pass(bed: Bed) -> None:
    text = "x" * 200_000
    tasks = bed.submit(*(call("echo", text) for _ in range(40)))
    for task in tasks:
        assert bed.finish(task).outputs == {"return_value": text}


@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_cancelled_when_every_attempt_ends_exactly_once(make: Callable[..., Bed], seed: int) -> None:
    rng = random.Random(seed)
    bed = make(concurrency=4)
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
    while waiting or not all(bed.finished(task) for task in tasks):
        batch, waiting = waiting[:10], waiting[10:]
        bed.submit(*batch)
        bed.executor.cancel([task.attempt_id for task in rng.sample(tasks[: len(tasks) - len(waiting)], k=8)])
        bed.pump(0.01)
        if not waiting:
            bed.executor.cancel([task.attempt_id for task in tasks])
    for task in tasks:
        kinds_seen = [type(report).__name__ for report in bed.reports[task.attempt_id]]
        assert kinds_seen.count("Finished") == 1
        assert kinds_seen.count("Started") <= 1
        assert bed.log(task) is not None


# -- close


def test_close_lets_finish_what_can_within_the_grace(bed: Bed) -> None:
    task = sh("sleep 0.3; echo rows=1 >> $MAINSPRING_OUTPUT")
    bed.start(task)
    bed.executor.close(timedelta(seconds=10))
    assert bed.finish(task).outputs == {"rows": 1}


def test_close_interrupts_what_is_left(make: Callable[..., Bed], tmp_path: Path) -> None:
    bed = make(concurrency=2)
    program, callable_ = sh("echo on; sleep 60"), call("wait_for", "/nonexistent", str(tmp_path / "pid"))
    queued = [sh("true") for _ in range(3)] + [call("one") for _ in range(3)]
    bed.submit(program, callable_)
    wait_for(lambda: text_of(tmp_path / "pid"), "the callable")
    bed.until(lambda: bed.log(program), "the program")
    pids = [pid for pair in bed.hosts() for pid in pair]
    pids += [started.pid for task in (program, callable_) for started in bed.of(task, Started) if started.pid]
    if bed.executor.capabilities.isolates_crash:
        bed.submit(*queued)
    bed.executor.close(timedelta(milliseconds=100))
    assert not any(map(is_running, pids))
    for task in (program, callable_, *(queued if bed.executor.capabilities.isolates_crash else ())):
        end = bed.finish(task)
        assert (end.outcome, end.reason) == (Outcome.INTERRUPTED, StateReason.INTERRUPTED)
    assert bed.log(program) == b"on\n"


def test_close_kills_what_does_not_heed_it(bed: Bed, tmp_path: Path) -> None:
    script = f"trap '' TERM; echo $$ > {tmp_path}/pid; while :; do sleep 0.05; done"
    task = sh(script, cancel_grace=timedelta(milliseconds=300))
    bed.start(task)
    pid = int(wait_for(lambda: text_of(tmp_path / "pid").strip(), "the pid"))
    bed.executor.close(timedelta(0))
    assert not is_running(pid)
    assert bed.finish(task).outcome is Outcome.INTERRUPTED


def test_close_does_not_touch_what_another_executor_runs_in_the_same_state_folder(
    make: Callable[..., Bed], tmp_path: Path
) -> None:
    one, other = make(), make()
    task = sh(f"until [ -e {tmp_path}/release ]; do sleep 0.02; done; echo rows=1 >> $MAINSPRING_OUTPUT")
    other.start(task)
    one.run(sh("true"))
    one.executor.close(timedelta(0))
    (tmp_path / "release").touch()
    assert other.finish(task).outputs == {"rows": 1}


def test_attempts_wait_for_a_host_that_cannot_be_started_now(
    make: Callable[..., Bed], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-such-python"))
    bed = make()
    task = attempt("noop", {})
    bed.submit(task)
    assert bed.executor.capacity() == 0
    assert bed.executor.recover([task.attempt_id]) == {task.attempt_id: Whereabouts.QUEUED}
    monkeypatch.undo()
    assert bed.finish(task).outcome is Outcome.SUCCESS


def test_close_is_final_and_can_be_repeated(bed: Bed) -> None:
    bed.run(call("one"))
    bed.executor.close(timedelta(0))
    bed.executor.close(timedelta(0))
    assert bed.executor.capacity() == 0
    assert list(bed.executor.reports(0)) == []
    with pytest.raises(ExecutorError, match="closed"):
        bed.executor.submit([call("one")])


def test_close_leaves_no_process_and_no_file(bed: Bed) -> None:
    bed.run(call("one"))
    bed.run(sh("touch file"))
    hosts = bed.hosts()
    assert hosts
    bed.executor.close(timedelta(0))
    assert not any(is_running(pid) for pair in hosts for pid in pair)
    assert not list((bed.state_dir).glob("work/*"))
