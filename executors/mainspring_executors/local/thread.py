"""The `thread` executor: callables and HTTP on threads of one host, programs in processes of another."""

from mainspring.attempts import Attempt
from mainspring_executors.contract import Capabilities
from mainspring_executors.local.hosted import HostedExecutor
from mainspring_executors.local.tracked_attempt import HostMode
from mainspring_executors.settings import ExecutorSettings
from mainspring_executors.tasks import kind_of

__all__ = ["ThreadExecutor"]

_CONCURRENCY = 8


class ThreadExecutor(HostedExecutor):
    """The fastest executor for Python: a callable costs no process, and a host imports its module once.

    A callable cannot be killed. After a timeout or a cancel, the attempt ends, but its thread stays busy until the
    callable returns. A callable that crashes the interpreter ends all other callables of the host.
    """

    capabilities = Capabilities(hard_cancel=False, isolates_crash=False, survives_scheduler_restart=False)
    main_mode = HostMode.THREADS

    def __init__(self, settings: ExecutorSettings) -> None:
        super().__init__(settings, concurrency=_CONCURRENCY)

    def place(self, attempt: Attempt) -> HostMode:
        needs_process = kind_of(attempt.task_type).needs_process(attempt.payload)
        return HostMode.PROCESSES if needs_process else HostMode.THREADS
