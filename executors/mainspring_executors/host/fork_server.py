"""The fork server: a process that forks the processes of calls and does nothing else.

After a fork, parent and child share memory pages. The kernel copies a page when one of the two writes to it. A busy
host writes to most of its pages, so a fork of the host itself would cost a copy of these pages for each call. The fork
server has one thread, is warmed up once and then hardly writes, so its children copy few pages.

Each call takes three steps:

1. The host sends three descriptors, and the fork server forks a process that waits for an order (`prepare`).
2. The host writes the order to the process (`Prepared.begin`).
3. The host sees the end of the process at a pidfd and asks the fork server for the wait status (`reap`): only the
   parent of a process can wait for it.

When the fork server dies, its children die with it and the host inherits them as orphans. The host then reaps them.
"""

import errno
import os
import signal
import socket
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn, TextIO

from mainspring.failpoints import failpoint
from mainspring.inspection import forbid_inspection
from mainspring_executors.host import child, process_tree
from mainspring_executors.host.capture import install_logging

__all__ = ["ForkServer", "ForkServerGone", "Prepared"]

_FORK = b"fork"
_SOCKET_FD = 10
"""The descriptor of the fork server's socket. Above 3, 4 and 5, where the descriptors of a call arrive."""
_MESSAGE_BYTES_MAX = 32
_WARM_UPS = 16


class ForkServerGone(OSError):
    """The fork server has ended, and its children end with it. They are now children of the caller, who must reap
    them."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A forked process that waits for the order of its single call."""

    pid: int
    """Also the id of its session and its process group. The kernel reuses the number only after `reap`."""
    pidfd: int
    """Readable once the process has ended."""
    order: int
    output: int
    """The reader of a non-blocking pipe: stdout and stderr of the process."""
    status: int
    """The reader of a non-blocking pipe: the answer of the call."""

    def begin(self, order: bytes) -> None:
        """Send the order. Raises `OSError` when the process is gone; the call has not begun then."""
        with open(self.order, "wb", buffering=0) as file:
            view = memoryview(order)
            while view:
                view = view[file.write(view) :]

    def close(self) -> None:
        """Let the process end without an order. The pidfd stays open and shows its end."""
        for descriptor in (self.order, self.output, self.status):
            os.close(descriptor)


class ForkServer:
    """The host's side of a fork server. Only for single-threaded hosts that adopt orphans (`PR_SET_CHILD_SUBREAPER`).

    Single-threaded, because the parent-death signal of the fork server follows the thread that forked it. Adopting,
    because the children of a dead fork server must become children of the host.
    """

    def __init__(self) -> None:
        parent_pid = os.getpid()
        self._socket, server_socket = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.pid = os.fork()
        if self.pid == 0:
            try:
                _serve(server_socket, parent_pid)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(1)
        server_socket.close()

    def prepare(self) -> Prepared:
        """Fork a process for a call.

        Raises:
            ForkServerGone: The fork server has ended.
            OSError: The machine has no process or descriptor to spare.
        """
        (order, order_writer), (output_reader, output), (status_reader, status) = _pipes(3)
        pid = 0
        try:
            pid = self._ask(_FORK, (status, order, output))
            # The pid is valid, at least as a zombie: the fork server reaps the process only in `reap`.
            pidfd = os.pidfd_open(pid)
        except OSError:
            for descriptor in (order_writer, output_reader, status_reader):
                os.close(descriptor)
            if pid:  # without a writer of its order, the process ends at once
                self.reap(pid)
            raise
        finally:
            for descriptor in (order, output, status):
                os.close(descriptor)
        for descriptor in (output_reader, status_reader):
            os.set_blocking(descriptor, False)
        return Prepared(pid, pidfd, order_writer, output_reader, status_reader)

    def reap(self, pid: int) -> int:
        """The wait status of a child of the fork server. Waits for the end of the child. Raises `ForkServerGone`."""
        return self._ask(b"%d" % pid)

    def close(self) -> None:
        """End the fork server and all its children."""
        self._socket.close()

    def _ask(self, request: bytes, descriptors: Sequence[int] = ()) -> int:
        """Send a request and wait for the number in the answer. A negative answer is an errno, raised as `OSError`."""
        try:
            socket.send_fds(self._socket, [request], descriptors)
            answer = self._socket.recv(_MESSAGE_BYTES_MAX)
        except OSError as exc:
            raise ForkServerGone(exc.errno, "the process that forks is gone") from exc
        if not answer:
            raise ForkServerGone("the process that forks is gone")
        if (number := int(answer)) < 0:
            raise OSError(-number, os.strerror(-number))
        return number


def _pipes(count: int) -> list[tuple[int, int]]:
    """`count` pipes. Raises `OSError`, and leaves no descriptor open then."""
    pipes: list[tuple[int, int]] = []
    try:
        while len(pipes) < count:
            pipes.append(os.pipe2(os.O_CLOEXEC))
    except OSError:
        for descriptor in (end for pipe in pipes for end in pipe):
            os.close(descriptor)
        raise
    return pipes


def _serve(server_socket: socket.socket, parent_pid: int) -> NoReturn:
    """Run the fork server until the host closes its end of the socket. Ends with the host too."""
    _detach_from_host(server_socket, parent_pid)
    server_pid, warm_up = os.getpid(), child.no_op_order()
    # Python writes to a page on first use: imports, caches, specialised bytecode. Doing all steps of a short call here
    # makes these writes once, instead of in each child.
    for _ in range(_WARM_UPS):
        process_tree.warm_up_fork()
        process_tree.die_with_parent(parent_pid)
        forbid_inspection()
        child.warm_up(warm_up)
    with socket.socket(fileno=_SOCKET_FD) as requests:
        while True:
            request, descriptors, *_ = socket.recv_fds(requests, _MESSAGE_BYTES_MAX, child.DESCRIPTORS)
            if not request:
                os._exit(0)
            if request == _FORK and len(descriptors) < child.DESCRIPTORS:
                answer = -errno.EMFILE  # the kernel dropped descriptors beyond the limit of this process
            elif request == _FORK:
                failpoint("zygote.fork.before")
                answer = _fork(server_pid, warm_up)
                failpoint("zygote.fork.done")
            else:
                failpoint("zygote.reap.before")
                _, answer = os.waitpid(int(request), 0)
            for descriptor in descriptors:
                os.close(descriptor)
            requests.send(b"%d" % answer)


def _detach_from_host(server_socket: socket.socket, parent_pid: int) -> None:
    """Drop the host's session, signal handlers and descriptors: a call must not inherit them."""
    os.setsid()
    process_tree.die_with_parent(parent_pid)
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _keep_only(os.open(os.devnull, os.O_RDONLY), 1, 2, server_socket.detach())
    sys.stdout, sys.stderr = _text_stream(1), _text_stream(2)
    install_logging()


def _keep_only(stdin: int, stdout: int, stderr: int, requests: int) -> None:
    """Move these to the descriptors 0, 1, 2 and `_SOCKET_FD`, and close all other descriptors."""
    os.dup2(stdin, 0)
    os.dup2(stdout, 1)
    os.dup2(stderr, 2)
    if requests != _SOCKET_FD:
        os.dup2(requests, _SOCKET_FD, inheritable=False)
    for descriptor in map(int, os.listdir("/proc/self/fd")):
        if descriptor > 2 and descriptor != _SOCKET_FD:
            with suppress(OSError):  # `listdir` has closed its own descriptor already
                os.close(descriptor)


def _text_stream(descriptor: int) -> TextIO:
    return open(descriptor, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)


def _fork(server_pid: int, warm_up: bytes) -> int:
    """Fork a process for a call. Returns its pid, or a negative errno."""
    try:
        pid = os.fork()
    except OSError as exc:
        return -(exc.errno or errno.EAGAIN)
    if pid == 0:
        os.close(_SOCKET_FD)
        child.carry_out(server_pid, warm_up)
    return pid
