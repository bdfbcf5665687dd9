"""Starts a task host: `python -m mainspring_executors.host <control fd> <log fd> <mark>`, by a scheduler only.

The module runs as two processes, guard and host. The guard is the parent of the host: it imports little and runs no
task, so little can go wrong in it. After any end of the host, the guard kills the remaining processes of the tasks,
also those that left their process group or session. The host ends when the scheduler's end of the control socket is
closed, so no task outlives the scheduler.

Other processes cannot inspect guard and host, because the host holds the secrets of all its attempts. The mark is
therefore in the command line: a later scheduler can read the command line, but not the environment.
"""

import contextlib
import os
import signal
import socket
import sys

from mainspring.inspection import forbid_inspection
from mainspring_executors.host import process_tree


def main() -> None:
    forbid_inspection()
    # The scheduler's PYTHONPATH led to this package. Tasks must not inherit it.
    os.environ.pop("PYTHONPATH", None)
    control_fd, log_fd = int(sys.argv[1]), int(sys.argv[2])
    os.set_inheritable(control_fd, False)
    os.set_inheritable(log_fd, False)
    os.umask(0o077)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # A handler instead of SIG_IGN: programs that a task starts would inherit an ignored signal.
        signal.signal(number, _do_nothing)
    process_tree.adopt_orphans()
    guard_pid = os.getpid()
    host_pid = os.fork()
    if host_pid:
        os.close(control_fd)
        os.close(log_fd)
        _guard(host_pid)
    process_tree.die_with_parent(guard_pid)
    process_tree.adopt_orphans()
    _host(socket.socket(fileno=control_fd), socket.socket(fileno=log_fd))


def _do_nothing(number: int, frame: object) -> None:
    """Handle a signal without effect: only the scheduler ends a host."""


def _guard(host_pid: int) -> None:
    """Wait for the end of the host, then kill all remaining processes. SIGTERM to the guard kills the host."""

    def kill_host(number: int, frame: object) -> None:
        # The host may have just ended by itself.
        with contextlib.suppress(ProcessLookupError):
            os.kill(host_pid, signal.SIGKILL)

    signal.signal(signal.SIGTERM, kill_host)
    _, status = os.waitpid(host_pid, 0)
    signal.signal(signal.SIGTERM, _do_nothing)
    process_tree.kill_children()
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
