"""The user that tasks run as, when tasks do not run as the user of the service."""

import os
import pwd
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from mainspring.errors import ExecutorError

__all__ = ["SAME_USER", "TaskUser", "prepare_folder"]


class _OfProcess(TypedDict):
    user: int | None
    group: int | None
    extra_groups: Sequence[int] | None


SAME_USER: _OfProcess = {"user": None, "group": None, "extra_groups": None}
"""Arguments of `subprocess.Popen` for a process of the user of the service."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskUser:
    """A user of this machine."""

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    """All groups of the user."""
    home: str
    shell: str

    @classmethod
    def find(cls, name: str) -> "TaskUser":
        """Look up a user. Raises `ExecutorError` when tasks cannot run as this user, or when the user is root."""
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            raise ExecutorError(f"task_user '{name}' is no user of this machine; create it, or name another") from None
        if os.geteuid() != 0:
            raise ExecutorError(
                f"task_user is '{name}', but this service runs as '{_name_of(os.geteuid())}'; only root can start "
                "tasks as another user"
            )
        groups = os.getgrouplist(name, entry.pw_gid)
        if entry.pw_uid == 0 or 0 in groups:
            raise ExecutorError(f"task_user '{name}' is root or in root's group; name a user without rights of its own")
        return cls(
            name=name,
            uid=entry.pw_uid,
            gid=entry.pw_gid,
            groups=tuple(groups),
            home=entry.pw_dir,
            shell=entry.pw_shell,
        )

    @property
    def of_process(self) -> _OfProcess:
        """Arguments of `subprocess.Popen`. A process that changes from root to the task user keeps no capability."""
        return {"user": self.uid, "group": self.gid, "extra_groups": self.groups}

    @property
    def environment(self) -> Mapping[str, str]:
        return {"HOME": self.home, "USER": self.name, "LOGNAME": self.name, "SHELL": self.shell}


def prepare_folder(folder: Path) -> None:
    """Make a folder that other users may traverse, but not list.

    Raises:
        ExecutorError: The folder belongs to another user, or another user may write to it.
    """
    folder.mkdir(mode=0o711, parents=True, exist_ok=True)
    status = os.lstat(folder)
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise ExecutorError(f"{folder} must be a folder of the user of this service, to which no other user may write")
    os.chmod(folder, 0o711)  # noqa: S103  # the task user passes through it to the folder of its host


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
