"""Process trees on Linux: parent-death signals, adoption of orphans, children and descendants."""

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
"""Cache of `own_children`: the pid of this process, and the open descriptor of its list of children."""

_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent(parent_pid: int) -> None:
    """Have the kernel kill this process when its parent ends. Exits when the parent has ended already.

    Only for children of single-threaded parents: the kernel sends the signal when the forking *thread* ends.
    """
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        os._exit(1)


def warm_up_fork() -> None:
    """Run the interpreter's fork hooks and those of modules once, before the first real fork.

    The pages that the hooks write to are then already mapped in the children. The hooks change nothing else in a
    single-threaded process. Only saves time; skipped on Python versions without a test of the effect.
    """
    if sys.version_info < (3, 14):
        # Both hooks: the second releases the locks that the first takes.
        ctypes.pythonapi.PyOS_BeforeFork()
        ctypes.pythonapi.PyOS_AfterFork_Child()


def adopt_orphans() -> None:
    """Make this process the new parent of descendants whose parent dies, also of those in a session of their own."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def children(pid: int) -> list[int]:
    """Direct children of `pid` (of all its threads), zombies included. Empty when `pid` is gone."""
    pids: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
                pids += map(int, file.read().split())
    except OSError:  # the process is gone, or this process has no descriptor to spare
        pass
    return pids


def own_children() -> list[int]:
    """Direct children of this single-threaded process, zombies included."""
    # A plain descriptor, because each end of a task calls this. The descriptor stays open, because the process may have
    # no free descriptor when a task ends.
    if _own_children.get("pid") != os.getpid():
        _own_children["file"] = os.open("/proc/thread-self/children", os.O_RDONLY | os.O_CLOEXEC)
        _own_children["pid"] = os.getpid()
    os.lseek(_own_children["file"], 0, os.SEEK_SET)
    text = bytearray()
    while piece := os.read(_own_children["file"], 4096):
        text += piece
    return list(map(int, text.split()))


def descendants(pid: int) -> list[int]:
    """All processes below `pid`, parents before their children; a snapshot."""
    pids = children(pid)
    for child in pids:  # the list grows by the children of each child
        pids += children(child)
    return pids


def group_of(pid: int) -> int:
    """The process group of `pid`; 0 when `pid` is gone."""
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0


def attempt_of(pid: int) -> str | None:
    """The attempt in the environment of `pid`; `None` without one, and when `pid` is gone."""
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
    """Whether `pid` is gone, a zombie, or exiting. The environment of such a process is not readable."""
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
    """Kill every child, and every orphan that becomes a child by these deaths, until no child is left."""
    own_pid = os.getpid()
    while True:
        for pid in children(own_pid):
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
