"""Forks the processes of calls, in a process that does nothing else.

A fork shares its parent's memory until either of them writes to a page, which is copied then: a host that forked by
itself would copy most of what it works with, again for each call. A zygote is warm, has one thread, and stays as it is.
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
from mainspring_executors.host import child
from mainspring_executors.host import process_tree as family
from mainspring_executors.host.capture import install_logging

__all__ = ["ForkServer", "ForkServerGone", "Prepared"]

_FORK = b"fork"
_SOCKET_FD = 10
"""Where a zygote keeps its socket: above the places into which it receives the descriptors of a call."""
_MESSAGE_BYTES_MAX = 32
_WARM_UPS = 16


class ForkServerGone(OSError):
    """It has ended, as its children do with it. They are children of the caller's now, to be waited for."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A process that waits for the order of the one call that it will carry out."""

    pid: int
    """Also of its session and its process group. Nobody else gets this number before it is reaped."""
    pidfd: int
    """Readable once the process has ended."""
    order: int
    output: int
    """A non-blocking pipe: what it prints."""
    status: int
    """The same: what the call answers."""

    def begin(self, order: bytes) -> None:
        """Give it its order. Raises `OSError` when it is gone; it has begun nothing then."""
        with open(self.order, "wb", buffering=0) as file:
            view = memoryview(order)
            while view:
                view = view[file.write(view) :]

    def close(self) -> None:
        """Let it end without an order; its end can still be seen."""
        for descriptor in (self.order, self.output, self.status):
            os.close(descriptor)


class ForkServer:
    """A zygote, from the outside. Only for single-threaded processes that adopt orphans."""

    def __init__(self) -> None:
        parent_pid = os.getpid()
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.pid = os.fork()
        if self.pid == 0:
            try:
                _serve(theirs, parent_pid)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(1)
        theirs.close()

    def prepare(self) -> Prepared:
        """Have a process ready for a call. Raises `ForkServerGone`, and `OSError` when there can be none now."""
        (order, order_writer), (output_reader, output), (status_reader, status) = _pipes(3)
        pid = 0
        try:
            pid = self._ask(_FORK, (status, order, output))
            # It is there, if only as a zombie: nobody reaps it before `reap`.
            pidfd = os.pidfd_open(pid)
        except OSError:
            for descriptor in (order_writer, output_reader, status_reader):
                os.close(descriptor)
            if pid:  # without an order it ends at once
                self.reap(pid)
            raise
        finally:
            for descriptor in (order, output, status):
                os.close(descriptor)
        for descriptor in (output_reader, status_reader):
            os.set_blocking(descriptor, False)
        return Prepared(pid, pidfd, order_writer, output_reader, status_reader)

    def reap(self, pid: int) -> int:
        """The wait status of a process of its own that has ended; waits for the end. Raises `ForkServerGone`."""
        return self._ask(b"%d" % pid)

    def close(self) -> None:
        """Let it end, and what it has forked with it."""
        self._socket.close()

    def _ask(self, question: bytes, descriptors: Sequence[int] = ()) -> int:
        try:
            socket.send_fds(self._socket, [question], descriptors)
            answer = self._socket.recv(_MESSAGE_BYTES_MAX)
        except OSError as exc:
            raise ForkServerGone(exc.errno, "the process that forks is gone") from exc
        if not answer:
            raise ForkServerGone("the process that forks is gone")
        if (number := int(answer)) < 0:
            raise OSError(-number, os.strerror(-number))
        return number


def _pipes(count: int) -> list[tuple[int, int]]:
    """So many pipes, or none: raises `OSError`."""
    pipes: list[tuple[int, int]] = []
    try:
        while len(pipes) < count:
            pipes.append(os.pipe2(os.O_CLOEXEC))
    except OSError:
        for descriptor in (end for pipe in pipes for end in pipe):
            os.close(descriptor)
        raise
    return pipes


def _serve(asked: socket.socket, parent_pid: int) -> NoReturn:
    """Be the zygote, until its parent is gone or wants none any more."""
    _conclude(asked, parent_pid)
    own_pid, warm_up = os.getpid(), child.no_op_order()
    for _ in range(_WARM_UPS):
        family.warm_up_fork()
        family.die_with_parent(parent_pid)
        forbid_inspection()
        child.warm_up(warm_up)
    with socket.socket(fileno=_SOCKET_FD) as questions:
        while True:
            question, descriptors, *_ = socket.recv_fds(questions, _MESSAGE_BYTES_MAX, child.DESCRIPTORS)
            if not question:
                os._exit(0)
            if question == _FORK and len(descriptors) < child.DESCRIPTORS:
                answer = -errno.EMFILE  # the kernel drops what finds no place here
            elif question == _FORK:
                failpoint("zygote.fork.before")
                answer = _fork(own_pid, warm_up)
                failpoint("zygote.fork.done")
            else:
                failpoint("zygote.reap.before")
                _, answer = os.waitpid(int(question), 0)
            for descriptor in descriptors:
                os.close(descriptor)
            questions.send(b"%d" % answer)


def _conclude(asked: socket.socket, parent_pid: int) -> None:
    """Shed everything of the host that no call must see."""
    os.setsid()
    family.die_with_parent(parent_pid)
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _keep_only(os.open(os.devnull, os.O_RDONLY), 1, 2, asked.detach())
    sys.stdout, sys.stderr = _text_stream(1), _text_stream(2)
    install_logging()


def _keep_only(stdin: int, stdout: int, stderr: int, questions: int) -> None:
    """Make these the descriptors 0, 1, 2 and `_SOCKET_FD`, and close all others."""
    os.dup2(stdin, 0)
    os.dup2(stdout, 1)
    os.dup2(stderr, 2)
    if questions != _SOCKET_FD:
        os.dup2(questions, _SOCKET_FD, inheritable=False)
    for descriptor in map(int, os.listdir("/proc/self/fd")):
        if descriptor > 2 and descriptor != _SOCKET_FD:
            with suppress(OSError):  # the one that listed them
                os.close(descriptor)


def _text_stream(descriptor: int) -> TextIO:
    return open(descriptor, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)


def _fork(own_pid: int, warm_up: bytes) -> int:
    """Fork a process for a call. Its number, or the negative number of the error."""
    try:
        pid = os.fork()
    except OSError as exc:
        return -(exc.errno or errno.EAGAIN)
    if pid == 0:
        os.close(_SOCKET_FD)
        child.carry_out(own_pid, warm_up)
    return pid
