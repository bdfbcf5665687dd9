"""The small disk on which the task hosts of an installation keep their files, so that a trial can fill this disk.

The disk is a tmpfs, which root alone may mount. The kill trials mount the disk in a mount namespace of their own: the
kernel removes the disk with the last process of the trials, and no other process sees it.
"""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.services.environment import child_environment

__all__ = ["LACKS", "SmallDisk", "enter_own_mounts", "mounted"]

LACKS = ("bytes", "inodes")
"""What a full disk lacks: without bytes, a program can still make an empty file."""
_ENTERED = "MAINSPRING_CHAOS_MOUNTS"
_UNSHARE = ("unshare", "--mount", "--propagation", "private", "--")
_OPTIONS = "size=4m,nr_inodes=600,mode=0711"
_BLOCK = bytes(64 * 1024)


@dataclass(frozen=True)
class SmallDisk:
    """A mounted disk."""

    folder: Path

    def fill(self, lacking: str) -> None:
        """Use up all that is free now of one of `LACKS`. A task that ends frees some again, so call this repeatedly."""
        fillers = self.folder / "fillers"
        with contextlib.suppress(OSError):
            fillers.mkdir(exist_ok=True)
            if lacking == "bytes":
                with (fillers / "bytes").open("ab", buffering=0) as file:
                    while file.write(_BLOCK):
                        pass
            for number in range(len(os.listdir(fillers)), sys.maxsize):
                (fillers / str(number)).touch(exist_ok=False)

    def drain(self) -> None:
        """Free what `fill` used."""
        shutil.rmtree(self.folder / "fillers", ignore_errors=True)


def enter_own_mounts(module: str, arguments: Sequence[str]) -> None:
    """Execute `python -m module` again in a mount namespace of its own, where the system allows this; else return."""
    if _ENTERED in os.environ or os.geteuid() != 0 or shutil.which(_UNSHARE[0]) is None:
        return
    if subprocess.run([*_UNSHARE, "true"], env=child_environment(), capture_output=True).returncode == 0:
        os.environ[_ENTERED] = "1"
        os.execvp(_UNSHARE[0], [*_UNSHARE, sys.executable, "-m", module, *arguments])


@contextmanager
def mounted(folder: Path) -> Iterator[SmallDisk | None]:
    """A small disk at `folder`, which is made; `None` where this process has no mount namespace of its own."""
    if _ENTERED not in os.environ:
        yield None
        return
    folder.mkdir(mode=0o711, parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", _OPTIONS, "tmpfs", str(folder)], env=child_environment(), check=True)
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], env=child_environment(), check=True)
