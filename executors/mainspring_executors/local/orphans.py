"""Finds and kills orphans: processes with the mark of a host whose scheduler is gone.

Host processes have the mark in their command line. Programs of tasks have the mark in their environment. Only the user
of a process can read its environment, so the search for processes of another user runs as that user:
`python -m mainspring_executors.local.orphans host|installation NAME FOLDER`.

A mark is `<installation>-<owner>-<random>`. The owner is the pid and the start time of the scheduler that started the
host: the start time tells a later process with a reused pid apart. Processes of other installations, and processes
with a living owner, are left alone.
"""

import hashlib
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import sleep

from mainspring.errors import ExecutorError
from mainspring_executors.environment import HOST_VARIABLE
from mainspring_executors.local.task_user import TaskUser

__all__ = ["installation_of", "is_orphaned", "kill_host", "kill_orphaned", "new_mark"]

_HOST_MODULE = b"mainspring_executors.host"
_ROUNDS_MAX = 50
_ROUND_SECONDS = 0.01


def installation_of(state_dir: Path) -> str:
    """The name of the installation that uses `state_dir`."""
    return hashlib.sha256(os.fsencode(state_dir.resolve())).hexdigest()[:12]


def new_mark(installation: str) -> str:
    """A mark for a host that this process is about to start."""
    return f"{installation}-{_identity(os.getpid())}-{secrets.token_hex(6)}"


def is_orphaned(mark: str, installation: str) -> bool:
    """Whether `mark` belongs to `installation` and its owner is gone."""
    parts = mark.split("-")
    if len(parts) != 3 or parts[0] != installation:
        return False
    pid, _, _ = parts[1].partition(".")
    return not pid.isdigit() or _identity(int(pid)) != parts[1]


def kill_host(mark: str, user: TaskUser | None = None) -> None:
    """Kill every process of `user` that carries exactly this mark."""
    if user is None:
        _kill(lambda other_mark: other_mark == mark)
    else:
        _run_as(user, "host", mark, "/")


def kill_orphaned(installation: str, user: TaskUser | None = None, *, folder: Path = Path("/")) -> None:
    """Kill every process of `installation` whose owner is gone.

    folder: the folder that tasks of `user` must be able to reach.

    Raises:
        ExecutorError: `user` can run no process on this machine, or cannot reach the folder.
    """
    if user is None:
        _kill(lambda mark: is_orphaned(mark, installation))
    elif problem := _run_as(user, "installation", installation, str(folder)):
        raise ExecutorError(f"task_user '{user.name}' cannot run tasks in {folder}: {problem}")


def _run_as(user: TaskUser, *arguments: str) -> str:
    """Run this module as `user`. Returns the last line of the error output; empty after a success."""
    command = [sys.executable, "-P", "-m", __name__, *arguments]
    env = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    try:
        done = subprocess.run(
            command, env=env, cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True, **user.of_process
        )
    except OSError as exc:
        return str(exc)
    if done.returncode == 0:
        return ""
    return (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]


def _kill(is_orphan: Callable[[str], bool]) -> None:
    """Kill processes by their mark, in rounds: a process may have started another one before its death.

    The number of rounds is bounded, because a process can be impossible to kill.
    """
    for _ in range(_ROUNDS_MAX):
        pids = [pid for pid, mark in _marked() if is_orphan(mark)]
        if not pids:
            return
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                continue
        sleep(_ROUND_SECONDS)


def _marked() -> Iterator[tuple[int, str]]:
    """(pid, mark) of all processes with a mark, except this process and processes of other users."""
    name = HOST_VARIABLE.encode() + b"="
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        command = _read(f"/proc/{entry}/cmdline").split(b"\0")
        if _HOST_MODULE in command[:-1]:
            yield int(entry), command[-2].decode("ascii", "replace")
            continue
        for item in _read(f"/proc/{entry}/environ").split(b"\0"):
            if item.startswith(name):
                yield int(entry), item[len(name) :].decode("ascii", "replace")


def _read(path: str) -> bytes:
    """Empty when the process is gone, or belongs to another user."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def _identity(pid: int) -> str | None:
    """`<pid>.<start time in clock ticks>`; `None` when there is no such process, or only its zombie."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return None if fields[0] in (b"Z", b"X") else f"{pid}.{fields[19].decode()}"


def main() -> None:
    """Kill what `sys.argv` names, as the user of this process."""
    kind, name, folder = sys.argv[1:]
    os.stat(os.path.join(folder, "."))
    if kind == "host":
        kill_host(name)
    else:
        kill_orphaned(name)


if __name__ == "__main__":
    main()
