"""One task host as its scheduler sees it: a child process at the other end of two sockets. Nothing here blocks."""

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
"""Of one `read`: at most 1 MiB of log, so that a talkative task does not hold up the caller."""
_BATCH_BYTES = 1024 * 1024
_PING_SECONDS = 1.0
_SILENCES = 3
"""After how many self-fence times without an answer a host is given up. More than one: in a host of threads, native
code may hold everything else up for a while without being stuck."""
_LAST_WORDS_SECONDS_MAX = 1.0
"""Between the ends of the two sockets of a host that is gone."""
_BURIAL_SECONDS_MAX = 5.0
"""How long the guard may take to kill what is left, before it is killed itself."""

_log = logging.getLogger(__name__)


class HostProcess:
    """A running host. It is `is_lost` from the first sign that it cannot be talked to, `is_gone` when it and
    everything that ran under it have ended."""

    def __init__(
        self, config: HostConfig, env: dict[str, str], poller: select.epoll, user: TaskUser | None = None
    ) -> None:
        """user: whom the host and its tasks run as; `None` = the user of this process."""
        self.epoch = config.epoch
        self.started_at = monotonic()
        self.is_ready = False
        """Whether it has said anything. One that has not has started nothing either."""
        self.is_lost = False
        self.is_gone = False
        self.is_closing = False
        """Its end is expected."""
        self.is_outdated = False
        """It is retired because the users' code has changed; what runs in it is healthy."""
        self.has_failed = False
        """It is lost, and not because its owner wanted so: something that ran in it may be the cause."""
        self.exit_code: int | None = None
        """Of a host that ended by itself, once it is gone; negative = ended by this signal, or stopped by it."""
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
        """It ended by itself, so its exit code says how."""
        self._lost_at = 0.0
        self._write(config.encode())

    def send(self, messages: Sequence[bytes]) -> None:
        """Queue messages and send what the socket takes now; the rest goes out by `tend`."""
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
        """Messages and log chunks that have arrived. The log is read first, so what a host said before it wrote a chunk
        is in the same answer as the chunk, or was in an earlier one."""
        messages: list[list[Any]] = []
        try:
            chunks = [decode_log_chunk(payload) for payload in self._logs.receive(_LOG_READS_MAX)]
            for payload in self._control.receive(_CONTROL_READS_MAX):
                epoch, *batch = orjson.loads(payload)
                if epoch == self.epoch:
                    messages += batch
        except (ValueError, TypeError, struct.error) as exc:
            self._fail(f"it said what cannot be understood: {exc}")
            return [], []
        self.is_ready = self.is_ready or bool(messages)
        if any(message[0] == "pong" for message in messages):
            self._ping_unanswered_since = None
        return messages, chunks

    def tend(self) -> None:
        """What must be done from time to time: send the rest, ping, notice the end or a long silence, bury the dead."""
        now = monotonic()
        if self.is_lost:
            self._bury(now)
            return
        self._flush()
        if broken := self._control.broken or self._logs.broken:
            self._fail(broken)
        elif self._control.is_at_end:
            # The log may still hold what was written before.
            self._ended_at = self._ended_at or now
            if self._logs.is_at_end or now - self._ended_at > _LAST_WORDS_SECONDS_MAX:
                self.has_ended = True
                self._fail("it ended")
        elif now - self._pinged_at >= _PING_SECONDS:
            self._ping(now)

    def lose(self, why: str) -> None:
        """Stop talking to this host and have it killed, with everything that runs under it."""
        if not self.is_lost and not self.is_closing:
            _log.warning("task host %s is lost: %s", self.epoch, why)
        self.discard()

    def close(self, grace_seconds: float) -> None:
        """Have it start nothing more, stop what runs after the grace, and end."""
        self.is_closing = True
        self.send([orjson.dumps(["close", grace_seconds])])

    def discard(self) -> None:
        """The same for a host that has nothing more to say."""
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
            self._fail(f"it did not answer for {self._silence_seconds_max:g} s")
            return
        elif now - self._ping_unanswered_since > self._stop_seconds_max and self._is_stopped():
            self.exit_code = -signal.SIGSTOP
            self._fail(f"it is stopped, and did not answer for {self._stop_seconds_max:g} s")
            return
        self._write(b'[["ping"]]')

    def _fail(self, why: str) -> None:
        self.has_failed = not (self.is_lost or self.is_closing)
        self.lose(why)

    def _is_stopped(self) -> bool:
        """Whether a signal has stopped the host, or the fork server that it waits for."""
        # The host is the first child of its guard: orphans come after it.
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
        # The guard has done so already, unless it was killed itself.
        orphans.kill_host(self.epoch, self._user)
        if self.has_ended:
            self.exit_code = _exit_code_of_host(self._process.returncode)
            self.has_failed = self.has_failed and self.exit_code != FENCED_EXIT_CODE
        self.is_gone = True

    def _signal(self, number: signal.Signals) -> None:
        """To the guard, which on SIGTERM kills the host and whatever ran under it."""
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
            # Its end shows when the rest of what it said has been read.
            self._out.clear()
        self._control.watch_for_room(bool(self._out))


def _exit_code_of_host(guard_code: int) -> int:
    """The guard ends with the exit code of its host, in eight bits."""
    return guard_code - 256 if guard_code > 256 - signal.NSIG else guard_code


class _Stream:
    """One socket and the frames that come out of it."""

    def __init__(self, sock: socket.socket, poller: select.epoll) -> None:
        self.sock = sock
        self.is_at_end = False
        self.broken: str | None = None
        """Why it cannot be read any further."""
        self._poller = poller
        self._reader = FrameReader()
        self._watches_for_room = False
        sock.setblocking(False)
        poller.register(sock, select.EPOLLIN)

    def receive(self, reads_max: int) -> list[bytes]:
        """The payloads that have arrived, from at most so many reads."""
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

    def watch_for_room(self, wanted: bool) -> None:
        """Whether the poller shall report that the socket takes more."""
        if wanted != self._watches_for_room and not self.is_at_end:
            self._watches_for_room = wanted
            self._poller.modify(self.sock, select.EPOLLIN | (select.EPOLLOUT if wanted else 0))

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
    """Our ends of its two sockets, and the guard. Raises `OSError` when no process can be started."""
    control, control_theirs = socket.socketpair()
    logs, logs_theirs = socket.socketpair()
    with contextlib.ExitStack() as ours, control_theirs, logs_theirs:
        ours.enter_context(control)
        ours.enter_context(logs)
        descriptors = (control_theirs.fileno(), logs_theirs.fileno())
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "mainspring_executors.host", *map(str, descriptors), mark],
            pass_fds=descriptors,
            stdin=subprocess.DEVNULL,
            # What no attempt owns, a crash of the host itself above all, goes where the scheduler's own log goes.
            stdout=_STDERR,
            # Where this package was found, the host shall find it too.
            env=env | {name: os.environ[name] for name in ("PYTHONPATH", failpoints.VARIABLE) if name in os.environ},
            start_new_session=True,
            **(SAME_USER if user is None else user.of_process),
        )
        ours.pop_all()
    return control, logs, process
