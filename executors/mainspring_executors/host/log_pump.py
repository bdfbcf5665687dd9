"""Sends the log of the thread host to the scheduler."""

import os
import socket
import threading
from collections import deque

from mainspring.attempts import Attempt
from mainspring_executors.attempt_log import FLUSH_SECONDS, AttemptLog
from mainspring_executors.protocol.frames import frame

__all__ = ["LogPump", "ThreadLog"]

_WRITE_BYTES = 256 * 1024
_BACKLOG_BYTES_MAX = 4 * 1024 * 1024


class ThreadLog:
    """The log of an attempt, shared by two threads: the task writes, and the pump flushes."""

    def __init__(self, attempt: Attempt, pump: "LogPump") -> None:
        self._attempt = attempt
        self._pump = pump
        self._lock = threading.Lock()
        self._log: AttemptLog | None = None
        self._is_closed = False

    def write(self, data: bytes) -> None:
        """Append to the log. Blocks while the pump has a backlog. Drops output after the end of the attempt."""
        for start in range(0, len(data), _WRITE_BYTES):
            with self._lock:
                if self._is_closed:
                    return
                self._open().write(data[start : start + _WRITE_BYTES])
            self._pump.wait_for_room()
        self._pump.note(self)

    def flush(self) -> None:
        with self._lock:
            if self._log is not None and not self._is_closed:
                self._log.flush()

    def close(self) -> int:
        """Close the log and return its length. Never waits for the pump."""
        with self._lock:
            self._is_closed = True
            return 0 if self._log is None else self._log.close()

    def _open(self) -> AttemptLog:
        if self._log is None:
            attempt = self._attempt
            self._log = AttemptLog(
                attempt.attempt_id, limits=attempt.limits, secrets=attempt.secrets, emit=self._pump.emit
            )
        return self._log


class LogPump:
    """Sends log chunks from a thread of its own, so that a slow reader of logs holds up only the writers of logs."""

    def __init__(self, logs: socket.socket) -> None:
        self._logs = logs
        self._changed = threading.Condition()
        self._frames: deque[bytes] = deque()
        self._backlog_bytes = 0
        self._dirty: set[ThreadLog] = set()

    def emit(self, chunk: bytes) -> None:
        with self._changed:
            self._frames.append(frame(chunk))
            self._backlog_bytes += len(chunk)
            self._changed.notify_all()

    def note(self, log: ThreadLog) -> None:
        """Have `log` flushed soon."""
        with self._changed:
            if log not in self._dirty:
                self._dirty.add(log)
                self._changed.notify_all()

    def wait_for_room(self) -> None:
        if self._backlog_bytes > _BACKLOG_BYTES_MAX:
            with self._changed:
                self._changed.wait_for(lambda: self._backlog_bytes <= _BACKLOG_BYTES_MAX)

    def drain(self, timeout: float) -> None:
        """Wait until all output so far is sent."""
        with self._changed:
            dirty, self._dirty = self._dirty, set()
        for log in dirty:
            log.flush()
        with self._changed:
            self._changed.wait_for(lambda: self._backlog_bytes == 0, timeout)

    def begin(self) -> None:
        """Start its thread. Raises `RuntimeError` when none can be started now."""
        threading.Thread(target=self._run, name="log-pump", daemon=True).start()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._frames or self._dirty)
                if not self._frames:
                    # Let small writes gather.
                    self._changed.wait(FLUSH_SECONDS)
                dirty, self._dirty = self._dirty, set()
            for log in dirty:
                log.flush()
            self._send_all()

    def _send_all(self) -> None:
        while self._frames:
            data = self._frames.popleft()
            try:
                self._logs.sendall(data)
            except OSError:
                os._exit(1)
            with self._changed:
                self._backlog_bytes -= len(data) - 4
                self._changed.notify_all()
