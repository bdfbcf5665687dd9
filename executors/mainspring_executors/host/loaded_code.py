"""The files of the users' code that a host has imported, and whether a file has changed since its import.

An interpreter imports a module once. A long-lived host of threads would therefore run old code after a change.
"""

import os
import sys
import threading
import time
from collections.abc import Iterable

__all__ = ["LoadedCode"]

_Stamp = tuple[int, int]
"""Time of the last change in nanoseconds, size in bytes."""


class LoadedCode:
    """The modules from some folders. Safe for threads."""

    def __init__(self, folders: Iterable[str]) -> None:
        self._beginnings = tuple(os.path.join(folder, "") for folder in folders)
        self._lock = threading.Lock()
        self._stamps: dict[str, _Stamp | None] = {}
        """File -> stamp of the imported content; `None` = the file changed before this object read its stamp."""
        self._modules = 0
        self._noted_at_ns = time.time_ns()

    def note(self) -> None:
        """Remember the files of the modules that were imported since the last call."""
        if not self._beginnings:
            return
        with self._lock:
            last_noted_at_ns, self._noted_at_ns = self._noted_at_ns, time.time_ns()
            if len(sys.modules) == self._modules:
                return
            modules = list(sys.modules.values())
            self._modules = len(modules)
            for module in modules:
                file = getattr(module, "__dict__", {}).get("__file__")
                if isinstance(file, str) and file.startswith(self._beginnings) and file not in self._stamps:
                    stamp = _stamp_of(file)
                    # The import came after the last call. A file that also changed after the last call may be newer
                    # than the imported module.
                    is_newer = stamp is not None and last_noted_at_ns < stamp[0] <= self._noted_at_ns
                    self._stamps[file] = None if is_newer else stamp

    def changed_file(self) -> str | None:
        """A file that has changed since its import; None when no file has."""
        self.note()
        with self._lock:
            files = list(self._stamps.items())
        return next((file for file, stamp in files if stamp is None or _stamp_of(file) != stamp), None)


def _stamp_of(file: str) -> _Stamp | None:
    try:
        status = os.stat(file)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
