"""Files of large values between the owner of an executor and its task hosts, in a private folder of the owner."""

import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path

from mainspring.errors import ExecutorError
from mainspring.large_values import PIECE_BYTES, VALUE_BYTES_MAX, LargeValue
from mainspring_executors.local import orphans
from mainspring_executors.local.task_user import TaskUser, prepare_folder

__all__ = ["BrokenValue", "ValueFolder", "read_pieces", "take_over"]


class BrokenValue(Exception):
    """The bytes of a value are not those that its reference promises."""


class ValueFolder:
    """The folder of one process. A later process of the same state folder removes what a killed one left."""

    def __init__(self, state_dir: Path, *, task_user: str | None = None) -> None:
        """task_user: as in `ExecutorSettings`. The folder must be on the file system of the hosts' folders."""
        self._user = None if task_user is None else TaskUser.find(task_user)
        parent = state_dir / "values"
        if self._user is None:
            parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        else:
            prepare_folder(state_dir)
            prepare_folder(parent)
        installation = orphans.installation_of(state_dir)
        for folder in parent.iterdir():
            if orphans.is_orphaned(folder.name, installation):
                shutil.rmtree(folder, ignore_errors=True)
        self.path = parent / orphans.new_mark(installation)
        self.path.mkdir(mode=0o700)
        if self._user is not None:
            os.chmod(self.path, 0o711)  # noqa: S103  # the task user opens files in it by their names

    def write(self, value: LargeValue, pieces: Iterable[bytes]) -> str:
        """Write the file of a value that tasks are handed; returns its path. Replaces the file.

        Raises:
            BrokenValue: The pieces have another size or digest than the reference.
            OSError: The disk is full, or the folder is gone.
        """
        path = self.path / f"in-{value.id}"
        unfinished = path.with_suffix(".part")
        try:
            digest, size = sha256(), 0
            with unfinished.open("wb") as file:
                os.chmod(unfinished, 0o600)
                for data in pieces:
                    digest.update(data)
                    size += len(data)
                    file.write(data)
            if size != value.bytes or digest.hexdigest() != value.sha256:
                raise BrokenValue(f"output '{value.name}' is damaged: its bytes have another digest than was stored")
            if self._user is not None:
                os.chown(unfinished, self._user.uid, self._user.gid)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
        return str(path)

    def remove(self, value_id: str) -> None:
        """Remove the file of a value that tasks were handed."""
        (self.path / f"in-{value_id}").unlink(missing_ok=True)

    def close(self) -> None:
        """Remove the folder with all files."""
        shutil.rmtree(self.path, ignore_errors=True)


def read_pieces(value: LargeValue) -> Iterator[bytes]:
    """The pieces of the file of a large output, in order.

    Raises:
        BrokenValue: The task has changed the file, or put something else there.
    """
    try:
        descriptor = os.open(value.path or "", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or status.st_size != value.bytes or status.st_nlink != 1:
                raise BrokenValue(f"the file of output '{value.name}' is not the one that was written")
            digest = sha256()
            for _ in range(value.pieces):
                data = file.read(PIECE_BYTES)
                digest.update(data)
                if file.tell() == value.bytes and digest.hexdigest() != value.sha256:
                    raise BrokenValue(f"the file of output '{value.name}' was changed")
                yield data
    except OSError as exc:
        raise BrokenValue(f"the file of output '{value.name}' cannot be read: {exc.strerror}") from exc


def take_over(value: LargeValue, host_folder: Path, target: Path) -> LargeValue:
    """Move the file of a large output from the folder of a host into a folder of the owner; replaces `target`.

    A task can put another file in its place: a hard link or a symbolic link does not lead to a file of others, because
    the owner reads a regular file with one name alone (`read_pieces`).

    Raises:
        ExecutorError: There is no such file.
    """
    if not 0 < value.bytes <= VALUE_BYTES_MAX:
        raise ExecutorError(f"output '{value.name}' has {value.bytes} bytes; at most {VALUE_BYTES_MAX} are possible")
    try:
        os.rename(host_folder / os.path.basename(value.path or ""), target)
    except OSError as exc:
        raise ExecutorError(f"output '{value.name}' was lost on its way: {exc.strerror}") from exc
    return LargeValue.from_json({**value.to_json(), "path": str(target)})
