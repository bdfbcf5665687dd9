"""A machine without room for another task: the task waits, pays nothing, and runs when there is room."""

import contextlib
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mainspring.attempts import Attempt, Outcome
from mainspring_executors.contract import ShowsRefusals
from tests.conformance.executors import confined
from tests.conformance.executors.harness import Harness, call, children_of, sh
from tests.services.environment import child_environment


def is_refused(harness: Harness, cause: str) -> bool:
    """Whether the executor, or the beats of its workers, say that a task cannot be started for this cause."""
    assert isinstance(harness.executor, ShowsRefusals)
    shown = harness.executor.refusals()
    return shown.count > 0 and shown.cause == cause


def assert_waits_and_runs(harness: Harness, task: Attempt, cause: str, make_room: Callable[[], None]) -> None:
    harness.submit(task)
    harness.until(lambda: is_refused(harness, cause), f"a refusal for {cause}")
    assert harness.finished(task) is None
    make_room()
    assert harness.finish(task, seconds=40).outcome is Outcome.SUCCESS


def started_hosts(harness: Harness, executor_name: str) -> list[int]:
    """The task hosts, none of which still imports modules: that needs descriptors too."""
    assert harness.run(sh("true")).outcome is Outcome.SUCCESS
    if executor_name == "thread":  # scripts and functions have a host each
        assert harness.run(call("one")).outcome is Outcome.SUCCESS
    return [host for _, host in harness.hosts()]


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True)
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m,nr_inodes=300", "tmpfs", str(folder)],
        env=child_environment(),
        check=True,
    )
    yield


def fill(folder: Path) -> list[Path]:
    """Leave no place for another file."""
    files: list[Path] = []
    with contextlib.suppress(OSError):
        while True:
            path = folder / f"filler-{len(files)}"
            path.touch()
            files.append(path)
    return files


@pytest.mark.parametrize("kind", ["script", "function"])
def test_a_task_waits_while_the_disk_is_full(
    make: Callable[..., Harness], executor_name: str, tmp_path: Path, request: pytest.FixtureRequest, kind: str
) -> None:
    if not confined.is_inside():
        return confined.run_with_own_mounts(request, tmp_path)
    if (executor_name, kind) == ("thread", "function"):
        return None  # needs no disk
    disk = tmp_path / "state" / ("worker-0" if executor_name == "rq" else "")
    with small_disk(disk):
        harness = make(concurrency=1)
        first = sh("true")
        assert harness.run(first).outcome is Outcome.SUCCESS
        # The host removes the folder of an ended attempt later, which would make room on the full disk.
        harness.until(lambda: not list(disk.rglob(first.attempt_id)), "the removal of the first attempt's folder")
        fillers = fill(disk)
        assert fillers
        task = sh("true") if kind == "script" else call("one")
        assert_waits_and_runs(
            harness, task, "No space left on device", lambda: [path.unlink() for path in fillers] and None
        )
    return None


@pytest.mark.parametrize("kind", ["script", "function"])
def test_a_task_waits_while_no_process_can_be_started(
    make: Callable[..., Harness], executor_name: str, tmp_path: Path, request: pytest.FixtureRequest, kind: str
) -> None:
    if not confined.is_inside():
        return confined.run_with_a_limit_of_processes(request, tmp_path)
    harness = make(concurrency=2 if executor_name == "thread" else 1)
    needs_thread = (executor_name, kind) == ("thread", "function")
    blocker = call("wait_for", str(tmp_path / "go"), str(tmp_path / "up"))
    if needs_thread:
        harness.start(blocker)
    else:
        assert harness.run(sh("true")).outcome is Outcome.SUCCESS
    limited = [pid for pair in harness.hosts() for host in pair for pid in (host, *children_of(host))]
    before = {pid: resource.prlimit(pid, resource.RLIMIT_NPROC) for pid in limited}
    for pid, (_, hard) in before.items():
        resource.prlimit(pid, resource.RLIMIT_NPROC, (1, hard))

    def make_room() -> None:
        for pid, limits in before.items():
            with contextlib.suppress(ProcessLookupError):
                resource.prlimit(pid, resource.RLIMIT_NPROC, limits)

    cause = "no thread can be started now" if needs_thread else "Resource temporarily unavailable"
    assert_waits_and_runs(harness, sh("true") if kind == "script" else call("one"), cause, make_room)
    (tmp_path / "go").touch()
    return None


@pytest.mark.parametrize("kind", ["script", "function"])
def test_a_task_waits_while_its_host_has_no_descriptor_left(
    make: Callable[..., Harness], executor_name: str, kind: str
) -> None:
    if (executor_name, kind) == ("thread", "function"):
        pytest.skip("a function on a thread needs no descriptor")
    harness = make(concurrency=1)
    hosts = started_hosts(harness, executor_name)
    before = {host: resource.prlimit(host, resource.RLIMIT_NOFILE) for host in hosts}
    for host, (_, hard) in before.items():
        resource.prlimit(host, resource.RLIMIT_NOFILE, (3, hard))

    def make_room() -> None:
        for host, limits in before.items():
            resource.prlimit(host, resource.RLIMIT_NOFILE, limits)

    task = sh("true") if kind == "script" else call("one")
    assert_waits_and_runs(harness, task, "Too many open files", make_room)
    assert set(hosts) <= {host for _, host in harness.hosts()}, "a host died of it"


def test_an_output_is_read_when_there_is_a_descriptor_again(
    make: Callable[..., Harness], executor_name: str, tmp_path: Path
) -> None:
    harness = make(concurrency=1)
    hosts = started_hosts(harness, executor_name)
    script = f"echo x=1 >> $MAINSPRING_OUTPUT; touch {tmp_path}/up; until [ -e {tmp_path}/go ]; do sleep 0.05; done"
    task = sh(script)
    harness.submit(task)
    harness.until((tmp_path / "up").exists, "the task")
    before = {host: resource.prlimit(host, resource.RLIMIT_NOFILE) for host in hosts}
    for host, (_, hard) in before.items():
        resource.prlimit(host, resource.RLIMIT_NOFILE, (3, hard))
    (tmp_path / "go").touch()
    harness.until(lambda: is_refused(harness, "Too many open files"), "a refusal")
    for host, limits in before.items():
        resource.prlimit(host, resource.RLIMIT_NOFILE, limits)
    end = harness.finish(task, seconds=40)
    assert (end.outcome, end.outputs) == (Outcome.SUCCESS, {"x": 1})
