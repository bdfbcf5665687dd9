"""A test bed around one executor: submits attempts, collects their reports, waits for conditions with a deadline."""

import contextlib
import os
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

import pytest

from mainspring.attempts import Attempt, Finished, Limits, LogChunk, Report, Started, Stopped
from mainspring_executors import Executor, SubmitResult
from mainspring_executors.local import orphans as orphans

from .remote import Remote

T = TypeVar("T")

DEADLINE_SECONDS = 20.0


def attempt(task_type: str, payload: Mapping[str, Any], **fields: Any) -> Attempt:
    """A work order with the boring rest filled in."""
    boring: dict[str, Any] = {
        "attempt_id": secrets.token_hex(16),
        "dag_id": "etl",
        "run_id": "manual__2026-11-22",
        "task_id": "extract",
        "cancel_grace": timedelta(seconds=2),
    }
    return Attempt(task_type=task_type, payload=payload, **{**boring, **fields})


def sh(script: str, **fields: Any) -> Attempt:
    env = fields.pop("env", {})
    extra = fields.pop("payload", {})
    return attempt("shell", {"script": script, "env": env, **extra}, **fields)


def call(function: str, *args: Any, **fields: Any) -> Attempt:
    """A callable of the module `jobs` in the test's code folder."""
    payload = fields.pop("payload", {})
    return attempt("python", {"callable": f"jobs:{function}", "args": list(args), **payload}, **fields)


def wait_for(condition: Callable[[], T], what: str, *, seconds: float = DEADLINE_SECONDS) -> T:
    """The first truthy value of `condition`; fails when there is none in time."""
    deadline = monotonic() + seconds
    while not (value := condition()):
        assert monotonic() < deadline, f"waited {seconds:g} s in vain: {what}"
        os.sched_yield()
    return value


class Harness:
    """An executor and everything it has reported so far."""

    def __init__(self, executor: Executor, folder: Path, state_dir: Path) -> None:
        self.executor = executor
        self.state_dir = state_dir
        self.folder = folder
        """A folder for witness files."""
        self.reports: dict[str, list[Report]] = defaultdict(list)

    def submit(self, *attempts: Attempt) -> Sequence[Attempt]:
        for answer in self.executor.submit(attempts):
            assert answer.result is SubmitResult.ACCEPTED, answer
        return attempts

    def pump(self, timeout: float = 0.02) -> None:
        for report in self.executor.reports(timeout):
            self.reports[report.attempt_id].append(report)

    def until(self, condition: Callable[[], T], what: str, *, seconds: float = DEADLINE_SECONDS) -> T:
        """Take in reports until `condition` holds."""
        deadline = monotonic() + seconds
        while not (value := condition()):
            assert monotonic() < deadline, f"waited {seconds:g} s in vain: {what}\n{dict(self.reports)}"
            self.pump()
        return value

    def run(self, attempt: Attempt, *, seconds: float = DEADLINE_SECONDS) -> Finished:
        """Submit and wait for the end."""
        self.submit(attempt)
        return self.finish(attempt, seconds=seconds)

    def finish(self, attempt: Attempt, *, seconds: float = DEADLINE_SECONDS) -> Finished:
        return self.until(lambda: self.finished(attempt), f"the end of {attempt.attempt_id}", seconds=seconds)

    def start(self, attempt: Attempt) -> Started:
        """Submit and wait for the start."""
        self.submit(attempt)
        return self.until(lambda: self.of(attempt, Started), "the start")[0]

    def of(self, attempt: Attempt, kind: type[T]) -> list[T]:
        return [report for report in self.reports[attempt.attempt_id] if isinstance(report, kind)]

    def finished(self, attempt: Attempt) -> Finished | None:
        ends = self.of(attempt, Finished)
        assert len(ends) <= 1, f"more than one end: {ends}"
        return ends[0] if ends else None

    def stopped(self, attempt: Attempt) -> bool:
        return bool(self.of(attempt, Stopped))

    def log(self, attempt: Attempt) -> bytes:
        chunks = self.of(attempt, LogChunk)
        offset = 0
        for chunk in chunks:
            assert chunk.offset == offset
            assert len(chunk.data) <= 64 * 1024
            offset += len(chunk.data)
        return b"".join(chunk.data for chunk in chunks)

    def hosts(self) -> list[tuple[int, int]]:
        """(guard, host) of each of its task hosts."""
        if isinstance(self.executor, Remote):
            return [pair for worker in self.executor.workers for pair in hosts_of(worker.pid)]
        mark = f"\0{orphans.installation_of(self.state_dir)}-".encode()
        return [pair for pair in hosts_of(os.getpid()) if mark in Path(f"/proc/{pair[0]}/cmdline").read_bytes()]

    def pid_of(self, attempt: Attempt) -> int:
        """The process of an attempt that has started. A worker's start is its claim: its process comes later."""
        if isinstance(self.executor, Remote):
            mark = f"MAINSPRING_ATTEMPT_ID={attempt.attempt_id}".encode()
            return wait_for(lambda: next(_processes_with(mark), 0), "the process of the attempt")
        (started,) = self.of(attempt, Started)
        assert started.pid is not None
        return started.pid


def _processes_with(mark: bytes) -> Iterator[int]:
    """Processes whose environment holds a variable, the leaders of process groups only."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                if mark in (folder / "environ").read_bytes() and os.getpgid(int(folder.name)) == int(folder.name):
                    yield int(folder.name)


def is_running(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0]
    except OSError:
        return False
    return state not in (b"Z", b"X")


def text_of(path: Path) -> str:
    """The text of a file that another process is about to write; empty before."""
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""


def limits(**fields: int) -> Limits:
    return Limits(**fields)


def needs(harness: Harness, capability: str) -> None:
    """Skip a test that is about a capability which this executor declares that it lacks."""
    if not getattr(harness.executor.capabilities, capability):
        pytest.skip(f"{type(harness.executor).__name__} declares capabilities.{capability} = False")


def lacks(harness: Harness, capability: str) -> None:
    """Skip a test about life without a capability on an executor that has it."""
    if getattr(harness.executor.capabilities, capability):
        pytest.skip(f"{type(harness.executor).__name__} declares capabilities.{capability} = True")


def children_of(pid: int) -> list[int]:
    """The children of all threads of a process; empty when the process has ended."""
    children: list[int] = []
    # A thread may end between the listing and the reading: its file is missing (ENOENT) or not readable (ESRCH).
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                children += map(int, (thread / "children").read_text().split())
    return children


def hosts_of(pid: int) -> list[tuple[int, int]]:
    """(guard, host) of each task host that process `pid` has started."""
    return [
        (guard, host)
        for guard in children_of(pid)
        if b"mainspring_executors.host" in Path(f"/proc/{guard}/cmdline").read_bytes()
        for host in children_of(guard)
    ]
