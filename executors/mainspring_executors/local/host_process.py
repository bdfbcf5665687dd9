"""The scheduler's side of one task host: a child process at the other end of two sockets. No method blocks."""

import contextlib
import logging
import os
import select
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import Any

import orjson

from mainspring import failpoints
from mainspring.attempts import LogChunk
from mainspring_executors.environment import HOST_VARIABLE
from mainspring_executors.host import process_tree
from mainspring_executors.host.config import HostConfig
from mainspring_executors.local import orphans as orphans
from mainspring_executors.local.task_user import SAME_USER, TaskUser
from mainspring_executors.protocol.frames import FrameError, FrameReader, frame
from mainspring_executors.protocol.wire import FENCED_EXIT_CODE, decode_log_chunk, join

__all__ = ["HostProcess"]

_READ_BYTES = 256 * 1024
_CONTROL_READS_MAX = 64
_LOG_READS_MAX = 4
"""Reads of the log socket in one `read`: at most 1 MiB, so that a chatty task does not hold up the caller."""
_BATCH_BYTES = 1024 * 1024
_PING_SECONDS = 1.0
_SILENCES = 3
"""The scheduler gives a host up after this many self-fence times without an answer. More than one: native code in a
host of threads may block its other threads for a while and still return."""
_LAST_WORDS_SECONDS_MAX = 1.0
"""How long the log socket of an ended host may stay open after the control socket."""
_BURIAL_SECONDS_MAX = 5.0
"""How long the guard may take to kill the remaining processes, before the scheduler kills the guard."""

_log = logging.getLogger(__name__)


class HostProcess:
    """A running host. `is_lost`: its sockets are closed and its processes are being killed. `is_gone`: the host and all
    its processes have ended."""

    def __init__(
        self, config: HostConfig, env: dict[str, str], poller: select.epoll, user: TaskUser | None = None
    ) -> None:
        """user: the user that the host and its tasks run as; `None` = the user of this process."""
        self.epoch = config.epoch
        self.started_at = monotonic()
        self.is_ready = False
        """Whether a message of the host has arrived. Before its first message, a host starts no attempt."""
        self.is_lost = False
        self.is_gone = False
        self.is_closing = False
        """`close` was called, so the end of the host is expected."""
        self.is_outdated = False
        """The host is retired because the users' code has changed. Its running attempts are healthy."""
        self.has_failed = False
        """The host is lost by itself, not by its owner's wish: a task in it may be the cause."""
        self.exit_code: int | None = None
        """Exit code of a host that ended by itself, once it is gone; negative = ended, or stopped, by this signal."""
        self.folder = Path(config.folder)
        self._poller = poller
        self._user = user
        self._silence_seconds_max = _SILENCES * config.self_fence_seconds
        self._stop_seconds_max = config.self_fence_seconds
        self._forks = config.mode == "processes"
        control, logs, self._process = _spawn(config.epoch, {**env, HOST_VARIABLE: config.epoch}, user)
        self._control, self._logs = _Stream(control, poller), _Stream(logs, poller)
        self._pidfd = os.pidfd_open(self._process.pid)
        poller.register(self._pidfd, select.EPOLLIN)
        self._out = bytearray()
        self._pinged_at = self.started_at
        self._ping_unanswered_since: float | None = None
        self._ended_at: float | None = None
        self.has_ended = False
        """The host ended by itself, so its exit code shows the cause."""
        self._lost_at = 0.0
        self._write(config.encode())

    def send(self, messages: Sequence[bytes]) -> None:
        """Queue messages and send as much as the socket takes now. `tend` sends the rest."""
        batch: list[bytes] = []
        size = 0
        for message in messages:
            if batch and size + len(message) > _BATCH_BYTES:
                self._write(join(batch))
                batch, size = [], 0
            batch.append(message)
            size += len(message)
        if batch:
            self._write(join(batch))

    def read(self) -> tuple[list[list[Any]], list[LogChunk]]:
        """Messages and log chunks that have arrived.

        Reads the log first. A message that the host sent before a log chunk is thus in the same answer as the chunk, or
        in an earlier answer.
        """
        messages: list[list[Any]] = []
        try:
            chunks = [decode_log_chunk(payload) for payload in self._logs.receive(_LOG_READS_MAX)]
            for payload in self._control.receive(_CONTROL_READS_MAX):
                epoch, *batch = orjson.loads(payload)
                if epoch == self.epoch:
                    messages += batch
        except (ValueError, TypeError, struct.error) as exc:
            self._fail(f"a message cannot be decoded: {exc}")
            return [], []
        self.is_ready = self.is_ready or bool(messages)
        if any(message[0] == "pong" for message in messages):
            self._ping_unanswered_since = None
        return messages, chunks

    def tend(self) -> None:
        """Send queued messages, ping, detect the end or a long silence, and clean up after a lost host."""
        now = monotonic()
        if self.is_lost:
            self._bury(now)
            return
        self._flush()
        if broken := self._control.broken or self._logs.broken:
            self._fail(broken)
        elif self._control.is_at_end:
            # The log socket may still hold earlier log.
            self._ended_at = self._ended_at or now
            if self._logs.is_at_end or now - self._ended_at > _LAST_WORDS_SECONDS_MAX:
                self.has_ended = True
                self._fail("the host ended")
        elif now - self._pinged_at >= _PING_SECONDS:
            self._ping(now)

    def lose(self, why: str) -> None:
        """Close the sockets of this host and kill it with all its processes. Logs a warning with the cause."""
        if not self.is_lost and not self.is_closing:
            _log.warning("task host lost: host=%s cause=%s", self.epoch, why)
        self.discard()

    def close(self, grace_seconds: float) -> None:
        """Have the host start no further attempt, stop the running attempts after the grace, and end."""
        self.is_closing = True
        self.send([orjson.dumps(["close", grace_seconds])])

    def discard(self) -> None:
        """Close the sockets of this host and kill it with all its processes, without a warning."""
        if self.is_lost:
            return
        self.is_lost = True
        self._lost_at = monotonic()
        self._control.close()
        self._logs.close()
        self._signal(signal.SIGTERM)

    def _ping(self, now: float) -> None:
        self._pinged_at = now
        if self._ping_unanswered_since is None:
            self._ping_unanswered_since = now
        elif now - self._ping_unanswered_since > self._silence_seconds_max:
            self._fail(f"no answer for {self._silence_seconds_max:g} s")
            return
        elif now - self._ping_unanswered_since > self._stop_seconds_max and self._is_stopped():
            self.exit_code = -signal.SIGSTOP
            self._fail(f"stopped, and no answer for {self._stop_seconds_max:g} s")
            return
        self._write(b'[["ping"]]')

    def _fail(self, why: str) -> None:
        self.has_failed = not (self.is_lost or self.is_closing)
        self.lose(why)

    def _is_stopped(self) -> bool:
        """Whether a signal has stopped the host, or the fork server, for whose answers the host waits."""
        # The host is the first child of its guard. Adopted orphans come later in the list.
        hosts = process_tree.children(self._process.pid)[:1]
        waited_for = [pid for host in hosts for pid in process_tree.children(host)] if self._forks else []
        return any(map(process_tree.is_stopped, [*hosts, *waited_for]))

    def _bury(self, now: float) -> None:
        if self.is_gone:
            return
        if self._process.poll() is None:
            if now - self._lost_at < _BURIAL_SECONDS_MAX:
                return
            self._signal(signal.SIGKILL)
            self._process.wait()
        self._poller.unregister(self._pidfd)
        os.close(self._pidfd)
        # The guard has killed them already, unless the guard itself was killed.
        orphans.kill_host(self.epoch, self._user)
        if self.has_ended:
            self.exit_code = _exit_code_of_host(self._process.returncode)
            self.has_failed = self.has_failed and self.exit_code != FENCED_EXIT_CODE
        self.is_gone = True

    def _signal(self, number: signal.Signals) -> None:
        """Signal the guard. On SIGTERM the guard kills the host and all its processes."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, number)

    def _write(self, payload: bytes) -> None:
        self._out += frame(payload)
        self._flush()

    def _flush(self) -> None:
        if not self._out or self.is_lost:
            return
        try:
            sent = self._control.sock.send(self._out)
            del self._out[:sent]
        except BlockingIOError:
            pass
        except OSError:
            # The next `read` sees the end of the socket, after the remaining messages.
            self._out.clear()
        self._control.watch_for_room(bool(self._out))


def _exit_code_of_host(guard_code: int) -> int:
    """The exit code of the host, from the exit code of the guard, which has only eight bits."""
    return guard_code - 256 if guard_code > 256 - signal.NSIG else guard_code


class _Stream:
    """One socket and the frames received from it."""

    def __init__(self, sock: socket.socket, poller: select.epoll) -> None:
        self.sock = sock
        self.is_at_end = False
        self.broken: str | None = None
        """Why the stream is unreadable; `None` while it is readable."""
        self._poller = poller
        self._reader = FrameReader()
        self._watches_for_room = False
        sock.setblocking(False)
        poller.register(sock, select.EPOLLIN)

    def receive(self, reads_max: int) -> list[bytes]:
        """The payloads that have arrived, from at most `reads_max` reads."""
        payloads: list[bytes] = []
        try:
            for _ in range(0 if self.is_at_end else reads_max):
                data = self.sock.recv(_READ_BYTES)
                payloads += self._reader.feed(data)
                if not data:
                    self._end()
                if len(data) < _READ_BYTES:
                    break
        except BlockingIOError:
            pass
        except (OSError, FrameError) as exc:
            self.broken = str(exc)
            self._end()
        return payloads

    def watch_for_room(self, is_watching: bool) -> None:
        """Set whether the poller reports that the socket takes more."""
        if is_watching != self._watches_for_room and not self.is_at_end:
            self._watches_for_room = is_watching
            self._poller.modify(self.sock, select.EPOLLIN | (select.EPOLLOUT if is_watching else 0))

    def close(self) -> None:
        self._end()
        self.sock.close()

    def _end(self) -> None:
        if self.is_at_end:
            return
        self.is_at_end = True
        self._poller.unregister(self.sock)
        if not self._reader.is_between_frames:
            self.broken = self.broken or "it ended in the middle of a frame"


_STDERR = 2
"""`sys.__stderr__` is None where this process was started without one."""


def _spawn(
    mark: str, env: dict[str, str], user: TaskUser | None
) -> tuple[socket.socket, socket.socket, "subprocess.Popen[bytes]"]:
    """Start a guard, which forks the host. Returns the scheduler's ends of the two sockets, and the guard.

    Raises `OSError` when the machine cannot start a process.
    """
    control, host_control = socket.socketpair()
    logs, host_logs = socket.socketpair()
    with contextlib.ExitStack() as sockets, host_control, host_logs:
        sockets.enter_context(control)
        sockets.enter_context(logs)
        descriptors = (host_control.fileno(), host_logs.fileno())
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "mainspring_executors.host", *map(str, descriptors), mark],
            pass_fds=descriptors,
            stdin=subprocess.DEVNULL,
            # Output of no attempt, above all the traceback of a crash of the host, goes to the scheduler's own log.
            stdout=_STDERR,
            # With the same PYTHONPATH, the host imports this package from the same place.
            env=env | {name: os.environ[name] for name in ("PYTHONPATH", failpoints.VARIABLE) if name in os.environ},
            start_new_session=True,
            **(SAME_USER if user is None else user.of_process),
        )
        sockets.pop_all()
    return control, logs, process
