"""The settings of an executor."""

import os
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from mainspring.errors import ExecutorError
from mainspring_executors.addresses import AddressPolicy

__all__ = ["ExecutorSettings"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ExecutorSettings:
    """Settings that an executor reads once, when it opens."""

    concurrency: int | None = None
    """Attempts that run at one time. `None` = the executor's own default."""
    code_path: tuple[Path, ...] = ()
    """Folders of Python callables. They come before the installed packages on the import path."""
    http_allow: tuple[str, ...] = ()
    """Addresses that tasks of type `http` may reach in addition to public addresses: `host`, `host:port`, `CIDR`,
    `CIDR:port`; IPv6 with a port in brackets (`[fd00::/8]:8080`)."""
    self_fence: timedelta = timedelta(seconds=20)
    """A host whose scheduler is silent for this long kills its tasks and exits."""
    state_dir: Path | None = None
    """A private folder for the tasks' temporary files. With the same folder at every start, the executor can remove
    the orphans of a crash. `None` = a new folder in the system's temporary folder, removed at `close`."""
    values_dir: Path | None = None
    """Where the executor leaves the files of large outputs; who takes the report deletes them. On the file system of
    `state_dir`. `None` = a task with large outputs fails."""
    task_user: str | None = None
    """The user that runs the task hosts of `thread` and `local`, with all their tasks. Only root can use this. The user
    must be able to reach `state_dir`, to read `code_path` and to run this interpreter. `None` = the user of the
    service."""
    redis_url: str | None = field(default=None, repr=False)
    """Address of Redis for the `rq` executor. The other executors need none."""
    is_single_task: bool = False
    """The owner hands over one attempt at a time, so the death of a host comes from its attempt, or from outside."""
    environment: tuple[str, ...] = ()
    """Names of variables that tasks inherit from the scheduler, in addition to `environment.INHERITED`."""

    def validate(self) -> None:
        """Raises `ExecutorError` with the name of the wrong field."""
        if self.concurrency is not None and not 1 <= self.concurrency <= 10_000:
            raise ExecutorError(f"concurrency is {self.concurrency}; it must be between 1 and 10000")
        if self.self_fence < timedelta(seconds=2):
            raise ExecutorError(f"self_fence is {self.self_fence}; it must be at least 2 s: a ping comes each second")
        AddressPolicy(self.http_allow)
        for name in self.environment:
            if name.startswith("MAINSPRING_"):
                raise ExecutorError(
                    f"environment names '{name}'; variables of Mainspring itself are never handed to tasks"
                )


def default_concurrency() -> int:
    """One attempt for each core."""
    return os.cpu_count() or 1
