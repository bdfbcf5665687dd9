"""Runs attempts on a pool of threads. A thread cannot be killed, so an attempt can end before its code ends."""

import os
import queue
import select
import socket
import sys
import threading
import traceback
from collections.abc import Sequence
from dataclasses import replace
from time import monotonic
from typing import Any

import orjson

from mainspring.attempts import Attempt
from mainspring.start_refusals import NO_THREAD
from mainspring_executors import tasks
from mainspring_executors.host.capture import install_logging, install_router, on_this_thread
from mainspring_executors.host.config import HostConfig
from mainspring_executors.host.loaded_code import LoadedCode
from mainspring_executors.host.log_pump import LogPump, ThreadLog
from mainspring_executors.host.sender import Sender
from mainspring_executors.host.timers import Alarms
from mainspring_executors.masking import Masker
from mainspring_executors.outputs import discard_files
from mainspring_executors.protocol.frames import FrameReader
from mainspring_executors.protocol.refusals import PAUSE_SECONDS, Refused, encode_refused
from mainspring_executors.protocol.results import Result, TaskEnded, cancelled, interrupted, timed_out
from mainspring_executors.protocol.wire import (
    FENCED_EXIT_CODE,
    READY,
    decode_attempt,
    encode_finished,
    encode_started,
    encode_stopped,
)
from mainspring_executors.tasks.plan import Call, Program, Work

__all__ = ["ThreadHost"]

_READ_BYTES = 256 * 1024
_LAST_WORDS_SECONDS = 5.0
_CODE_SECONDS = 0.05
"""Pause between two checks of the files of the users' code, while attempts run. An idle host checks at each attempt."""


class ThreadHost:
    """The main thread listens to the scheduler and keeps the time. It never runs a task and never waits for a task."""

    def __init__(self, control: socket.socket, logs: socket.socket, config: HostConfig) -> None:
        self._control = control
        self._config = config
        # The host gives up a scheduler that does not read for this time, like a scheduler that does not send.
        control.settimeout(config.self_fence_seconds)
        logs.settimeout(config.self_fence_seconds)
        self._sender = Sender(control, config.epoch)
        self._pump = LogPump(logs)
        self._lock = threading.Lock()
        self._queued: dict[str, Attempt] = {}
        self._running: dict[str, _Running] = {}
        self._todo: queue.SimpleQueue[Attempt] = queue.SimpleQueue()
        self._threads = 0
        self._grow_at = 0.0
        """When to try the next start of a thread, after a refused start; 0 = at once."""
        self._refused_in_a_row = 0
        self._alarms: Alarms[tuple[_Running, bool]] = Alarms()
        """(attempt, is_last). At the last alarm the host ends the attempt although its call has not returned."""
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._close_at: float | None = None
        self._heard_at = monotonic()
        self._code = LoadedCode(config.code_path)
        self._code_due_at = 0.0
        self._is_outdated = False
        """The users' code has changed: a new host must run further attempts."""

    def run(self) -> None:
        """Serve until the scheduler is gone, is silent for too long, or sends `close`."""
        sys.path[:0] = self._config.code_path
        install_router()
        install_logging()
        # Before the first task: later there may be no room for a thread, and a print of a task must not fail.
        self._pump.begin()
        self._sender.send(READY)
        reader = FrameReader()
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        poll.register(self._wake, select.POLLIN)
        while not self._is_closed():
            ready = {fd for fd, _ in poll.poll(self._patience() * 1000)}
            if self._wake in ready:
                os.eventfd_read(self._wake)
            if self._control.fileno() in ready:
                data = self._receive()
                if not data:
                    break
                self._heard_at = monotonic()
                for payload in reader.feed(data):
                    self._obey(orjson.loads(payload))
            elif monotonic() - self._heard_at > self._config.self_fence_seconds:
                os._exit(FENCED_EXIT_CODE)
            self._notify()
            if self._grow_at:
                self._grow()
        if self._close_at is not None:
            self._pump.drain(_LAST_WORDS_SECONDS)
            self._sender.drain(_LAST_WORDS_SECONDS)
        # The guard kills what the tasks started. Threads end with the process, without any clean-up.
        os._exit(0)

    def _receive(self) -> bytes:
        try:
            return self._control.recv(_READ_BYTES)
        except OSError:
            return b""

    def _obey(self, messages: Sequence[Any]) -> None:
        for message in messages:
            match message[0]:
                case "attempt":
                    self._take(decode_attempt(message))
                case "cancel":
                    self._cancel(message[1])
                case "ping":
                    self._sender.send(b'["pong"]')
                case "retire":
                    self._give_back()
                case "close":
                    self._begin_close(message[1])

    def _take(self, attempt: Attempt) -> None:
        if self._is_outdated or self._finds_changed_code():
            self._sender.send(orjson.dumps(["returned", [attempt.attempt_id]]))
            return
        with self._lock:
            self._queued[attempt.attempt_id] = attempt
        self._todo.put(attempt)
        self._grow()

    def _grow(self) -> None:
        """Start a thread for what waits, up to the concurrency. A thread that cannot start now is tried again later."""
        with self._lock:
            waiting = next(iter(self._queued), None)
            busy = len(self._queued) + len(self._running)
        if waiting is None or self._threads >= min(busy, self._config.concurrency) or monotonic() < self._grow_at:
            return
        try:
            threading.Thread(target=self._work, name=f"task-{self._threads + 1}", daemon=True).start()
        except RuntimeError:
            pause = PAUSE_SECONDS[min(self._refused_in_a_row, len(PAUSE_SECONDS) - 1)]
            self._refused_in_a_row += 1
            self._grow_at = monotonic() + pause
            self._sender.send(encode_refused(waiting, Refused(NO_THREAD)))
        else:
            self._threads += 1
            self._refused_in_a_row, self._grow_at = 0, 0.0

    def _finds_changed_code(self) -> bool:
        """Whether an imported module has changed. Reports a change to the scheduler and returns the queued attempts."""
        with self._lock:
            is_idle = not self._queued and all(running.is_over for running in self._running.values())
        now = monotonic()
        if not is_idle and now < self._code_due_at:
            return False
        self._code_due_at = now + _CODE_SECONDS
        file = self._code.changed_file()
        if file is not None:
            self._is_outdated = True
            self._sender.send(orjson.dumps(["outdated", file]))
            self._give_back()
        return self._is_outdated

    def _cancel(self, attempt_id: str) -> None:
        with self._lock:
            waited = self._queued.pop(attempt_id, None)
            running = self._running.get(attempt_id)
        result = cancelled()
        if waited is not None:
            self._sender.send(encode_finished(attempt_id, result, log_bytes=0))
        elif running is not None:
            self._stop(running, result)

    def _give_back(self) -> None:
        """Return the attempts that have not started, for another host."""
        with self._lock:
            returned = list(self._queued)
            self._queued.clear()
        self._sender.send(orjson.dumps(["returned", returned]))

    def _begin_close(self, grace_seconds: float) -> None:
        self._close_at = monotonic() + grace_seconds
        with self._lock:
            waited = list(self._queued)
            self._queued.clear()
        for attempt_id in waited:
            self._sender.send(encode_finished(attempt_id, interrupted(), log_bytes=0))

    def _is_closed(self) -> bool:
        if self._close_at is None:
            return False
        with self._lock:
            return monotonic() >= self._close_at or all(running.is_held for running in self._running.values())

    def _patience(self) -> float:
        """Seconds until the next timer."""
        now = monotonic()
        grow_at = self._grow_at if self._grow_at > now else None
        until = [self._heard_at + self._config.self_fence_seconds, self._alarms.next_at(), self._close_at, grow_at]
        return max(0.0, min(at for at in until if at is not None) - now) + 0.001

    def _work(self) -> None:
        while True:
            attempt = self._todo.get()
            with self._lock:
                if self._queued.pop(attempt.attempt_id, None) is None:
                    continue
                running = self._running[attempt.attempt_id] = _Running(attempt, self._pump)
            try:
                self._carry_out(running)
            except BaseException:
                # A fault of the host itself. Losing all attempts of the host is better than an attempt without an end.
                try:
                    traceback.print_exc(file=sys.__stderr__)
                finally:
                    os._exit(1)  # also when the log's disk is full

    def _carry_out(self, running: "_Running") -> None:
        try:
            plan = tasks.plan(
                Work(attempt=running.attempt, http_allow=self._config.http_allow, values_folder=self._config.folder)
            )
            # Before the call: another host may run an attempt again when its host died without a report of the start.
            self._sender.send_at_once(encode_started(running.attempt.attempt_id, os.getpid()))
            assert not isinstance(plan, Program), "programs run in the process host"
            result = self._call(running, plan) if isinstance(plan, Call) else plan
        except TaskEnded as exc:
            result = exc.result
        self._returned(running, result)

    def _call(self, running: "_Running", call: Call) -> Result:
        running.call = call
        if running.attempt.timeout is not None:
            with self._lock:
                self._alarms.set(monotonic() + running.attempt.timeout.total_seconds(), (running, False))
            os.eventfd_write(self._wake, 1)
        if running.is_over:
            return Result()
        on_this_thread.sink = running.log
        try:
            return call.function()
        finally:
            on_this_thread.sink = None

    def _returned(self, running: "_Running", result: Result) -> None:
        """Free the thread, and report the result unless the attempt has already ended."""
        attempt_id = running.attempt.attempt_id
        self._code.note()
        with self._lock:
            was_over, running.is_over = running.is_over, True
        if was_over:
            discard_files(result.large)
            self._sender.send(encode_stopped(attempt_id))
        else:
            self._sender.send(running.finished(running.stop or result))
        with self._lock:
            del self._running[attempt_id]
        if self._close_at is not None:
            os.eventfd_write(self._wake, 1)

    def _notify(self) -> None:
        with self._lock:
            alarms = self._alarms.due(monotonic())
        for running, is_last in alarms:
            if running.stop is None and running.attempt.timeout is not None:
                self._stop(running, timed_out(running.attempt.timeout))
            elif running.stop is not None and is_last:
                self._stop(running, running.stop)

    def _stop(self, running: "_Running", result: Result) -> None:
        """End an attempt. A call with `abort` gets the cancel grace to return; any other attempt ends at once."""
        abort = None if running.call is None else running.call.abort
        if abort is not None and running.stop is None:
            running.stop = result
            with self._lock:
                self._alarms.set(monotonic() + running.attempt.cancel_grace.total_seconds(), (running, True))
            abort()
            return
        with self._lock:
            if running.is_over:
                return
            running.is_over = True
        self._sender.send(running.finished(result, still_running=True))
        running.is_held = True


class _Running:
    """One attempt on its thread."""

    def __init__(self, attempt: Attempt, pump: LogPump) -> None:
        self.attempt = attempt
        self.log = ThreadLog(attempt, pump)
        self.call: Call | None = None
        self.stop: Result | None = None
        """The result of the attempt once the host has aborted its call."""
        self.is_over = False
        """Set by the thread that reports the end. The host's lock guards it."""
        self.is_held = False
        """The end is reported, but the code still runs."""

    def finished(self, result: Result, *, still_running: bool = False) -> bytes:
        if result.message is not None and self.attempt.secrets:
            result = replace(result, message=Masker(self.attempt.secrets.values()).mask(result.message))
        log_bytes = self.log.close()
        return encode_finished(self.attempt.attempt_id, result, log_bytes=log_bytes, still_running=still_running)
