"""The `local` executor: every attempt in a process group of its own."""

from mainspring.attempts import Attempt
from mainspring_executors.contract import Capabilities
from mainspring_executors.local.hosted import HostedExecutor
from mainspring_executors.local.tracked_attempt import HostMode
from mainspring_executors.settings import ExecutorSettings, default_concurrency
from mainspring_executors.tasks import kind_of

__all__ = ["LocalExecutor"]


class LocalExecutor(HostedExecutor):
    """Every attempt can be killed for certain, and a crash costs only its own attempt. A callable runs in a forked
    child, which imports the module for each attempt."""

    capabilities = Capabilities(hard_cancel=True, isolates_crash=True, survives_scheduler_restart=False)
    main_mode = HostMode.PROCESSES

    def __init__(self, settings: ExecutorSettings) -> None:
        super().__init__(settings, concurrency=default_concurrency())

    def place(self, attempt: Attempt) -> HostMode:
        kind_of(attempt.task_type)
        return HostMode.PROCESSES
