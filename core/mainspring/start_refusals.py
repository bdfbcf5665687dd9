"""Why a machine cannot start another task now: it has no room on a disk, or no process, descriptor or memory left."""

import errno
import os

__all__ = ["CAUSES", "CAUSE_UNKNOWN", "ERRNOS", "NO_THREAD"]

ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM})
"""Errors of the system that say so. They are no fault of the task, and may pass."""
NO_THREAD = "no thread can be started now"
CAUSE_UNKNOWN = "no room"
"""Stands for a cause of a worker that is not one of `CAUSES`: another system may have other words."""
CAUSES = frozenset({*map(os.strerror, ERRNOS), NO_THREAD, CAUSE_UNKNOWN})
