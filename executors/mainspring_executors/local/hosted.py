"""The base of `thread` and `local`: attempts run in task hosts, which are child processes of the scheduler."""

import contextlib
import logging
import os
import select
import socket
import sys
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import monotonic

import orjson

from mainspring.attempts import Attempt, Finished, Outcome, Report, Started
from mainspring.errors import ExecutorError
from mainspring.large_values import value_id
from mainspring.states import StateReason
from mainspring_executors.contract import AttemptLocation, Capabilities, Refusals, SubmitResult, Submitted
from mainspring_executors.local.host_opening import HostOpener
from mainspring_executors.local.host_process import HostProcess
from mainspring_executors.local.report_order import ReportSequencer
from mainspring_executors.local.suspects import Suspects, key_of
from mainspring_executors.local.tracked_attempt import HostMode, Refusal, TrackedAttempt, encode_for_host
from mainspring_executors.local.value_folder import take_over
from mainspring_executors.protocol.refusals import is_refusal, refusal_of
from mainspring_executors.protocol.results import Result, cancelled, host_killed, host_lost, interrupted, lost
from mainspring_executors.protocol.wire import SEQ_STARTED, decode_report
from mainspring_executors.settings import ExecutorSettings

__all__ = ["HostedExecutor"]

_PREFETCH_MIN = 64
"""Attempts that wait in a host beyond the running attempts, so that a free slot gets its next attempt at once."""
_FINISHED_REMEMBERED = 20_000
"""Ids of finished attempts, for `recover` and against a second submit."""
_RESTART_SECONDS = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Pauses before the next start of a host, by the number of hosts in a row that died before their first message."""
_REFUSAL_SECONDS = 15.0
"""How long `refusals` shows a refusal. A host without room repeats its refusal sooner."""
_OLD_HOSTS_MAX = 4
_TEND_SECONDS = 0.5
_CLOSE_TURN_SECONDS = 0.05
_STOP_SECONDS_EXTRA = 10.0
"""Time for kills and last reports in `close`, beyond the graces."""

_log = logging.getLogger(__name__)


class HostedExecutor:
    """An executor whose attempts run in task hosts. `place` decides in which kind of host an attempt runs.

    - When a host dies, its attempts are lost. The executor reports the loss once no process of the host is left, and
      starts a new host for further attempts.
    - A task that ran in two dying hosts is a suspect and runs alone.
    - When half of the slots of a host hold code that cannot be stopped, the executor replaces the host. The old host
      gets no new attempts, and the executor kills it when no healthy attempt is left in it.
    """

    capabilities: Capabilities
    main_mode: HostMode
    """The kind of host that starts at once. A host of the other kind starts when an attempt needs it."""

    def __init__(self, settings: ExecutorSettings, *, concurrency: int) -> None:
        settings.validate()
        if not os.path.exists("/proc/thread-self/children"):
            raise ExecutorError(
                f"task hosts need Linux with /proc/thread-self/children (CONFIG_PROC_CHILDREN); this is {sys.platform}"
            )
        self._settings = settings
        self._concurrency = settings.concurrency or concurrency
        self._opener = HostOpener(settings)
        self._poller = select.epoll()
        self._nudge = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._poller.register(self._nudge, select.EPOLLIN)
        self._hosts: dict[HostMode, HostProcess] = {}
        """The host of each mode that takes new attempts."""
        self._old_hosts: list[HostProcess] = []
        """Retiring hosts, and lost hosts whose processes may still run."""
        self._failed_starts: dict[HostMode, int] = {}
        self._restart_at: dict[HostMode, float] = {}
        self._tracked: dict[str, TrackedAttempt] = {}
        self._waiting: dict[str, TrackedAttempt] = {}
        """Tracked attempts without a host, suspects excepted."""
        self._refusal_count = 0
        self._refusal: Refusal | None = None
        self._suspects = Suspects()
        self._waiting_alone: dict[str, TrackedAttempt] = {}
        """Suspects that have no host yet."""
        self._single_hosts: set[HostProcess] = set()
        """Hosts of one suspect each. They are among the old hosts too, because they take no further attempt."""
        self._finished: OrderedDict[str, None] = OrderedDict()
        self._ready: list[Report] = []
        self._hostname = socket.gethostname()
        self._is_closing = self._is_closed = False
        # Ready before the first attempt needs it.
        self._start(self.main_mode)

    def place(self, attempt: Attempt) -> HostMode:
        """The kind of host that runs `attempt`. Raises `ExecutorError` when none can."""
        raise NotImplementedError

    # -- the contract

    def submit(self, attempts: Sequence[Attempt]) -> Sequence[Submitted]:
        if self._is_closing:
            raise ExecutorError("the executor is closed; open another one")
        outgoing: dict[HostMode, list[TrackedAttempt]] = {}
        answers = [self._accept(attempt, outgoing) for attempt in attempts]
        for mode, tracked in outgoing.items():
            self._send(mode, tracked)
        return answers

    def reports(self, timeout: float) -> Sequence[Report]:
        deadline = monotonic() + timeout
        while True:
            self._turn()
            patience = deadline - monotonic()
            if self._ready or self._is_closed or patience <= 0:
                break
            self._poller.poll(min(patience, _TEND_SECONDS))
        if not self._is_closed:
            with contextlib.suppress(BlockingIOError):
                os.eventfd_read(self._nudge)
        ready, self._ready = self._ready, []
        return ready

    def fileno(self) -> int:
        return self._poller.fileno()

    def cancel(self, attempt_ids: Sequence[str]) -> None:
        outgoing: dict[HostProcess, list[bytes]] = {}
        for attempt_id in attempt_ids:
            tracked = self._tracked.get(attempt_id)
            if tracked is None:
                continue
            tracked.is_cancelled = True
            if tracked.host is None:
                self._conclude(tracked, cancelled())
            else:
                outgoing.setdefault(tracked.host, []).append(orjson.dumps(["cancel", attempt_id]))
        for host, messages in outgoing.items():
            host.send(messages)
        self._nudge_reader()

    def recover(self, attempt_ids: Sequence[str]) -> Mapping[str, AttemptLocation]:
        return {attempt_id: self._location(attempt_id) for attempt_id in attempt_ids}

    def capacity(self) -> int:
        if self._is_closing or self._waiting:
            return 0
        in_flight = len(self._tracked)
        if self._old_hosts:
            in_flight -= sum(tracked.host in self._old_hosts for tracked in self._tracked.values())
        return max(0, self._concurrency + max(_PREFETCH_MIN, 4 * self._concurrency) - in_flight)

    def headroom(self) -> float:
        return float("inf") if len(self._tracked) > 2 * self._concurrency else 0.0

    def close(self, grace: timedelta) -> None:
        if self._is_closing:
            return
        self._is_closing = True
        for tracked in (*self._waiting.values(), *self._waiting_alone.values()):
            self._conclude(tracked, interrupted())
        graces = [tracked.attempt.cancel_grace for tracked in self._tracked.values()]
        deadline = monotonic() + (grace + max(graces, default=timedelta())).total_seconds() + _STOP_SECONDS_EXTRA
        self._retire_all(grace)
        while self._old_hosts:
            if monotonic() >= deadline:
                for host in self._old_hosts:
                    host.lose("it did not close in time")
            self._turn()
            self._poller.poll(_CLOSE_TURN_SECONDS)
        self._is_closed = True
        self._poller.close()
        os.close(self._nudge)
        self._opener.close()

    def kill(self, why: str) -> None:
        """Kill every host with all its attempts, without the attempts' graces. The attempts end as lost.

        For an owner that has no time left. Attempts submitted afterwards run in new hosts.
        """
        for host in (*self._hosts.values(), *self._old_hosts):
            host.lose(why)

    # -- attempts on their way in

    def _accept(self, attempt: Attempt, outgoing: dict[HostMode, list[TrackedAttempt]]) -> Submitted:
        attempt_id = attempt.attempt_id
        if attempt_id in self._tracked or attempt_id in self._finished:
            return Submitted(attempt_id=attempt_id, result=SubmitResult.ACCEPTED)
        try:
            order = encode_for_host(attempt, keeps_large=self._settings.values_dir is not None)
            tracked = TrackedAttempt(attempt, self.place(attempt), order, ReportSequencer(attempt_id))
        except ExecutorError as exc:
            return Submitted(attempt_id=attempt_id, result=SubmitResult.REJECTED, detail=str(exc))
        self._tracked[attempt_id] = tracked
        key = key_of(attempt)
        if self._suspects.is_suspect(key):
            self._hold_back(tracked, self._suspects.pause_seconds(key))
        else:
            outgoing.setdefault(tracked.mode, []).append(tracked)
        return Submitted(attempt_id=attempt_id, result=SubmitResult.ACCEPTED)

    def _send(self, mode: HostMode, attempts: Sequence[TrackedAttempt]) -> None:
        """Send attempts to the host of this mode. Without a host, they wait for its next start."""
        host = self._hosts.get(mode) or self._start(mode)
        for tracked in attempts:
            tracked.host = host
            if host is None:
                self._waiting[tracked.attempt.attempt_id] = tracked
            else:
                self._waiting.pop(tracked.attempt.attempt_id, None)
        if host is not None:
            host.send([tracked.order for tracked in attempts])

    def _start(self, mode: HostMode) -> HostProcess | None:
        """Start the host of a mode; `None` when the start failed or must wait."""
        if self._is_closing or monotonic() < self._restart_at.get(mode, 0.0):
            return None
        host = self._open_host(mode, self._concurrency)
        if host is None:
            self._pause_starts(mode)
        else:
            self._hosts[mode] = host
        return host

    def _open_host(self, mode: HostMode, concurrency: int) -> HostProcess | None:
        """Start a host; `None` when the machine cannot start one now."""
        try:
            return self._opener.open(mode, concurrency, self._poller)
        except OSError as exc:
            _log.warning("task host not started: cause=%s", exc)
            if is_refusal(exc):
                self._note_refusal(str(refusal_of(exc)), None)
            return None

    # -- one turn: incoming messages and timers

    def _turn(self) -> None:
        for mode, host in list(self._hosts.items()):
            self._take_in(host)
            if host.is_lost and self._hosts.get(mode) is host:
                self._replace_lost(mode, host)
        for host in list(self._old_hosts):
            self._take_in(host)
            if host.is_gone:
                self._old_hosts.remove(host)
                self._give_up(host)
                self._single_hosts.discard(host)
            elif not host.is_closing:
                self._discard_when_idle(host)
        if self._waiting:
            for mode in {tracked.mode for tracked in self._waiting.values()}:
                self._send(mode, [tracked for tracked in self._waiting.values() if tracked.mode is mode])
        if self._waiting_alone:
            self._start_suspects()

    def _take_in(self, host: HostProcess) -> None:
        messages, chunks = host.read()
        for message in messages:
            if message[0] in ("started", "finished", "stopped"):
                self._take_report(host, decode_report(message, hostname=self._hostname))
            elif message[0] == "returned":
                self._take_back(message[1])
            elif message[0] == "outdated":
                self._replace_outdated(host, message[1])
            elif message[0] == "refused":
                self._note_refusal(message[2], self._tracked.get(message[1]))
        for chunk in chunks:
            self._take_report(host, chunk)
        host.tend()

    def _take_report(self, host: HostProcess, report: Report) -> None:
        tracked = self._tracked.get(report.attempt_id)
        # Ignore reports of an attempt's former host.
        if tracked is None or tracked.host is not host:
            return
        if isinstance(report, Finished) and report.large and not tracked.delivery.is_ending:
            report = self._with_own_files(report, host)
        self._ready += tracked.delivery.take(report)
        tracked.refusal = None
        if tracked.delivery.is_finished:
            self._suspects.acquit(key_of(tracked.attempt))
        if tracked.delivery.is_done:
            self._forget(tracked)
        elif tracked.delivery.is_finished and not tracked.kill_due_at:
            tracked.kill_due_at = monotonic() + tracked.attempt.cancel_grace.total_seconds()
            self._retire_when_half_stuck(host, tracked.mode)

    def _with_own_files(self, report: Finished, host: HostProcess) -> Finished:
        """The report with its large outputs in files of the owner: the folder of the host may go at any time."""
        assert self._settings.values_dir is not None
        try:
            large = {
                name: replace(
                    # Code of users may have changed the host: a file name or an id of its choice could be that of
                    # another task.
                    take_over(value, host.folder, self._settings.values_dir / f"out-{report.attempt_id}-{position}"),
                    id=value_id(report.attempt_id, name),
                )
                for position, (name, value) in enumerate(report.large.items())
            }
        except ExecutorError as exc:
            return replace(
                report, outcome=Outcome.FAILED, reason=StateReason.EXCEPTION, message=str(exc), outputs={}, large={}
            )
        return replace(report, large=large)

    def _take_back(self, attempt_ids: Sequence[str]) -> None:
        """Queue attempts again that their host did not start."""
        for attempt_id in attempt_ids:
            tracked = self._tracked[attempt_id]
            tracked.host = None
            if tracked.starts_alone:
                self._hold_back(tracked, _RESTART_SECONDS[-1])
            else:
                self._waiting[attempt_id] = tracked
            if tracked.is_cancelled:
                self._conclude(tracked, cancelled())

    # -- the ends of hosts

    def _replace_lost(self, mode: HostMode, host: HostProcess) -> None:
        """Replace a lost host: at once, or after a pause when several hosts died at their start."""
        del self._hosts[mode]
        self._old_hosts.append(host)
        if host.is_ready:
            self._failed_starts[mode] = 0
            self._start(mode)
        else:
            self._pause_starts(mode)

    def _pause_starts(self, mode: HostMode) -> None:
        self._failed_starts[mode] = failed = self._failed_starts.get(mode, 0) + 1
        self._restart_at[mode] = monotonic() + _RESTART_SECONDS[min(failed, len(_RESTART_SECONDS)) - 1]

    def _retire_when_half_stuck(self, host: HostProcess, mode: HostMode) -> None:
        stuck_count = sum(tracked.delivery.is_finished for tracked in self._in(host))
        if self._hosts.get(mode) is not host or 2 * stuck_count < self._concurrency:
            return
        _log.warning("task host replaced, attempts cannot be stopped: host=%s attempts=%d", host.epoch, stuck_count)
        self._retire(mode, host)
        stuck = [old for old in self._old_hosts if not old.is_outdated and old not in self._single_hosts]
        if len(stuck) > _OLD_HOSTS_MAX:
            stuck[0].lose("too many hosts wait for code that cannot be stopped")

    def _replace_outdated(self, host: HostProcess, file: str) -> None:
        """Start a new host, which imports the changed code. The running attempts of the old host go on."""
        for mode, current in list(self._hosts.items()):
            if current is host:
                _log.info("task host replaced, imported code has changed: host=%s file=%s", host.epoch, file)
                host.is_outdated = True
                self._retire(mode, host)

    def _retire(self, mode: HostMode, host: HostProcess) -> None:
        del self._hosts[mode]
        self._old_hosts.append(host)
        host.send([b'["retire"]'])
        self._start(mode)

    def _discard_when_idle(self, host: HostProcess) -> None:
        """Kill a retired host when all its attempts are finished and the graces of the stuck attempts are over."""
        now = monotonic()
        if all(tracked.delivery.is_finished and now >= tracked.kill_due_at for tracked in self._in(host)):
            host.discard()

    def _in(self, host: HostProcess) -> list[TrackedAttempt]:
        return [tracked for tracked in self._tracked.values() if tracked.host is host]

    def _retire_all(self, grace: timedelta) -> None:
        self._old_hosts += self._hosts.values()
        self._hosts.clear()
        for host in self._old_hosts:
            if not host.is_lost:
                host.close(grace.total_seconds())

    def _give_up(self, host: HostProcess) -> None:
        """Conclude the attempts of a host that is gone with all its processes."""
        tracked_here = self._in(host)
        if not self._is_closing:
            not_begun = [tracked for tracked in tracked_here if tracked.has_certainly_not_begun]
            self._take_back([tracked.attempt.attempt_id for tracked in not_begun])
        result = interrupted() if host.is_closing else self._loss(host)
        for tracked in self._in(host):
            if host.has_failed:
                self._report_start(tracked)
            self._conclude(tracked, result)
        self._opener.discard_folder(host.folder)

    def _loss(self, host: HostProcess) -> Result:
        """The result of the attempts that ran in a dead host."""
        if not host.has_failed:
            return lost()
        running = [tracked for tracked in self._in(host) if not tracked.delivery.is_ending]
        if self._settings.is_single_task:
            return host_killed(host.exit_code)
        self._suspects.note_loss(key_of(tracked.attempt) for tracked in running)
        return host_killed(host.exit_code) if host in self._single_hosts else host_lost(host.exit_code)

    def _report_start(self, tracked: TrackedAttempt) -> None:
        """Report the start of an attempt that began in a host that died before it could report the start."""
        if tracked.delivery.is_started or tracked.delivery.is_ending:
            return
        attempt_id = tracked.attempt.attempt_id
        at = datetime.now(UTC)
        if tracked.host is not None:
            with contextlib.suppress(OSError):
                at = datetime.fromtimestamp((tracked.host.folder / attempt_id).stat().st_mtime, UTC)
        started = Started(attempt_id=attempt_id, seq=SEQ_STARTED, at=at, hostname=self._hostname)
        self._ready += tracked.delivery.take(started)

    # -- refusals

    def refusals(self) -> Refusals:
        now = monotonic()
        latest = self._refusal
        is_now = latest is not None and (bool(self._waiting) or now - latest.at < _REFUSAL_SECONDS)
        return Refusals(count=self._refusal_count, cause=latest.cause if latest is not None and is_now else None)

    def refusal_of(self, attempt_id: str) -> Refusal | None:
        """Why an attempt has not started, and since when; `None` without a refusal."""
        tracked = self._tracked.get(attempt_id)
        return None if tracked is None else tracked.refusal

    def _note_refusal(self, cause: str, tracked: TrackedAttempt | None) -> None:
        """Note that this machine has no room for a task now. The attempt stays in its host, which tries again."""
        now = monotonic()
        if self.refusals().cause != cause:
            _log.warning("tasks cannot be started now: cause=%r", cause)
        self._refusal_count += 1
        self._refusal = Refusal(cause, now, now)
        if tracked is not None:
            since = now if tracked.refusal is None else tracked.refusal.since
            tracked.refusal = Refusal(cause, since, now)

    # -- suspects

    def _hold_back(self, tracked: TrackedAttempt, seconds: float) -> None:
        """Have a suspect start alone, after a pause."""
        tracked.starts_alone = True
        tracked.start_at = monotonic() + seconds
        self._waiting_alone[tracked.attempt.attempt_id] = tracked

    def _start_suspects(self) -> None:
        """Start the suspects whose pause is over, each in a host of its own."""
        now = monotonic()
        for attempt_id, tracked in list(self._waiting_alone.items()):
            if tracked.start_at > now or len(self._single_hosts) >= self._concurrency:
                continue
            host = self._open_host(tracked.mode, 1)
            if host is None:
                tracked.start_at = now + _RESTART_SECONDS[-1]
                continue
            del self._waiting_alone[attempt_id]
            self._single_hosts.add(host)
            self._old_hosts.append(host)
            tracked.host = host
            host.send([tracked.order])

    def _conclude(self, tracked: TrackedAttempt, result: Result) -> None:
        self._ready += tracked.delivery.conclude(result, datetime.now(UTC))
        self._forget(tracked)

    def _forget(self, tracked: TrackedAttempt) -> None:
        attempt_id = tracked.attempt.attempt_id
        del self._tracked[attempt_id]
        self._waiting.pop(attempt_id, None)
        self._waiting_alone.pop(attempt_id, None)
        self._finished[attempt_id] = None
        if len(self._finished) > _FINISHED_REMEMBERED:
            self._finished.popitem(last=False)

    # -- the rest

    def _location(self, attempt_id: str) -> AttemptLocation:
        tracked = self._tracked.get(attempt_id)
        if tracked is None:
            return AttemptLocation.FINISHED if attempt_id in self._finished else AttemptLocation.ABSENT
        if tracked.delivery.is_ending:
            return AttemptLocation.FINISHED
        return AttemptLocation.RUNNING if tracked.delivery.is_started else AttemptLocation.QUEUED

    def _nudge_reader(self) -> None:
        """Make `fileno` readable for reports that this process itself made."""
        if self._ready and not self._is_closed:
            os.eventfd_write(self._nudge, 1)
