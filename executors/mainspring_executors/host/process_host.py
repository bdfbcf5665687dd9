"""Runs each attempt in a process group of its own, under one thread that starts, watches, stops and reaps them all.

A callable runs in a process that a zygote forks, a warm child of this process with one thread for life; the user's
modules are imported only there. When the main process of an attempt ends, the rest of its group is killed, as a
container does; descendants that left the group come back as orphans (this process adopts them) and are told apart by
the attempt id in their environment.
"""

import contextlib
import gc
import os
import selectors
import signal
import socket
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from time import monotonic
from typing import Any

from mainspring.attempts import Attempt
from mainspring.failpoints import failpoint
from mainspring.states import StateReason
from mainspring_executors import tasks
from mainspring_executors.attempt_log import FLUSH_SECONDS
from mainspring_executors.environment import code_variables
from mainspring_executors.host import process_tree as family
from mainspring_executors.host.call_processes import CallProcesses
from mainspring_executors.host.config import HostConfig
from mainspring_executors.host.run import Run, start
from mainspring_executors.host.sockets import Link
from mainspring_executors.host.timers import Alarms
from mainspring_executors.masking import Masker
from mainspring_executors.protocol.frames import FrameReader
from mainspring_executors.protocol.refusals import PAUSE_SECONDS, Refused, encode_refused
from mainspring_executors.protocol.results import Result, TaskEnded, cancelled, failed, interrupted, timed_out
from mainspring_executors.protocol.wire import (
    FENCED_EXIT_CODE,
    READY,
    decode_attempt,
    encode_finished,
    encode_started,
    encode_stopped,
)
from mainspring_executors.tasks.plan import Call, Work

__all__ = ["ProcessHost"]

_LOG_BACKLOG_BYTES_MAX = 4 * 1024 * 1024
_PATIENCE_SECONDS_MAX = 60.0
_START_UNREPORTED_SECONDS_MAX = 0.005
"""How long a start waits for an end to be told with: a short task wakes whoever listens once instead of twice."""
_TIDY_SECONDS = 1.0
_CONCLUDE_SECONDS = 0.05
"""Between two looks at what is left of an ended attempt; most often the end of a child tells sooner."""
_CONCLUDE_SECONDS_MAX = 5.0
"""After which a process that does not die of KILL is reported as still running."""


class ProcessHost:
    """One loop over sockets, pipes, ended children and alarms."""

    def __init__(self, control: socket.socket, logs: socket.socket, config: HostConfig) -> None:
        self._config = config
        # Of this process itself, as calls are forked with it.
        os.environ.update(code_variables(config.code_path))
        self._queued: dict[str, Attempt] = {}
        self._runs: dict[str, Run] = {}
        self._by_pid: dict[int, Run] = {}
        """Runs whose main process is not reaped."""
        self._settling: dict[str, Run] = {}
        """Runs whose main process has ended, but maybe not all of their processes."""
        self._litter: list[str] = []
        """Folders that nobody needs any more."""
        self._janitor: int | None = None
        """The child that removes such folders now."""
        self._alarms: Alarms[tuple[str, str]] = Alarms()
        """What is to be done, and for which attempt."""
        self._start_at = 0.0
        """When starts go on, after one was refused."""
        self._refused_in_a_row = 0
        self._close_at: float | None = None
        self._selector = selectors.DefaultSelector()
        self._calls = CallProcesses(self._selector, self._call_ended)
        self._link = Link(control, logs, epoch=config.epoch, selector=self._selector)
        self._pipes: dict[int, Run] = {}
        """Pipes that are not at their end yet."""
        self._is_reading_pipes = True
        self._pid = os.getpid()
        family.own_children()  # opens what it reads from, while a descriptor is left
        self._child_ended = _wake_when_a_child_ends()
        self._selector.register(self._child_ended, selectors.EVENT_READ, self._reap)

    def run(self) -> None:
        """Serves until the scheduler is gone, is silent for too long, or asked for the end."""
        self._link.listen(FrameReader(), self._obey)
        gc.freeze()
        # Before the first attempt arrives: what this process knows when it forks, the task of every call can read.
        self._calls.open()
        self._link.report(READY)
        self._link.send()
        while not self._is_closed():
            self._start_queued()
            self._link.send()
            if self._close_at is None:
                self._calls.prepare()
            failpoint("host.turn")
            self._heed_backlog()
            if self._link.is_deserted:
                self._begin_close(0.0)
            for key, _ in self._selector.select(self._patience()):
                key.data()
            if monotonic() - self._link.heard_at > self._config.self_fence_seconds:
                # Nobody may know any more what runs here; the guard ends it before another scheduler starts it again.
                os._exit(FENCED_EXIT_CODE)
            self._notify()
        self._link.drain()
        os._exit(0)

    def _obey(self, messages: Sequence[Any]) -> None:
        for message in messages:
            match message[0]:
                case "attempt":
                    attempt = decode_attempt(message)
                    self._queued[attempt.attempt_id] = attempt
                    failpoint("host.ordered")
                case "cancel":
                    self._cancel(message[1])
                case "ping":
                    self._link.report(b'["pong"]')
                case "close":
                    self._begin_close(message[1])

    def _cancel(self, attempt_id: str) -> None:
        if self._queued.pop(attempt_id, None) is not None:
            self._link.report(encode_finished(attempt_id, cancelled(), log_bytes=0))
        elif attempt_id in self._runs:
            self._stop(self._runs[attempt_id], cancelled())

    def _begin_close(self, grace_seconds: float) -> None:
        """Start nothing more, stop what still runs after the grace. Doing it again can only shorten the grace."""
        for attempt_id in self._queued:
            self._link.report(encode_finished(attempt_id, interrupted(), log_bytes=0))
        self._queued.clear()
        close_at = monotonic() + grace_seconds
        if self._close_at is None or close_at < self._close_at:
            self._close_at = close_at
            self._alarms.set(close_at, ("interrupt", ""))

    def _is_closed(self) -> bool:
        return self._close_at is not None and not self._runs

    def _patience(self) -> float:
        """Seconds until there is something to do without being told."""
        until = [self._link.heard_at + self._config.self_fence_seconds, self._link.send_at, self._alarms.next_at()]
        seconds = min(at for at in until if at is not None) - monotonic()
        return min(max(0.0, seconds) + 0.001, _PATIENCE_SECONDS_MAX)

    def _notify(self) -> None:
        for what, attempt_id in self._alarms.due(monotonic()):
            run = self._runs.get(attempt_id)
            if what == "interrupt":
                for each in list(self._runs.values()):
                    self._stop(each, interrupted())
            elif what == "tidy":
                self._tidy()
            elif run is None:
                continue
            elif what == "timeout":
                assert run.attempt.timeout is not None
                self._stop(run, timed_out(run.attempt.timeout))
            elif what == "flush":
                run.is_flush_due = False
                run.log.flush()
            elif what == "settle":
                self._conclude(run)

    # -- the way of one attempt: start, stop, end, settle, finish

    def _start_queued(self) -> None:
        while self._queued and len(self._runs) < self._config.concurrency and monotonic() >= self._start_at:
            attempt_id = next(iter(self._queued))
            self._start(self._queued.pop(attempt_id))

    def _start(self, attempt: Attempt) -> None:
        folder = os.path.join(self._config.folder, attempt.attempt_id)
        work = Work(attempt=attempt, folder=folder, http_allow=self._config.http_allow)
        try:
            plan = tasks.plan(work)
            if isinstance(plan, Result):
                self._link.report(encode_started(attempt.attempt_id, self._pid))
                self._link.report(encode_finished(attempt.attempt_id, plan, log_bytes=0))
                return
            failpoint("host.spawn.before")
            run = start(
                work,
                plan,
                environ=os.environ,
                code_path=self._config.code_path,
                fork=self._calls.take,
                emit=self._link.log,
            )
        except Refused as exc:
            self._refuse(attempt, exc)
            return
        except TaskEnded as exc:
            self._discard_folder(folder)
            self._link.report(encode_finished(attempt.attempt_id, _masked(exc.result, attempt), log_bytes=0))
            return
        self._refused_in_a_row = 0
        self._runs[attempt.attempt_id] = self._by_pid[run.pid] = run
        failpoint("host.spawn.done")
        self._watch(run)
        self._link.report(encode_started(attempt.attempt_id, run.pid), patience=_START_UNREPORTED_SECONDS_MAX)
        if attempt.timeout is not None:
            self._alarms.set(monotonic() + attempt.timeout.total_seconds(), ("timeout", attempt.attempt_id))

    def _refuse(self, attempt: Attempt, why: Refused) -> None:
        """Keep an attempt that this machine has no room for. All starts wait: the next one would be refused too."""
        self._queued[attempt.attempt_id] = attempt
        pause = PAUSE_SECONDS[min(self._refused_in_a_row, len(PAUSE_SECONDS) - 1)]
        self._refused_in_a_row += 1
        self._start_at = monotonic() + pause
        self._alarms.set(self._start_at, ("start", ""))
        self._link.report(encode_refused(attempt.attempt_id, why))

    def _stop(self, run: Run, result: Result) -> None:
        """TERM now, KILL after the grace. The first reason stands; an attempt that has ended is left alone."""
        if run.stop is not None or run.exit_code is not None:
            return
        failpoint("host.stop.before")
        run.stop = result
        run.kill_at = monotonic() + run.attempt.cancel_grace.total_seconds()
        # CONT, because a process that was halted would not see the TERM.
        run.signal_tree(signal.SIGTERM, signal.SIGCONT)
        failpoint("host.stop.done")
        _signal_all(self._left_of(run), signal.SIGTERM)
        self._alarms.set(run.kill_at, ("settle", run.attempt.attempt_id))

    def _reap(self) -> None:
        """Takes in every child that has ended: programs, orphans of descendants, the janitor, the zygote. Calls are the
        zygote's children, unless it is gone."""
        with contextlib.suppress(BlockingIOError):
            os.read(self._child_ended, 4096)
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                break
            if pid == self._janitor:
                self._janitor = None
            self._end_with_fork_server(pid)
            self._calls.forget(pid)
            self._note_end(pid, status)
        self._conclude_all()

    def _end_with_fork_server(self, pid: int) -> None:
        """End this host when its fork server died under running calls: these die too, and one of them may be the cause.
        The scheduler then treats all attempts here as it treats those of any host that died."""
        ended = self._by_pid.get(pid)
        # Calls are children of the fork server, so this process gets their ends only when the fork server is gone.
        dying = [ended] if ended else list(self._by_pid.values()) if pid == self._calls.fork_server_pid else []
        if any(_is_unanswered_call(run) for run in dying):
            self._link.drain()
            signal.raise_signal(signal.SIGKILL)

    def _call_ended(self, pid: int, status: int) -> None:
        self._note_end(pid, status)
        self._conclude_all()

    def _note_end(self, pid: int, status: int) -> None:
        run = self._by_pid.pop(pid, None)
        if run is not None:
            failpoint("host.reaped")
            run.exit_code, run.ended_at = os.waitstatus_to_exitcode(status), monotonic()
            self._settling[run.attempt.attempt_id] = run

    def _conclude_all(self) -> None:
        for run in list(self._settling.values()):
            self._conclude(run)

    def _conclude(self, run: Run) -> None:
        """Finish a run once nothing of it is left. What is left is killed, after the grace if the run was stopped: the
        main process first, then its orphans, then theirs, each a child of this process by then."""
        left = self._left_of(run) if run.exit_code is not None else [run.pid]
        now = monotonic()
        if now >= run.kill_at:
            _signal_all(left, signal.SIGKILL)
        if left and now < max(run.ended_at, run.kill_at) + _CONCLUDE_SECONDS_MAX:
            self._alarms.set(now + _CONCLUDE_SECONDS, ("settle", run.attempt.attempt_id))
        elif run.is_over:
            self._forget(run, left)
        else:
            self._finish(run, left)

    def _left_of(self, run: Run) -> list[int]:
        """Orphans that belong to a run. All of them are our children, so their numbers cannot mean others."""
        return [
            pid
            for pid in self._orphans()
            if family.group_of(pid) == run.pid
            or family.attempt_of(pid) == run.attempt.attempt_id
            or family.is_ending(pid)
        ]

    def _orphans(self) -> list[int]:
        ours = {self._janitor, self._calls.fork_server_pid}
        return [pid for pid in family.own_children() if pid not in self._by_pid and pid not in ours]

    def _finish(self, run: Run, left: list[int]) -> None:
        """Report the end. With something `left` that does not die, go on looking for its end."""
        self._unwatch(run)
        run.close_pipes()
        try:
            result = _masked(_result_of(run), run.attempt)
        except Refused as exc:
            self._alarms.set(monotonic() + PAUSE_SECONDS[-1], ("settle", run.attempt.attempt_id))
            self._link.report(encode_refused(run.attempt.attempt_id, exc))
            return
        log_bytes = run.log.close()
        attempt_id = run.attempt.attempt_id
        failpoint("host.finish.before")
        self._link.report(encode_finished(attempt_id, result, log_bytes=log_bytes, still_running=bool(left)))
        run.is_over, run.was_left = True, bool(left)
        if left:
            self._alarms.set(monotonic() + _CONCLUDE_SECONDS_MAX, ("settle", attempt_id))
        else:
            self._forget(run, left)

    def _forget(self, run: Run, left: list[int]) -> None:
        if left:
            self._alarms.set(monotonic() + _CONCLUDE_SECONDS_MAX, ("settle", run.attempt.attempt_id))
            return
        if run.was_left:
            self._link.report(encode_stopped(run.attempt.attempt_id))
        del self._runs[run.attempt.attempt_id]
        self._settling.pop(run.attempt.attempt_id, None)
        self._discard_folder(run.work.folder)
        if not self._runs:
            # A daemon that left its session and cleared its environment belongs to some attempt that is over.
            _signal_all(self._orphans(), signal.SIGKILL)

    def _discard_folder(self, folder: str) -> None:
        """Have it removed soon, together with others: a file system may take its time for each."""
        if not self._litter:
            self._alarms.set(monotonic() + _TIDY_SECONDS, ("tidy", ""))
        self._litter.append(folder)

    def _tidy(self) -> None:
        """Remove what is discarded, in a child: this thread has no time for it."""
        if self._janitor is not None or self._link.has_reports:
            # The folder of an attempt stays until its end is reported: it shows that the attempt has begun.
            self._alarms.set(monotonic() + _TIDY_SECONDS, ("tidy", ""))
            return
        try:
            self._janitor = os.fork()
        except OSError:
            self._alarms.set(monotonic() + _TIDY_SECONDS, ("tidy", ""))
            return
        if self._janitor == 0:
            try:
                family.die_with_parent(self._pid)
                for folder in self._litter:
                    _remove(folder)
            finally:
                os._exit(0)
        self._litter.clear()

    # -- pipes

    def _watch(self, run: Run) -> None:
        self._pipes[run.pipe] = run
        if self._is_reading_pipes:
            self._selector.register(run.pipe, selectors.EVENT_READ, partial(self._read_pipe, run))
        if run.status_pipe >= 0:
            self._selector.register(run.status_pipe, selectors.EVENT_READ, partial(self._read_status, run))

    def _read_pipe(self, run: Run) -> None:
        if run.is_over or run.pipe < 0:  # within the same round
            return
        if run.read_pipe() == 0:
            self._stop_reading(run.pipe)
        elif run.log.is_dirty and not run.is_flush_due:
            run.is_flush_due = True
            self._alarms.set(monotonic() + FLUSH_SECONDS, ("flush", run.attempt.attempt_id))

    def _read_status(self, run: Run) -> None:
        if not run.is_over and run.status_pipe >= 0 and run.read_status() == 0:
            self._selector.unregister(run.status_pipe)

    def _stop_reading(self, pipe: int) -> None:
        if self._pipes.pop(pipe, None) is not None and self._is_reading_pipes:
            self._selector.unregister(pipe)

    def _unwatch(self, run: Run) -> None:
        if run.pipe < 0:
            return
        self._stop_reading(run.pipe)
        if run.status_pipe >= 0:
            with contextlib.suppress(KeyError):
                self._selector.unregister(run.status_pipe)

    def _heed_backlog(self) -> None:
        """While the scheduler does not take the log, the pipes are left full, and those who write to them wait."""
        backlog = self._link.log_backlog_bytes
        if self._is_reading_pipes and backlog > _LOG_BACKLOG_BYTES_MAX:
            self._is_reading_pipes = False
            for pipe in self._pipes:
                self._selector.unregister(pipe)
        elif not self._is_reading_pipes and backlog < _LOG_BACKLOG_BYTES_MAX // 4:
            self._is_reading_pipes = True
            for pipe, run in self._pipes.items():
                self._selector.register(pipe, selectors.EVENT_READ, partial(self._read_pipe, run))


def _signal_all(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _remove(folder: str) -> None:
    with contextlib.suppress(OSError):
        os.rmdir(folder)  # most tasks leave nothing in it
        return
    # Imported only here: what it brings with it would be copied for every call.
    import shutil

    shutil.rmtree(folder, onerror=_open_and_try_again)


def _open_and_try_again(function: Callable[[str], object], path: str, _: object) -> None:
    """A task may have taken the rights to its own folder away."""
    with contextlib.suppress(OSError):
        os.chmod(os.path.dirname(path), 0o700)
        function(path)


def _wake_when_a_child_ends() -> int:
    """A descriptor that becomes readable whenever a child has ended."""
    reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    return reader


def _is_unanswered_call(run: Run) -> bool:
    if not isinstance(run.plan, Call) or run.stop is not None:
        return False
    while run.read_status():
        pass
    return not run.status


def _result_of(run: Run) -> Result:
    """What a run ends with. What a task left behind must cost only its own attempt, whatever it is."""
    try:
        return run.result()
    except Refused:
        raise
    except Exception as exc:
        traceback.print_exc()
        return failed(StateReason.EXCEPTION, f"the result of the task cannot be read: {type(exc).__name__}: {exc}")


def _masked(result: Result, attempt: Attempt) -> Result:
    """`result` without the secrets that its message may quote."""
    if result.message is None or not attempt.secrets:
        return result
    return replace(result, message=Masker(attempt.secrets.values()).mask(result.message))
