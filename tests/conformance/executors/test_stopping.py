"""Timeouts and cancels, in every phase of an attempt."""

import os
import select
import signal
from datetime import timedelta
from pathlib import Path
from time import monotonic

import pytest

from mainspring.attempts import Attempt, Outcome, Started
from mainspring.states import StateReason

from .harness import Harness, attempt, call, is_running, lacks, needs, sh, text_of, wait_for

SHORT = timedelta(milliseconds=300)
NEVER = "/nonexistent/release"


def looping(witness: Path, **fields: object) -> Attempt:
    return sh(f"echo $$ > {witness}.new; mv {witness}.new {witness}; while :; do sleep 0.05; done", **fields)


def stubborn(witness: Path, **fields: object) -> Attempt:
    return sh(
        f'trap "" TERM; echo $$ > {witness}.new; mv {witness}.new {witness}; while :; do sleep 0.05; done', **fields
    )


def pid_in(witness: Path) -> int:
    return int(wait_for(lambda: text_of(witness), f"the pid in {witness.name}"))


# -- timeouts


def test_a_program_past_its_timeout_is_ended(harness: Harness, tmp_path: Path) -> None:
    task = looping(tmp_path / "pid", timeout=SHORT)
    end = harness.run(task)
    assert (end.outcome, end.reason) == (Outcome.FAILED, StateReason.TIMED_OUT)
    assert "0.3 s" in (end.message or "")
    assert not end.still_running
    assert not is_running(pid_in(tmp_path / "pid"))


def test_a_program_that_ignores_term_is_killed_after_the_grace(harness: Harness, tmp_path: Path) -> None:
    task = stubborn(tmp_path / "pid", timeout=SHORT, cancel_grace=timedelta(milliseconds=500))
    began = monotonic()
    end = harness.run(task)
    assert end.reason is StateReason.TIMED_OUT
    assert monotonic() - began >= 0.8
    assert not is_running(pid_in(tmp_path / "pid"))


def test_a_program_may_use_the_grace_to_clean_up(harness: Harness, tmp_path: Path) -> None:
    script = f"""
trap 'sleep 0.3; echo cleaned > {tmp_path}/cleaned; exit 0' TERM
echo $$ > {tmp_path}/pid
while :; do sleep 0.05; done
"""
    end = harness.run(sh(script, timeout=SHORT, cancel_grace=timedelta(seconds=10)))
    assert end.reason is StateReason.TIMED_OUT
    assert text_of(tmp_path / "cleaned") == "cleaned\n"


def test_children_may_use_the_grace_after_their_parent_has_ended(harness: Harness, tmp_path: Path) -> None:
    child = f"""
trap 'sleep 0.5; echo cleaned > {tmp_path}/cleaned; exit 0' TERM
echo > {tmp_path}/up
while :; do sleep 0.05; done
"""
    script = f'(sh -c "$CHILD") & while [ ! -e {tmp_path}/up ]; do sleep 0.02; done; wait'
    task = sh(script, env={"CHILD": child}, cancel_grace=timedelta(seconds=10))
    harness.start(task)
    wait_for(lambda: (tmp_path / "up").exists(), "the child")
    harness.executor.cancel([task.attempt_id])
    assert harness.finish(task).outcome is Outcome.CANCELLED
    assert text_of(tmp_path / "cleaned") == "cleaned\n"


def test_inline_source_past_its_timeout_is_ended(harness: Harness) -> None:
    end = harness.run(attempt("python", {"source": "import time; time.sleep(60)"}, timeout=SHORT))
    assert (end.outcome, end.reason, end.still_running) == (Outcome.FAILED, StateReason.TIMED_OUT, False)


def test_a_callable_past_its_timeout_is_ended(harness: Harness, tmp_path: Path) -> None:
    needs(harness, "hard_cancel")
    task = call("ignore_term", str(tmp_path / "pid"), timeout=SHORT, cancel_grace=SHORT)
    end = harness.run(task)
    assert (end.reason, end.still_running) == (StateReason.TIMED_OUT, False)
    assert not is_running(pid_in(tmp_path / "pid"))


def test_a_task_in_time_is_not_touched_by_its_timeout(harness: Harness) -> None:
    tasks = [sh("sleep 0.1", timeout=timedelta(seconds=30)), call("one", timeout=timedelta(seconds=30))]
    for task in tasks:
        assert harness.run(task).outcome is Outcome.SUCCESS


def test_the_timeout_counts_from_the_start_and_not_from_the_submission(make: object, tmp_path: Path) -> None:
    harness: Harness = make(concurrency=1)  # type: ignore[operator]
    release = tmp_path / "release"
    first = sh(f"until [ -e {release} ]; do sleep 0.02; done")
    second = sh("true", timeout=SHORT)
    harness.start(first)
    harness.submit(second)
    began = monotonic()
    harness.until(lambda: monotonic() - began > 2 * SHORT.total_seconds(), "more than the timeout")
    release.touch()
    assert harness.finish(second).outcome is Outcome.SUCCESS


# -- cancel


def test_a_queued_attempt_is_cancelled_without_starting(make: object, tmp_path: Path) -> None:
    harness: Harness = make(concurrency=1)  # type: ignore[operator]
    for kind, blocker, waiting in (
        ("program", sh(f"until [ -e {tmp_path}/a ]; do sleep 0.02; done"), sh("true")),
        ("callable", call("wait_for", str(tmp_path / "a"), str(tmp_path / "w")), call("one")),
    ):
        harness.start(blocker)
        harness.submit(waiting)
        harness.executor.cancel([waiting.attempt_id])
        end = harness.finish(waiting)
        assert (end.outcome, end.reason) == (Outcome.CANCELLED, StateReason.CANCELLED), kind
        assert not harness.of(waiting, Started)
        harness.executor.cancel([blocker.attempt_id])
        (tmp_path / "a").touch()
        harness.finish(blocker)
        (tmp_path / "a").unlink()


def test_an_attempt_cancelled_while_it_starts_ends_once_and_leaves_nothing(harness: Harness) -> None:
    for _ in range(20):
        task = sh("sleep 60")
        harness.submit(task)
        harness.executor.cancel([task.attempt_id])
        assert harness.finish(task).outcome is Outcome.CANCELLED
        for started in harness.of(task, Started):
            assert started.pid is None or not is_running(started.pid)


def test_a_running_program_is_cancelled(harness: Harness, tmp_path: Path) -> None:
    task = looping(tmp_path / "pid")
    harness.start(task)
    pid = pid_in(tmp_path / "pid")
    harness.executor.cancel([task.attempt_id])
    end = harness.finish(task)
    assert (end.outcome, end.reason, end.still_running) == (Outcome.CANCELLED, StateReason.CANCELLED, False)
    assert not is_running(pid)


def test_a_halted_program_is_cancelled(harness: Harness, tmp_path: Path) -> None:
    task = sh("kill -STOP $$", cancel_grace=timedelta(seconds=30))
    harness.start(task)
    state = Path(f"/proc/{harness.pid_of(task)}/stat")
    wait_for(lambda: state.read_text().rpartition(")")[2].split()[0] == "T", "the halt")
    harness.executor.cancel([task.attempt_id])
    assert harness.finish(task, seconds=10).outcome is Outcome.CANCELLED


def test_a_running_callable_is_cancelled(harness: Harness, tmp_path: Path) -> None:
    needs(harness, "hard_cancel")
    task = call("wait_for", NEVER, str(tmp_path / "pid"))
    harness.start(task)
    pid = pid_in(tmp_path / "pid")
    harness.executor.cancel([task.attempt_id])
    end = harness.finish(task)
    assert (end.outcome, end.still_running) == (Outcome.CANCELLED, False)
    assert not is_running(pid)


def test_a_finished_attempt_keeps_its_result_when_it_is_cancelled(harness: Harness) -> None:
    task = call("one")
    harness.submit(task)
    harness.until(lambda: harness.of(task, Started), "the start")
    end = harness.finish(task)
    harness.executor.cancel([task.attempt_id])
    assert harness.run(call("one")).outcome is Outcome.SUCCESS
    assert harness.finish(task) is end


def test_a_cancel_while_the_attempt_is_finishing_lets_one_end_win(harness: Harness) -> None:
    for _ in range(30):
        task = sh("exit 0")
        harness.start(task)
        harness.executor.cancel([task.attempt_id])
        assert harness.finish(task).outcome in (Outcome.SUCCESS, Outcome.CANCELLED)


def test_a_cancel_is_idempotent_and_ignores_what_it_does_not_know(harness: Harness, tmp_path: Path) -> None:
    task = looping(tmp_path / "pid")
    harness.start(task)
    harness.executor.cancel(["0" * 32, "no id at all"])
    for _ in range(3):
        harness.executor.cancel([task.attempt_id])
    assert harness.finish(task).outcome is Outcome.CANCELLED
    harness.executor.cancel([task.attempt_id])
    assert harness.run(call("one")).outcome is Outcome.SUCCESS


def test_many_are_cancelled_at_once(harness: Harness) -> None:
    tasks = harness.submit(*(sh("sleep 60") for _ in range(50)))
    harness.executor.cancel([task.attempt_id for task in tasks])
    for task in tasks:
        assert harness.finish(task).outcome is Outcome.CANCELLED


# -- what leaves the process group


@pytest.mark.parametrize("how", ["end", "cancel", "timeout"])
@pytest.mark.parametrize("kind", ["shell", "callable"])
def test_a_child_with_its_own_session_that_ignores_term_does_not_survive(
    harness: Harness, tmp_path: Path, how: str, kind: str
) -> None:
    witness = tmp_path / "daemon"
    daemon = f'trap "" TERM HUP; echo $$ > {witness}.new; mv {witness}.new {witness}; while :; do sleep 0.1; done'
    hold = "" if how == "end" else "; sleep 60"
    fields: dict[str, object] = {"cancel_grace": SHORT, "timeout": timedelta(seconds=2) if how == "timeout" else None}
    if kind == "shell":
        script = f'setsid sh -c "$DAEMON" & until [ -e {witness} ]; do sleep 0.02; done{hold}'
        task = sh(script, env={"DAEMON": daemon}, **fields)
    else:
        code = f"import jobs, time; jobs.start_daemon({str(witness)!r}){'' if how == 'end' else '; time.sleep(60)'}"
        task = attempt("python", {"callable": "builtins:exec", "args": [code], "env": {"X": "1"}}, **fields)
    harness.start(task)
    pid = pid_in(witness)
    if how == "cancel":
        harness.executor.cancel([task.attempt_id])
    end = harness.finish(task)
    assert end.outcome is {"end": Outcome.SUCCESS, "cancel": Outcome.CANCELLED, "timeout": Outcome.FAILED}[how]
    assert not is_running(pid)


def test_a_daemon_of_one_attempt_outlives_the_end_of_another(harness: Harness, tmp_path: Path) -> None:
    witness = tmp_path / "daemon"
    script = f"setsid sh -c 'echo $$ > {witness}; exec sleep 60' & until [ -s {witness} ]; do sleep 0.02; done"
    task = sh(f"{script}; until [ -e {tmp_path}/release ]; do sleep 0.02; done")
    harness.start(task)
    pid = pid_in(witness)
    assert harness.run(sh("true")).outcome is Outcome.SUCCESS
    assert is_running(pid)
    (tmp_path / "release").touch()
    harness.finish(task)
    assert not is_running(pid)


def test_a_daemon_that_hides_its_origin_ends_with_the_last_attempt(harness: Harness, tmp_path: Path) -> None:
    witness = tmp_path / "daemon"
    script = f"env -i setsid sh -c 'echo $$ > {witness}; exec sleep 60' & until [ -s {witness} ]; do sleep 0.02; done"
    harness.run(sh(script))
    wait_for(lambda: not is_running(pid_in(witness)), "the end of the daemon")


# -- life without hard_cancel


@pytest.mark.parametrize("how", ["timeout", "cancel"])
def test_a_callable_that_cannot_be_stopped_is_over_at_once_and_says_that_it_still_runs(
    make: object, tmp_path: Path, how: str
) -> None:
    harness: Harness = make(concurrency=4)  # type: ignore[operator]
    lacks(harness, "hard_cancel")
    release, witness = tmp_path / "release", tmp_path / "pid"
    fields: dict[str, object] = {"timeout": SHORT} if how == "timeout" else {}
    task = call("wait_for", str(release), str(witness), cancel_grace=timedelta(seconds=30), **fields)
    capacity = harness.executor.capacity()
    harness.start(task)
    pid_in(witness)
    if how == "cancel":
        harness.executor.cancel([task.attempt_id])
    end = harness.finish(task)
    assert end.still_running
    assert end.reason is (StateReason.TIMED_OUT if how == "timeout" else StateReason.CANCELLED)
    assert harness.executor.capacity() == capacity - 1
    assert not harness.stopped(task)
    release.touch()
    harness.until(lambda: harness.stopped(task), "the report that it stopped")
    assert harness.executor.capacity() == capacity
    assert harness.finish(task) is end


def test_what_a_callable_prints_after_its_end_is_dropped(make: object, tmp_path: Path) -> None:
    harness: Harness = make(concurrency=4)  # type: ignore[operator]
    lacks(harness, "hard_cancel")
    task = call("talk_around", str(tmp_path / "release"), str(tmp_path / "pid"), cancel_grace=timedelta(seconds=30))
    harness.start(task)
    pid_in(tmp_path / "pid")
    harness.executor.cancel([task.attempt_id])
    end = harness.finish(task)
    (tmp_path / "release").touch()
    harness.until(lambda: harness.stopped(task), "the report that it stopped")
    assert harness.log(task) == b"early\n"
    assert end.log_bytes == len(b"early\n")


def test_a_host_half_full_of_code_that_cannot_be_stopped_is_replaced(make: object, tmp_path: Path) -> None:
    harness: Harness = make(concurrency=2)  # type: ignore[operator]
    lacks(harness, "hard_cancel")
    stuck = call("wait_for", NEVER, str(tmp_path / "stuck"), cancel_grace=timedelta(seconds=1))
    healthy = call("wait_for", str(tmp_path / "release"), str(tmp_path / "healthy"))
    for task, witness in ((stuck, "stuck"), (healthy, "healthy")):
        harness.start(task)
        pid_in(tmp_path / witness)
    queued = harness.submit(*(call("whereabouts") for _ in range(5)))
    harness.executor.cancel([stuck.attempt_id])
    assert harness.finish(stuck).still_running
    old = pid_in(tmp_path / "stuck")
    for task in queued:
        assert harness.finish(task).outputs["pid"] != old
    (tmp_path / "release").touch()
    assert harness.finish(healthy).outputs == {"return_value": "released"}
    harness.until(lambda: harness.stopped(stuck), "the end of the old host")
    assert not is_running(old)


def test_attempts_given_back_by_a_retiring_host_can_still_be_cancelled(make: object, tmp_path: Path) -> None:
    harness: Harness = make(concurrency=1)  # type: ignore[operator]
    lacks(harness, "hard_cancel")
    stuck = call("wait_for", NEVER, str(tmp_path / "stuck"), cancel_grace=SHORT)
    harness.start(stuck)
    host = pid_in(tmp_path / "stuck")
    queued = harness.submit(*(call("one") for _ in range(10)))
    harness.pump(0)
    harness.executor.cancel([stuck.attempt_id])
    assert select.select([harness.executor.fileno()], [], [], 10.0)[0]
    # It has told the end and will be told to retire; it cannot give back what it has queued yet.
    os.kill(host, signal.SIGSTOP)
    assert harness.finish(stuck).still_running
    harness.executor.cancel([task.attempt_id for task in queued])
    os.kill(host, signal.SIGCONT)
    for task in queued:
        assert harness.finish(task).outcome is Outcome.CANCELLED
    harness.until(lambda: harness.stopped(stuck), "the end of the old host")
    assert harness.run(call("one")).outcome is Outcome.SUCCESS
