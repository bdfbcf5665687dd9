"""What an executor is told when it is opened."""

import os
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from mainspring.errors import ExecutorError
from mainspring_executors.addresses import AddressPolicy

__all__ = ["ExecutorSettings"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ExecutorSettings:
    """Read once, when the executor is opened."""

    concurrency: int | None = None
    """Attempts that run at one time. `None` = the executor's own default."""
    code_path: tuple[Path, ...] = ()
    """Folders that Python callables are imported from, before what is installed."""
    http_allow: tuple[str, ...] = ()
    """What tasks of type `http` may reach besides public addresses: `host`, `host:port`, `CIDR`, `CIDR:port`;
    IPv6 with a port in brackets (`[fd00::/8]:8080`)."""
    self_fence: timedelta = timedelta(seconds=20)
    """A host that hears nothing from its scheduler for so long kills its tasks and exits."""
    state_dir: Path | None = None
    """A private folder for the tasks' temporary files, the same at every start, so that what a crash left behind is
    found and removed. `None` = a new one in the system's temporary folder, removed at `close`."""
    task_user: str | None = None
    """The user whom `thread` and `local` run task hosts as, with all their tasks. Only root can use this. The user must
    be able to reach `state_dir`, to read `code_path` and to run this interpreter. `None` = the user of the service."""
    redis_url: str | None = field(default=None, repr=False)
    """Where the `rq` executor puts attempts; the others need none."""
    is_single_task: bool = False
    """The owner hands over one attempt at a time, so a host that dies was killed by its attempt, or from outside."""
    environment: tuple[str, ...] = ()
    """Names of variables that tasks inherit from the scheduler, besides `environment.INHERITED`."""

    def validate(self) -> None:
        """Raises `ExecutorError` that names the field."""
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
