"""Opens task hosts: their configuration, their environment, and the folder of each host on disk."""

import os
import select
import shutil
import tempfile
import threading
from pathlib import Path

from mainspring_executors.environment import inherited
from mainspring_executors.host.config import HostConfig
from mainspring_executors.local import orphans
from mainspring_executors.local.host_process import HostProcess
from mainspring_executors.local.task_user import TaskUser, prepare_folder
from mainspring_executors.local.tracked_attempt import HostMode
from mainspring_executors.settings import ExecutorSettings

__all__ = ["HostOpener"]


class HostOpener:
    """Opens the task hosts of one executor and removes their folders. Not safe for threads."""

    def __init__(self, settings: ExecutorSettings) -> None:
        """Kills the orphans of a killed scheduler and removes their folders, before the same attempts may start again.

        Raises:
            ExecutorError: The task user of the settings cannot run tasks.
        """
        self._settings = settings
        self._owns_state_dir = settings.state_dir is None
        self._state_dir = settings.state_dir or Path(tempfile.mkdtemp(prefix="mainspring-"))
        self._installation = orphans.installation_of(self._state_dir)
        self._work_dir = self._state_dir / "work"
        self._user = None if settings.task_user is None else TaskUser.find(settings.task_user)
        self._folders: set[Path] = set()
        """Folders of hosts that are not gone."""
        self._clear_orphans()

    def open(self, mode: HostMode, concurrency: int, poller: select.epoll) -> HostProcess:
        """Start a host, whose sockets `poller` then watches. Raises `OSError` when the machine cannot start one."""
        mark = orphans.new_mark(self._installation)
        folder = self._work_dir / mark
        self._folders.add(folder)
        try:
            folder.mkdir(mode=0o700, parents=True)
            if self._user is not None:
                os.chown(folder, self._user.uid, self._user.gid)
            config = self._config(mode, mark, folder, concurrency)
            return HostProcess(config, self._environment(), poller, self._user)
        except OSError:
            self.discard_folder(folder)
            raise

    def discard_folder(self, folder: Path) -> None:
        """Remove the folder of a host that is gone, in a thread: a file system may be slow."""
        self._folders.discard(folder)
        threading.Thread(target=shutil.rmtree, args=(folder,), kwargs={"ignore_errors": True}, daemon=True).start()

    def close(self) -> None:
        """Remove all folders that are left. Another executor may use the same state folder."""
        for folder in [self._state_dir] if self._owns_state_dir else self._folders:
            shutil.rmtree(folder, ignore_errors=True)

    def _environment(self) -> dict[str, str]:
        env = inherited(self._settings.environment)
        return env if self._user is None else {**env, **self._user.environment}

    def _config(self, mode: HostMode, mark: str, folder: Path, concurrency: int) -> HostConfig:
        settings = self._settings
        return HostConfig(
            epoch=mark,
            mode=mode,
            concurrency=concurrency,
            code_path=tuple(str(path.resolve()) for path in settings.code_path),
            http_allow=settings.http_allow,
            self_fence_seconds=settings.self_fence.total_seconds(),
            folder=str(folder),
        )

    def _clear_orphans(self) -> None:
        if self._user is None:
            self._work_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        else:
            prepare_folder(self._state_dir)
            prepare_folder(self._work_dir)
        orphans.kill_orphaned(self._installation, self._user, folder=self._work_dir)
        for folder in self._work_dir.iterdir():
            if orphans.is_orphaned(folder.name, self._installation):
                shutil.rmtree(folder, ignore_errors=True)
