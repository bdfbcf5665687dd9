"""What is left when something dies: a task, a host, its guard, the scheduler, or all of them at once."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from mainspring.attempts import LogChunk, Outcome, Started
from mainspring.states import StateReason
from mainspring_executors.local import orphans as orphans
from mainspring_executors.local.hosted import HostedExecutor
from tests.services.environment import child_environment

from .harness import Harness, call, hosts_of, is_running, lacks, sh, text_of, wait_for

SCHEDULER = Path(__file__).with_name("scheduler.py")


def family(folder: Path) -> str:
    """A script with a child in its group and a daemon that left it; each writes its pid, and none heeds TERM."""
    body = "trap '' TERM HUP; echo $$ > {path}.new; mv {path}.new {path}; while :; do sleep 0.1; done"
    child, daemon, main = (body.format(path=folder / name) for name in ("child", "daemon", "main"))
    return f'sh -c "{_quoted(child)}" & setsid sh -c "{_quoted(daemon)}" & {main}'


def _quoted(script: str) -> str:
    return script.replace("$", "\\$")


def pids_of(folder: Path) -> list[int]:
    return [int(wait_for(lambda path=folder / name: text_of(path), name)) for name in ("child", "daemon", "main")]


def assert_gone(pids: list[int], *, seconds: float = 10.0) -> None:
    wait_for(lambda: not any(map(is_running, pids)), f"the end of {pids}", seconds=seconds)


@pytest.fixture
def harness(make: Callable[..., Harness]) -> Harness:
    """An executor of the test's own: it will not be the same afterwards."""
    return make()


# -- tasks and hosts


def test_a_task_killed_from_outside_costs_only_itself(make: Callable[..., Harness]) -> None:
    harness = make(concurrency=2)
    victim, other = sh("sleep 60"), sh("sleep 0.5; echo fine")
    harness.start(victim)
    harness.start(other)
    os.killpg(harness.pid_of(victim), signal.SIGKILL)
    assert harness.finish(victim).reason is StateReason.KILLED
    assert harness.finish(other).outcome is Outcome.SUCCESS


@pytest.mark.parametrize("which", ["host", "guard", "both"])
def test_a_killed_host_takes_its_tasks_along_and_another_takes_over(
    harness: Harness, tmp_path: Path, which: str
) -> None:
    task = sh(family(tmp_path) + "; echo unreachable")
    queued = [sh("true") for _ in range(3)]
    harness.start(task)
    pids = pids_of(tmp_path)
    ((guard, host),) = [pair for pair in harness.hosts() if _runs_under(pids[2], pair[1])]
    harness.submit(*queued)
    for pid in {"host": [host], "guard": [guard], "both": [guard, host]}[which]:
        os.kill(pid, signal.SIGKILL)
    end = harness.finish(task)
    # A worker has one task at a time, so the cause is known there.
    reason = StateReason.HOST_LOST if isinstance(harness.executor, HostedExecutor) else StateReason.HOST_KILLED
    assert (end.outcome, end.reason, end.outputs) == (Outcome.LOST, reason, {})
    assert "whether its work was done is unknown" in (end.message or "")
    # Reported only once nothing runs any more: another try may start now.
    assert not any(map(is_running, [*pids, host, guard]))
    for other in queued:
        assert harness.finish(other).outcome in (Outcome.SUCCESS, Outcome.LOST)
    assert harness.run(sh("true")).outcome is Outcome.SUCCESS


def test_the_log_before_a_host_died_is_kept(harness: Harness) -> None:
    task = sh("echo before; sleep 60")
    harness.submit(task)
    harness.until(lambda: harness.log(task) == b"before\n", "the log")
    for guard, host in harness.hosts():
        os.kill(host, signal.SIGKILL)
        os.kill(guard, signal.SIGTERM)
    end = harness.finish(task)
    assert end.outcome is Outcome.LOST
    assert end.log_bytes == sum(len(chunk.data) for chunk in harness.of(task, LogChunk))


def test_a_host_that_does_not_answer_is_given_up(make: Callable[..., Harness], tmp_path: Path) -> None:
    harness = make(self_fence=timedelta(seconds=2))
    task = sh(family(tmp_path))
    harness.start(task)
    pids = pids_of(tmp_path)
    for _, host in harness.hosts():
        os.kill(host, signal.SIGSTOP)
    assert harness.finish(task, seconds=30).outcome is Outcome.LOST
    assert not any(map(is_running, pids))
    assert harness.run(sh("true")).outcome is Outcome.SUCCESS


def test_a_callable_that_crashes_its_host_loses_what_runs_beside_it_and_nothing_else(
    harness: Harness, tmp_path: Path
) -> None:
    lacks(harness, "isolates_crash")
    bystanders = [call("wait_for", "/nonexistent", str(tmp_path / f"pid{number}")) for number in range(3)]
    culprit, queued = call("die", 7), [call("one") for _ in range(20)]
    for bystander in bystanders:
        harness.start(bystander)
    harness.submit(culprit, *queued)
    assert harness.finish(culprit).outcome is Outcome.LOST
    for bystander in bystanders:
        assert harness.finish(bystander).outcome is Outcome.LOST
    for task in queued:
        assert harness.finish(task).outcome is Outcome.SUCCESS
        assert len(harness.of(task, Started)) == 1


@pytest.mark.parametrize(
    "noise",
    [
        pytest.param("ffffffff00", id="an endless frame"),
        pytest.param("00000004", id="the beginning of a frame"),
        pytest.param("0000000361626364", id="no JSON"),
        pytest.param("000000025b5d", id="no message"),
    ],
)
def test_a_host_that_talks_nonsense_is_given_up(harness: Harness, noise: str) -> None:
    lacks(harness, "isolates_crash")
    task = call("scribble_on_sockets", noise)
    end = harness.run(task)
    assert end.outcome is Outcome.LOST
    assert harness.run(call("one")).outcome is Outcome.SUCCESS


def test_a_host_that_dies_at_its_start_again_and_again_is_started_less_and_less_often(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    harness.run(sh("true"))
    harness.run(call("one"))
    broken = tmp_path / "python"
    broken.write_text(f"#!/bin/sh\necho >> {tmp_path}/starts\nexit 1\n")
    broken.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(broken))
    for _, host in harness.hosts():
        os.kill(host, signal.SIGKILL)
    harness.until(lambda: text_of(tmp_path / "starts"), "the end of the host to be noticed")
    task, unwanted = sh("true"), sh("true")
    harness.submit(task, unwanted)
    harness.until(lambda: text_of(tmp_path / "starts").count("\n") >= 2, "two starts")
    harness.until(lambda: harness.executor.capacity() == 0, "no capacity while there is no host")
    harness.executor.cancel([unwanted.attempt_id])
    assert harness.finish(unwanted).outcome is Outcome.CANCELLED
    assert harness.finished(task) is None
    monkeypatch.undo()
    assert harness.finish(task).outcome is Outcome.SUCCESS
    assert text_of(tmp_path / "starts").count("\n") < 20


# -- schedulers


class Scheduler:
    """A scheduler in a process of its own."""

    def __init__(self, executor_name: str, folder: Path, *scripts: str) -> None:
        self.out = folder / "reports"
        self.process = subprocess.Popen(
            [
                sys.executable, str(SCHEDULER), executor_name, str(folder / "state"), str(self.out),
                json.dumps(scripts),
            ], env=child_environment()
        )  # fmt: skip

    def reports(self) -> list[dict[str, str]]:
        return [json.loads(line) for line in text_of(self.out).splitlines()]


@pytest.fixture
def start(executor_name: str, tmp_path: Path) -> Iterator[Callable[..., Scheduler]]:
    started: list[Scheduler] = []

    def start(*scripts: str) -> Scheduler:
        started.append(Scheduler(executor_name, tmp_path, *scripts))
        return started[-1]

    yield start
    for scheduler in started:
        scheduler.process.kill()
        scheduler.process.wait()
    # Also when the test has failed.
    orphans.kill_orphaned(orphans.installation_of(tmp_path / "state"))


def test_a_killed_scheduler_leaves_nothing_running(start: Callable[..., Scheduler], tmp_path: Path) -> None:
    scheduler = start(family(tmp_path))
    pids = pids_of(tmp_path)
    hosts = [pid for pair in hosts_of(scheduler.process.pid) for pid in pair]
    assert hosts
    scheduler.process.kill()
    assert_gone(pids + hosts)


@pytest.mark.parametrize("body", ["sleep 0.05", "echo talking"], ids=["silent", "talkative"])
def test_tasks_of_a_killed_scheduler_are_asked_before_they_are_killed(
    start: Callable[..., Scheduler], tmp_path: Path, body: str
) -> None:
    """Whether its host notices by reading or by writing."""
    script = f"trap 'echo asked > {tmp_path}/asked; exit' TERM; echo > {tmp_path}/up; while :; do {body}; done"
    scheduler = start(script)
    wait_for(lambda: (tmp_path / "up").exists(), "the task")
    scheduler.process.kill()
    wait_for(lambda: text_of(tmp_path / "asked"), "the TERM")


def test_tasks_end_when_their_scheduler_is_silent_for_too_long(start: Callable[..., Scheduler], tmp_path: Path) -> None:
    scheduler = start(family(tmp_path))
    pids = pids_of(tmp_path)
    os.kill(scheduler.process.pid, signal.SIGSTOP)
    assert_gone(pids)
    os.kill(scheduler.process.pid, signal.SIGCONT)
    last = wait_for(lambda: [report for report in scheduler.reports() if report["kind"] == "Finished"], "the end")
    assert [(report["outcome"], report["reason"]) for report in last] == [("lost", "worker_lost")]


def test_what_survived_the_death_of_all_is_ended_by_the_next_start(
    start: Callable[..., Scheduler], make: Callable[..., Harness], tmp_path: Path
) -> None:
    scheduler = start(family(tmp_path))
    pids = pids_of(tmp_path)
    own = [scheduler.process.pid, *(pid for pair in hosts_of(scheduler.process.pid) for pid in pair)]
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in own:
            os.kill(pid, number)
    scheduler.process.wait()
    assert_gone(own[1:])
    assert any(map(is_running, pids))
    orphaned = list((tmp_path / "state" / "work").iterdir())
    assert orphaned
    harness = make()
    assert not any(map(is_running, pids))
    assert not any(folder.exists() for folder in orphaned)
    assert harness.run(sh("true")).outcome is Outcome.SUCCESS


def test_a_start_does_not_touch_what_a_living_scheduler_runs(
    start: Callable[..., Scheduler], make: Callable[..., Harness], tmp_path: Path
) -> None:
    start(family(tmp_path))
    pids = pids_of(tmp_path)
    make().run(sh("true"))
    assert all(map(is_running, pids))


def test_a_start_does_not_touch_another_installation(start: Callable[..., Scheduler], tmp_path: Path) -> None:
    start(family(tmp_path))
    pids = pids_of(tmp_path)
    orphans.kill_orphaned(orphans.installation_of(tmp_path / "another"))
    assert all(map(is_running, pids))


def _runs_under(pid: int, ancestor: int) -> bool:
    while pid > 1:
        if pid == ancestor:
            return True
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return False
