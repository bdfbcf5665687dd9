"""Where the processes of calls come from: one waits for the next call, others are forked on demand."""

import contextlib
import os
import selectors
from collections.abc import Callable
from functools import partial

from mainspring_executors.host.fork_server import ForkServer, ForkServerGone, Prepared

__all__ = ["CallProcesses"]


class CallProcesses:
    """A zygote, and another one when it is gone."""

    def __init__(self, selector: selectors.BaseSelector, ended: Callable[[int, int], None]) -> None:
        """ended: told the number and the wait status of each that has ended while its zygote lived, from within
        `selector`. Those of a zygote that is gone are children of this process then.
        """
        self._selector = selector
        self._ended = ended
        self._fork_server: ForkServer | None = None
        self._has_calls = False
        self._prepared: Prepared | None = None

    @property
    def fork_server_pid(self) -> int | None:
        return None if self._fork_server is None else self._fork_server.pid

    def open(self) -> None:
        """Start the zygote. It, and each call, has a copy of what this process knows now."""
        # Without one, the first call says what is wrong.
        with contextlib.suppress(OSError):
            self._fork_server = ForkServer()

    def prepare(self) -> None:
        """Have one ready, if there were calls before."""
        if self._has_calls and self._fork_server is not None and self._prepared is None:
            # Without one, the next call says what is wrong.
            with contextlib.suppress(OSError):
                self._prepared = self._fork()

    def take(self) -> Prepared:
        """One that has no order yet: that which waits, or another. Raises `OSError` when there can be none."""
        self._has_calls = True
        taken, self._prepared = self._prepared, None
        return taken or self._fork()

    def forget(self, pid: int) -> None:
        """This process has ended and is reaped: the zygote, one that waits, or no concern of this object."""
        is_fork_server = self._fork_server is not None and pid == self._fork_server.pid
        if self._fork_server is not None and is_fork_server:
            self._fork_server.close()
            self._fork_server = None
        # With its zygote it ends too, and may take an order until then.
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
            self._ended(prepared.pid, status)
