"""Starts a task host: `python -m mainspring_executors.host <control fd> <log fd> <mark>`, by a scheduler only.

Two processes. The guard stays behind as the host's parent: it imports nothing, runs nothing, and when the host ends,
however it ends, kills what is left of the tasks, also what left its process group or its session. The host ends
when the scheduler's end of the control socket is closed, so nothing outlives the scheduler either.

No other process may look into these two, because the host holds the secrets of all its attempts. The mark is in the
command line for this reason: a later scheduler can read the command line, but not the environment.
"""

import contextlib
import os
import signal
import socket
import sys

from mainspring.inspection import forbid_inspection
from mainspring_executors.host import process_tree as family


def main() -> None:
    forbid_inspection()
    # It led to this package, as it did in the scheduler; tasks do not inherit it.
    os.environ.pop("PYTHONPATH", None)
    control_fd, log_fd = int(sys.argv[1]), int(sys.argv[2])
    os.set_inheritable(control_fd, False)
    os.set_inheritable(log_fd, False)
    os.umask(0o077)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # A handler instead of SIG_IGN: what is ignored would stay ignored in every program a task starts.
        signal.signal(number, _pay_no_heed)
    family.adopt_orphans()
    guard_pid = os.getpid()
    host_pid = os.fork()
    if host_pid:
        os.close(control_fd)
        os.close(log_fd)
        _guard(host_pid)
    family.die_with_parent(guard_pid)
    family.adopt_orphans()
    _host(socket.socket(fileno=control_fd), socket.socket(fileno=log_fd))


def _pay_no_heed(number: int, frame: object) -> None:
    """Only the scheduler ends a host."""


def _guard(host_pid: int) -> None:
    """Waits for the host's end, then leaves nothing running. SIGTERM to the guard kills the host."""

    def kill_host(number: int, frame: object) -> None:
        # It may have just ended by itself.
        with contextlib.suppress(ProcessLookupError):
            os.kill(host_pid, signal.SIGKILL)

    signal.signal(signal.SIGTERM, kill_host)
    _, status = os.waitpid(host_pid, 0)
    signal.signal(signal.SIGTERM, _pay_no_heed)
    family.kill_children()
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def _host(control: socket.socket, logs: socket.socket) -> None:
    from mainspring_executors.host.config import receive_config

    config = receive_config(control)
    if config.mode == "threads":
        from mainspring_executors.host.thread_host import ThreadHost

        ThreadHost(control, logs, config).run()
    else:
        from mainspring_executors.host.process_host import ProcessHost

        ProcessHost(control, logs, config).run()


if __name__ == "__main__":
    main()
