"""Runs each attempt in a process group of its own. One thread starts, watches, stops and reaps all processes.

A callable runs in a process that the fork server forks; only that process imports the user's modules. When the main
process of an attempt ends, the host kills the rest of its group, as a container does. Descendants that left the group
become children of the host, which adopts orphans. The attempt id in their environment shows their attempt.
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
from mainspring_executors.host import process_tree
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
"""How long the report of a start waits for the report of an end. A short task then wakes the scheduler or the worker
once instead of twice."""
_TIDY_SECONDS = 1.0
_CONCLUDE_SECONDS = 0.05
"""Pause between two looks at the remaining processes of an ended attempt. SIGCHLD usually comes earlier."""
_CONCLUDE_SECONDS_MAX = 5.0
"""The host reports a process as still running when it survives KILL for this long."""


class ProcessHost:
    """One loop over sockets, pipes, ended children and alarms."""

    def __init__(self, control: socket.socket, logs: socket.socket, config: HostConfig) -> None:
        self._config = config
        # In the environment of this process, because calls inherit it by fork.
        os.environ.update(code_variables(config.code_path))
        self._queued: dict[str, Attempt] = {}
        self._runs: dict[str, Run] = {}
        self._by_pid: dict[int, Run] = {}
        """Pid of the main process -> run, until the main process is reaped."""
        self._settling: dict[str, Run] = {}
        """Runs whose main process has ended. Other processes of them may still run."""
        self._discarded_folders: list[str] = []
        """Folders of finished attempts, to remove."""
        self._janitor: int | None = None
        """Pid of the child that removes discarded folders; None while there is none."""
        self._alarms: Alarms[tuple[str, str]] = Alarms()
        """(action, attempt id)."""
        self._start_at = 0.0
        """When starts go on after a refused start."""
        self._refused_in_a_row = 0
        self._close_at: float | None = None
        self._selector = selectors.DefaultSelector()
        self._calls = CallProcesses(self._selector, self._call_ended)
        self._link = Link(control, logs, epoch=config.epoch, selector=self._selector)
        self._pipes: dict[int, Run] = {}
        """Descriptor -> run, of pipes that are not at their end yet."""
        self._is_reading_pipes = True
        self._pid = os.getpid()
        process_tree.own_children()  # opens its file now, because later there may be no free descriptor
        self._child_ended = _wake_when_a_child_ends()
        self._selector.register(self._child_ended, selectors.EVENT_READ, self._reap)

    def run(self) -> None:
        """Serve until the scheduler is gone, is silent for too long, or sends `close`."""
        self._link.listen(FrameReader(), self._obey)
        gc.freeze()
        # Before the first attempt arrives: every call inherits the memory that this process has at the fork. Later that
        # memory holds the payloads and secrets of other attempts.
        self._calls.open()
        self._link.report(READY)
        self._link.send()
        while not self._is_closed():
            self._start_queued()
            self._link.send()
            if self._close_at is None:
                self._calls.prepare()
            failpoint("host.turn")
            self._throttle_log()
            if self._link.is_deserted:
                self._begin_close(0.0)
            for key, _ in self._selector.select(self._patience()):
                key.data()
            if monotonic() - self._link.heard_at > self._config.self_fence_seconds:
                # The scheduler may have given this host up. The guard kills the tasks before a scheduler starts them
                # again elsewhere.
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
        """Start no further attempt, and stop the running attempts after the grace. Repetition can only shorten it."""
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
        """Seconds until the next timer."""
        until = [self._link.heard_at + self._config.self_fence_seconds, self._link.send_at, self._alarms.next_at()]
        seconds = min(at for at in until if at is not None) - monotonic()
        return min(max(0.0, seconds) + 0.001, _PATIENCE_SECONDS_MAX)

    def _notify(self) -> None:
        for action, attempt_id in self._alarms.due(monotonic()):
            run = self._runs.get(attempt_id)
            if action == "interrupt":
                for running in list(self._runs.values()):
                    self._stop(running, interrupted())
            elif action == "tidy":
                self._tidy()
            elif run is None:
                continue
            elif action == "timeout":
                assert run.attempt.timeout is not None
                self._stop(run, timed_out(run.attempt.timeout))
            elif action == "flush":
                run.is_flush_due = False
                run.log.flush()
            elif action == "settle":
                self._conclude(run)

    # -- the way of one attempt: start, stop, end, settle, finish

    def _start_queued(self) -> None:
        while self._queued and len(self._runs) < self._config.concurrency and monotonic() >= self._start_at:
            attempt_id = next(iter(self._queued))
            self._start(self._queued.pop(attempt_id))

    def _start(self, attempt: Attempt) -> None:
        folder = os.path.join(self._config.folder, attempt.attempt_id)
        work = Work(
            attempt=attempt, folder=folder, http_allow=self._config.http_allow, values_folder=self._config.folder
        )
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
        """Keep an attempt that this machine has no room for. All starts wait: another start would be refused too."""
        self._queued[attempt.attempt_id] = attempt
        pause = PAUSE_SECONDS[min(self._refused_in_a_row, len(PAUSE_SECONDS) - 1)]
        self._refused_in_a_row += 1
        self._start_at = monotonic() + pause
        self._alarms.set(self._start_at, ("start", ""))
        self._link.report(encode_refused(attempt.attempt_id, why))

    def _stop(self, run: Run, result: Result) -> None:
        """Send TERM now and KILL after the grace. The first reason stands. Does nothing once the main process ended."""
        if run.stop is not None or run.exit_code is not None:
            return
        failpoint("host.stop.before")
        run.stop = result
        run.kill_at = monotonic() + run.attempt.cancel_grace.total_seconds()
        # CONT, because a stopped process does not handle the TERM.
        run.signal_tree(signal.SIGTERM, signal.SIGCONT)
        failpoint("host.stop.done")
        _signal_all(self._remaining(run), signal.SIGTERM)
        self._alarms.set(run.kill_at, ("settle", run.attempt.attempt_id))

    def _reap(self) -> None:
        """Reap every ended child: programs, adopted orphans, the janitor, the fork server.

        Calls are children of the fork server; they become children of this process only when the fork server is gone.
        """
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
        """End this host when its fork server died under running calls.

        These calls die too, and one of them may be the cause. The scheduler then treats the attempts here like those of
        any dead host.
        """
        ended_run = self._by_pid.get(pid)
        # Calls are children of the fork server, so this process gets their ends only when the fork server is gone.
        dying = [ended_run] if ended_run else []
        if ended_run is None and pid == self._calls.fork_server_pid:
            dying = list(self._by_pid.values())
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
        """Finish a run once no process of it remains.

        Kills the remaining processes, after the grace if the run was stopped. First the main process dies, then its
        orphans, then the orphans of these: each is a child of this process by then.
        """
        remaining = self._remaining(run) if run.exit_code is not None else [run.pid]
        now = monotonic()
        if now >= run.kill_at:
            _signal_all(remaining, signal.SIGKILL)
        if remaining and now < max(run.ended_at, run.kill_at) + _CONCLUDE_SECONDS_MAX:
            self._alarms.set(now + _CONCLUDE_SECONDS, ("settle", run.attempt.attempt_id))
        elif run.is_over:
            self._forget(run, remaining)
        else:
            self._finish(run, remaining)

    def _remaining(self, run: Run) -> list[int]:
        """Orphans of a run. They are unreaped children of this process, so the kernel has not reused their pids."""
        return [
            pid
            for pid in self._orphans()
            if process_tree.group_of(pid) == run.pid
            or process_tree.attempt_of(pid) == run.attempt.attempt_id
            or process_tree.is_ending(pid)
        ]

    def _orphans(self) -> list[int]:
        host_pids = {self._janitor, self._calls.fork_server_pid}
        return [pid for pid in process_tree.own_children() if pid not in self._by_pid and pid not in host_pids]

    def _finish(self, run: Run, remaining: list[int]) -> None:
        """Report the end. Keep watching `remaining` processes that do not die."""
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
        self._link.report(encode_finished(attempt_id, result, log_bytes=log_bytes, still_running=bool(remaining)))
        run.is_over, run.has_survivors = True, bool(remaining)
        if remaining:
            self._alarms.set(monotonic() + _CONCLUDE_SECONDS_MAX, ("settle", attempt_id))
        else:
            self._forget(run, remaining)

    def _forget(self, run: Run, remaining: list[int]) -> None:
        if remaining:
            self._alarms.set(monotonic() + _CONCLUDE_SECONDS_MAX, ("settle", run.attempt.attempt_id))
            return
        if run.has_survivors:
            self._link.report(encode_stopped(run.attempt.attempt_id))
        del self._runs[run.attempt.attempt_id]
        self._settling.pop(run.attempt.attempt_id, None)
        self._discard_folder(run.work.folder)
        if not self._runs:
            # A daemon that left its session and cleared its environment belongs to one of the finished attempts.
            _signal_all(self._orphans(), signal.SIGKILL)

    def _discard_folder(self, folder: str) -> None:
        """Have a folder removed later, in a batch: a file system may be slow."""
        if not self._discarded_folders:
            self._alarms.set(monotonic() + _TIDY_SECONDS, ("tidy", ""))
        self._discarded_folders.append(folder)

    def _tidy(self) -> None:
        """Remove the discarded folders in a child: this thread must not wait for the file system."""
        if self._janitor is not None or self._link.has_reports:
            # A folder shows that its attempt has begun. It stays until the end of the attempt is reported.
            self._alarms.set(monotonic() + _TIDY_SECONDS, ("tidy", ""))
            return
        try:
            self._janitor = os.fork()
        except OSError:
            self._alarms.set(monotonic() + _TIDY_SECONDS, ("tidy", ""))
            return
        if self._janitor == 0:
            try:
                process_tree.die_with_parent(self._pid)
                for folder in self._discarded_folders:
                    _remove(folder)
            finally:
                os._exit(0)
        self._discarded_folders.clear()

    # -- pipes

    def _watch(self, run: Run) -> None:
        self._pipes[run.pipe] = run
        if self._is_reading_pipes:
            self._selector.register(run.pipe, selectors.EVENT_READ, partial(self._read_pipe, run))
        if run.status_pipe >= 0:
            self._selector.register(run.status_pipe, selectors.EVENT_READ, partial(self._read_status, run))

    def _read_pipe(self, run: Run) -> None:
        if run.is_over or run.pipe < 0:  # an earlier callback of this round has finished the run
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

    def _throttle_log(self) -> None:
        """Stop reading the pipes while the scheduler does not take the log. Tasks then block when they write to a full
        pipe, so this process does not collect their output in memory."""
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
    # Imported only in the janitor: an import in the host would enlarge the memory of every call.
    import shutil

    shutil.rmtree(folder, onerror=_open_and_try_again)


def _open_and_try_again(function: Callable[[str], object], path: str, _: object) -> None:
    """Restore the rights to a folder that a task has made unreadable, and repeat the removal."""
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
    """The result of a run. Raises only `Refused`: broken output of a task must cost only its own attempt."""
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
