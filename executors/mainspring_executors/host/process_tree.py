"""Process kinship on Linux: who dies with whom, who inherits orphans, who is whose child."""

import ctypes
import os
import signal
import sys

from mainspring_executors.environment import ATTEMPT_VARIABLE

__all__ = [
    "adopt_orphans", "attempt_of", "children", "descendants", "die_with_parent", "group_of", "is_ending", "is_stopped",
    "kill_children", "own_children", "warm_up_fork",
]  # fmt: skip

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36

_PF_EXITING = 0x4
_ATTEMPT = ATTEMPT_VARIABLE.encode() + b"="

_own_children: dict[str, int] = {}
"""The process that asked for its children, and the file that it reads them from."""

_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent(parent_pid: int) -> None:
    """Have the kernel kill this process when the thread that forked it ends. Exits when that has happened already.

    Only for children of single-threaded parents: the signal follows the forking *thread*.
    """
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        os._exit(1)


def warm_up_fork() -> None:
    """What the interpreter does around a fork, as the child: this is a single-threaded process, so it changes nothing.
    It has what it runs through, hooks of modules also, ready for the children of this process. Left out where it was
    not tried: it only saves time."""
    if sys.version_info < (3, 14):
        # Both, as the child gives back what was taken before.
        ctypes.pythonapi.PyOS_BeforeFork()
        ctypes.pythonapi.PyOS_AfterFork_Child()


def adopt_orphans() -> None:
    """Descendants whose parent dies become children of this process, whatever session they made for themselves."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def children(pid: int) -> list[int]:
    """Direct children of `pid` (of all its threads), zombies included. Empty when it is gone."""
    found: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
                found += map(int, file.read().split())
    except OSError:  # it is gone, or no descriptor is left to look
        pass
    return found


def own_children() -> list[int]:
    """Direct children of this single-threaded process, zombies included."""
    # Without a file object: each end of a task asks. The descriptor stays open: none may be left when a task ends.
    if _own_children.get("pid") != os.getpid():
        _own_children["file"] = os.open("/proc/thread-self/children", os.O_RDONLY | os.O_CLOEXEC)
        _own_children["pid"] = os.getpid()
    os.lseek(_own_children["file"], 0, os.SEEK_SET)
    found = bytearray()
    while piece := os.read(_own_children["file"], 4096):
        found += piece
    return list(map(int, found.split()))


def descendants(pid: int) -> list[int]:
    """All processes below `pid`, parents before their children; a snapshot."""
    found = children(pid)
    for child in found:
        found += children(child)
    return found


def group_of(pid: int) -> int:
    """The process group of `pid`; 0 when it is gone."""
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0


def attempt_of(pid: int) -> str | None:
    """The attempt that `pid` was started for, from its environment; `None` when it has none, or is gone."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            environ = file.read()
    except OSError:
        return None
    for item in environ.split(b"\0"):
        if item.startswith(_ATTEMPT):
            return item[len(_ATTEMPT) :].decode("ascii", "replace")
    return None


def is_ending(pid: int) -> bool:
    """Whether `pid` is gone, a zombie, or on its way there: its environment can no longer be read."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return True
    return fields[0] in (b"Z", b"X") or bool(int(fields[6]) & _PF_EXITING)


def is_stopped(pid: int) -> bool:
    """Whether a signal or a tracer has stopped `pid`."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] in (b"T", b"t")
    except OSError:
        return False


def kill_children() -> None:
    """Kill every child, and every orphan that becomes one through that, until there is none."""
    own = os.getpid()
    while True:
        for pid in children(own):
            try:
                os.kill(pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                continue
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option}) failed on {sys.platform}; Mainspring's hosts need Linux")
