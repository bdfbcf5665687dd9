"""Finds and kills what a crash left running: processes that carry the mark of a host in their environment.

A mark is `<installation>-<owner>-<random>`. The owner is the scheduler process that started the host, told apart from
a later process of the same number by its start time. Marks of other installations, and those whose owner still lives,
are never touched.
"""

import hashlib
import os
import secrets
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from time import sleep

from mainspring_executors.environment import HOST_VARIABLE

__all__ = ["installation_of", "is_orphaned", "kill_host", "kill_orphaned", "new_mark"]

_ROUNDS_MAX = 50
_ROUND_SECONDS = 0.01


def installation_of(state_dir: Path) -> str:
    """A name for everything that shares `state_dir`."""
    return hashlib.sha256(os.fsencode(state_dir.resolve())).hexdigest()[:12]


def new_mark(installation: str) -> str:
    """A mark for a host that this process is about to start."""
    return f"{installation}-{_identity(os.getpid())}-{secrets.token_hex(6)}"


def is_orphaned(mark: str, installation: str) -> bool:
    """Whether `mark` is one of `installation` and its owner is gone."""
    parts = mark.split("-")
    if len(parts) != 3 or parts[0] != installation:
        return False
    pid, _, _ = parts[1].partition(".")
    return not pid.isdigit() or _identity(int(pid)) != parts[1]


def kill_host(mark: str) -> None:
    """Kill every process that carries exactly this mark."""
    _kill(lambda found: found == mark)


def kill_orphaned(installation: str) -> None:
    """Kill every process of `installation` whose owner is gone."""
    _kill(lambda found: is_orphaned(found, installation))


def _kill(is_wanted: Callable[[str], bool]) -> None:
    """Until none is found: what is killed may have started others meanwhile. Bounded, for one that cannot die."""
    for _ in range(_ROUNDS_MAX):
        pids = [pid for pid, mark in _marked() if is_wanted(mark)]
        if not pids:
            return
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                continue
        sleep(_ROUND_SECONDS)


def _marked() -> Iterator[tuple[int, str]]:
    """Processes with a mark, except this one. Those of other users cannot be read and are not ours."""
    name = HOST_VARIABLE.encode() + b"="
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            with open(f"/proc/{entry}/environ", "rb") as file:
                environ = file.read()
        except OSError:
            continue
        for item in environ.split(b"\0"):
            if item.startswith(name):
                yield int(entry), item[len(name) :].decode("ascii", "replace")


def _identity(pid: int) -> str | None:
    """`<pid>.<start time in clock ticks>`; `None` when there is no such process, or only its zombie."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return None if fields[0] in (b"Z", b"X") else f"{pid}.{fields[19].decode()}"
