"""Protection of this process from inspection by processes of the same user: its memory, its environment, its
descriptors."""

import ctypes
import sys

__all__ = ["allow_inspection", "forbid_inspection"]

_PR_SET_DUMPABLE = 4

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def forbid_inspection() -> None:
    """Let only root read this process's /proc files, trace the process or get a core dump of it.

    A forked child inherits this. A program started with `exec` loses the protection and must call this function again.
    No effect except on Linux.
    """
    _set_dumpable(0)


def allow_inspection() -> None:
    """Take back what `forbid_inspection` did, for this process alone."""
    _set_dumpable(1)


def _set_dumpable(value: int) -> None:
    if _libc is not None and _libc.prctl(_PR_SET_DUMPABLE, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_DUMPABLE) failed")
