"""The processes of calls: one prepared process waits for the next call, further calls fork on demand."""

import contextlib
import os
import selectors
from collections.abc import Callable
from functools import partial

from mainspring_executors.host.fork_server import ForkServer, ForkServerGone, Prepared

__all__ = ["CallProcesses"]


class CallProcesses:
    """Keeps a fork server running and hands out its processes."""

    def __init__(self, selector: selectors.BaseSelector, on_end: Callable[[int, int], None]) -> None:
        """on_end: called with the pid and the wait status of each process that ends while its fork server lives, from
        a callback of `selector`. The processes of a dead fork server are children of this process instead, and the
        caller reaps them.
        """
        self._selector = selector
        self._on_end = on_end
        self._fork_server: ForkServer | None = None
        self._has_calls = False
        self._prepared: Prepared | None = None

    @property
    def fork_server_pid(self) -> int | None:
        return None if self._fork_server is None else self._fork_server.pid

    def open(self) -> None:
        """Start the fork server. The fork server and each call inherit a copy of the memory of this process."""
        # After a failure here, the first call starts a fork server and reports the error.
        with contextlib.suppress(OSError):
            self._fork_server = ForkServer()

    def prepare(self) -> None:
        """Fork a process for the next call, if there was a call before."""
        if self._has_calls and self._fork_server is not None and self._prepared is None:
            # After a failure here, the next call forks for itself and reports the error.
            with contextlib.suppress(OSError):
                self._prepared = self._fork()

    def take(self) -> Prepared:
        """The prepared process, or a new process without an order. Raises `OSError` when none can be forked."""
        self._has_calls = True
        prepared, self._prepared = self._prepared, None
        return prepared or self._fork()

    def forget(self, pid: int) -> None:
        """Note that a process has ended and is reaped: the fork server, the prepared process, or any other process."""
        is_fork_server = self._fork_server is not None and pid == self._fork_server.pid
        if self._fork_server is not None and is_fork_server:
            self._fork_server.close()
            self._fork_server = None
        # The prepared process ends with its fork server. Until then it would accept an order, so it is dropped here.
        if self._prepared is not None and (is_fork_server or pid == self._prepared.pid):
            self._prepared.close()
            self._prepared = None

    def _fork(self) -> Prepared:
        fork_server = self._fork_server = self._fork_server or ForkServer()
        try:
            prepared = fork_server.prepare()
        except ForkServerGone:
            fork_server.close()
            fork_server = self._fork_server = ForkServer()
            prepared = fork_server.prepare()
        self._selector.register(prepared.pidfd, selectors.EVENT_READ, partial(self._reap, fork_server, prepared))
        return prepared

    def _reap(self, fork_server: ForkServer, prepared: Prepared) -> None:
        self._selector.unregister(prepared.pidfd)
        os.close(prepared.pidfd)
        with contextlib.suppress(ForkServerGone):
            status = fork_server.reap(prepared.pid)
            self.forget(prepared.pid)
            self._on_end(prepared.pid, status)
