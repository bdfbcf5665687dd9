"""The scheduler as a process: one thread and one loop, which sleeps until a wake-up, a report or a due time."""

import logging
import os
import select
import signal
import socket
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

from mainspring.errors import StoreUnavailable
from mainspring.failpoints import failpoint
from mainspring.instants import format_instant
from mainspring.retention import Policy, RetentionSettings, policy_of
from mainspring_executors import ExecutorSettings
from mainspring_executors.contract import Executor, ShowsRefusals
from mainspring_scheduler.clock import Clock, SystemClock
from mainspring_scheduler.clock_guard import ClockGuard
from mainspring_scheduler.decisions.check_places import CHECKS_AT_ONCE
from mainspring_scheduler.deliveries.duty import DeliveryDuty, DeliverySettings
from mainspring_scheduler.duties.log_packing import LogPacking
from mainspring_scheduler.duties.remote_rescue import RemoteRescue
from mainspring_scheduler.duties.rescue import SELF_FENCE, find_lost, find_unsubmitted
from mainspring_scheduler.duties.retention import RetentionDuty
from mainspring_scheduler.duties.traces import SpanExporter, TraceExport
from mainspring_scheduler.duties.value_carrier import open_carried
from mainspring_scheduler.scheduler import PassCounts, Scheduler
from mainspring_store.access.installation import has_retention_defaults, holds_schedules
from mainspring_store.database.key_ring import KeyRing
from mainspring_store.database.lease import SchedulerLease, take_scheduler_lease
from mainspring_store.database.log_stores import open_log_store
from mainspring_store.database.notify import Listener, Notifier, open_feed_notifier, open_listener
from mainspring_store.database.transactions import Database, open_database
from mainspring_store.queries.services import SILENT_AFTER
from mainspring_store.resources import heartbeats as services
from mainspring_store.retention import Archive
from mainspring_store.schema.migrate import migrate
from mainspring_store.state.blocking import wake_forgotten

__all__ = ["SchedulerSettings", "Service", "run"]

_log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 5.0
OUTAGE_PAUSE_SECONDS = 0.5
LINGER_SECONDS_MAX = 0.1
"""While every executor has headroom, wake-ups within this time share a single pass. No task would start sooner with
more passes, and a pass for ten reports costs about as much as a pass for one."""
STATEMENT_SECONDS_MAX = 30.0
"""Bound for a statement of a pass, which writes the reports of many attempts at once."""
DELIVERY_CONNECTIONS_MAX = 6
"""A thread that sends needs a connection for a few milliseconds between two attempts."""
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
FORGOTTEN_AFTER = timedelta(seconds=10)
"""The scheduler decides on a blocked instance again after this time, in case two schedulers missed each other's
unblocking."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SchedulerSettings:
    """The settings of one scheduler."""

    database_url: str
    state_dir: Path
    """A private folder for the files of task hosts."""
    executors: Sequence[str] = ("thread",)
    """Names of the available executors; the first is the default."""
    concurrency: int | None = None
    """Tasks that run at one time in each executor; None = the executor's own default."""
    checks_at_once: int = CHECKS_AT_ONCE
    """Checks of waits that run at one time in each executor."""
    code_path: Sequence[Path] = ()
    """Folders of Python callables. Only task hosts import from them."""
    http_allow: Sequence[str] = ()
    """Private addresses that `http` tasks may reach."""
    task_user: str | None = None
    """The user that tasks of `thread` and `local` run as; `None` = the user of the scheduler."""
    key_ring: KeyRing | None = None
    """Opens the secrets of tasks; None = a task with a secret fails."""
    synchronous: str = "FULL"
    close_grace: timedelta = timedelta(seconds=10)
    """How long running tasks may go on after SIGTERM."""
    redis_url: str | None = field(default=None, repr=False)
    """Address of Redis for the `rq` executor."""
    retention: RetentionSettings = field(default_factory=RetentionSettings)
    callback_allow: Sequence[str] = ()
    """Hosts that the callbacks of triggers may have; empty = no callback is sent."""
    public_url: str | None = None
    """Address of the page, for links in webhooks; None = no links."""
    otlp_endpoint: str | None = None
    """Base address of the collector of traces; None = no traces."""
    retention_archive: Path | None = None
    """Folder that gets pruned runs as NDJSON; None = pruned runs are not archived."""
    log_store: str | None = None
    """Where logs of ended tries go, see `open_log_store`; None = they stay in the database."""
    version: str = "0"


class Service:
    """A scheduler with its executors, its listener and its heartbeat."""

    _outage: tuple[datetime, datetime] | None = None
    """The first and the last failure of the latest outage."""

    def __init__(
        self,
        database: Database,
        executors: Mapping[str, Executor],
        lease: SchedulerLease,
        *,
        version: str,
        key_ring: KeyRing | None = None,
        clock: Clock | None = None,
        retention: Policy | None = None,
        deliveries: DeliverySettings | None = None,
        deliveries_database: Database | None = None,
        archive: Archive | None = None,
        span_exporter: SpanExporter | None = None,
        checks_at_once: int = CHECKS_AT_ONCE,
    ) -> None:
        """retention: the policy by which the scheduler prunes beside its passes; None = it prunes and packs nothing.
        archive, span_exporter: gets the runs before they are pruned, or a trace of each run that ended; None = nothing.
        deliveries: how the scheduler sends webhooks beside its passes; None = it sends none.
        deliveries_database: the same database, with connections that passes do not wait for; None = shared connections.
        """
        self._database = database
        self._executors = executors
        self._lease = lease
        self._clock = clock or SystemClock()
        self.incarnation = str(uuid4())
        self._clock_guard = ClockGuard(self._clock)
        self._scheduler = Scheduler(
            database,
            executors,
            incarnation=self.incarnation,
            clock=self._clock,
            random=Random(),  # noqa: S311  spreads retries, guards nothing
            key_ring=key_ring,
            clock_guard=self._clock_guard,
            exports_traces=span_exporter is not None,
            checks_at_once=checks_at_once,
        )
        self._look_for_hold()
        self._remote_rescue = RemoteRescue(database, executors, self._clock)
        self._retention, self._log_packing = self._history_duties(retention, archive)
        self._deliveries = self._delivery_duty(deliveries_database or database, deliveries, key_ring)
        self._traces = self._trace_duty(deliveries_database or database, span_exporter)
        self._listener: Listener = open_listener(database)
        self._feed: Notifier = open_feed_notifier(database)
        self._heartbeat_at = self._stepped_at = float("-inf")
        self._tally: defaultdict[str, float] = defaultdict(float)
        self._stopping = self._is_database_away = False
        self._nudge_read, self._nudge_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._register(version)

    def _register(self, version: str) -> None:
        self._beat_at = self._clock.now()
        services.note_outage(self._database, now=self._beat_at)
        services.register_service(
            self._database,
            incarnation=self.incarnation,
            kind="scheduler",
            hostname=socket.gethostname(),
            pid=os.getpid(),
            version=version,
            details=self._details(),
            now=self._clock.now(),
        )

    def stop(self) -> None:
        """Ask the loop to end after its current pass. May be called from a signal handler."""
        self._stopping = True
        os.write(self._nudge_write, b"!")

    def run(self, close_grace: timedelta) -> None:
        """Loop until `stop`; then let running tasks end within `close_grace` and record their ends."""
        # The heartbeat compares the clock first: no run may be created by an unchecked clock.
        self._guarded(self._heartbeat)
        for duty in (self._retention, self._log_packing, self._deliveries, self._traces):
            if duty is not None:
                duty.start()
        # The first pass looks at all work, so that older work goes on at once.
        self._guarded(self._rescue)
        is_woken = True
        while not self._stopping:
            has_more = self._guarded(lambda woken=is_woken: self._step(woken))  # type: ignore[misc]
            is_woken = self._wait(0.0 if has_more else self._scheduler.seconds_to_next())
        self._close(close_grace)

    def _history_duties(
        self, retention: Policy | None, archive: Archive | None
    ) -> tuple[RetentionDuty | None, LogPacking | None]:
        if retention is None:
            return None, None
        duty = RetentionDuty(self._database, retention, self._clock, archive=archive)
        return duty, LogPacking(self._database, self._clock)

    def _delivery_duty(
        self, database: Database, settings: DeliverySettings | None, key_ring: KeyRing | None
    ) -> DeliveryDuty | None:
        if settings is None:
            return None
        return DeliveryDuty(
            database,
            settings,
            self._clock,
            key_ring=key_ring,
            incarnation=self.incarnation,
            is_exclusive=self._lease.is_exclusive,
        )

    def _trace_duty(self, database: Database, exporter: SpanExporter | None) -> TraceExport | None:
        if exporter is None:
            return None
        return TraceExport(database, exporter, self._clock, incarnation=self.incarnation)

    def _step(self, is_woken: bool) -> bool:
        """One pass, and heartbeat and rescue when due. Returns whether the next pass should follow at once."""
        began = self._stepped_at = self._clock.monotonic()
        counts = self._scheduler.run_once(is_woken=is_woken)
        if counts.reports or not counts.did_nothing:
            self._feed.notify()
        self._count(counts, self._clock.monotonic() - began)
        if self._clock.monotonic() - self._heartbeat_at >= HEARTBEAT_SECONDS:
            self._heartbeat_at = self._clock.monotonic()
            failpoint("scheduler.beat.before")
            self._heartbeat()
            failpoint("scheduler.beat.done")
            self._rescue()
            failpoint("scheduler.rescue.done")
        self._scheduler.inject(self._remote_rescue.look())
        return not counts.is_complete or self._scheduler.has_backlog

    def _count(self, counts: PassCounts, seconds: float) -> None:
        tally = self._tally
        tally["passes"] += 1
        tally["pass_seconds"] += seconds
        tally["attempts"] += counts.queued
        tally["reports"] += counts.reports
        tally["runs_finished"] += counts.finished

    def _details(self) -> dict[str, Any]:
        """The data for monitoring: totals since this start, and the capacity of each executor now."""
        capacity = {name: executor.capacity() for name, executor in self._executors.items()}
        refusals_of = {
            name: executor.refusals()
            for name, executor in self._executors.items()
            if isinstance(executor, ShowsRefusals)
        }
        return {
            "executors": list(self._executors),
            "remote": [
                name for name, executor in self._executors.items() if executor.capabilities.survives_scheduler_restart
            ],
            "room": capacity,
            "refusals": {name: refusals.count for name, refusals in refusals_of.items()},
            "refused_for": {
                name: refusals.cause for name, refusals in refusals_of.items() if refusals.cause is not None
            },
            **self._outage_details(),
            **({} if self._log_packing is None else self._log_packing.details()),
            **({"schedules_held": True} if self._scheduler.is_held else {}),
            "retention": "off" if self._retention is None else str(self._retention.policy),
            "deliveries": {} if self._deliveries is None else dict(self._deliveries.outcomes),
            **self._tally,
        }

    def _outage_details(self) -> dict[str, Any]:
        if self._outage is None:
            return {}
        begin, end = self._outage
        return {"outage": {"from": format_instant(begin), "to": format_instant(end)}}

    def _note_failure(self) -> None:
        """Remember an outage of the database for the next heartbeat."""
        now = self._clock.now()
        begin = self._outage[0] if self._is_database_away and self._outage is not None else now
        self._outage, self._is_database_away = (begin, now), True

    def _look_for_hold(self) -> None:
        """Ask whether an administrator holds schedules after a restore."""
        is_held = holds_schedules(self._database)
        if is_held != self._scheduler.is_held:
            _log.warning(
                "schedules and backfills are held after a restore; release them: mainspring restore --resume"
                if is_held
                else "schedules and backfills make runs again"
            )
        self._scheduler.is_held = is_held

    def _heartbeat(self) -> None:
        self._look_for_hold()
        now, offset = self._clock.now(), self._clock_guard.offset
        if now - self._beat_at >= SILENT_AFTER:
            services.note_outage(self._database, now=now)
        database_now = services.heartbeat(
            self._database, self.incarnation, now=now, details=self._details(), clock_offset=offset
        )
        self._beat_at = now
        self._clock_guard.compare(now, database_now)

    def _rescue(self) -> None:
        now = self._clock.now()
        self._scheduler.inject(
            find_lost(
                self._database,
                self._executors,
                incarnation=self.incarnation,
                is_exclusive=self._lease.is_exclusive,
                now=now,
            )
        )
        self._scheduler.inject(find_unsubmitted(self._database, self._executors, incarnation=self.incarnation, now=now))
        if not self._lease.is_exclusive:
            wake_forgotten(self._database, before=now - FORGOTTEN_AFTER)

    def _guarded(self, action: Callable[[], bool | None]) -> bool:
        """Run an action. An outage of the database, or a fault in a pass, must not end the loop."""
        try:
            result = bool(action())
            self._is_database_away = False
            return result
        except StoreUnavailable as exc:
            self._note_failure()
            _log.warning("database unavailable, retrying: retry_seconds=%s cause=%s", OUTAGE_PAUSE_SECONDS, exc)
        except Exception:
            _log.exception("pass failed, retrying: retry_seconds=%s", OUTAGE_PAUSE_SECONDS)
        self._pause(OUTAGE_PAUSE_SECONDS)
        return False

    def _wait(self, timeout: float) -> bool:
        """Sleep until a report, a wake-up or the timeout. Returns whether a wake-up arrived."""
        places = [self._nudge_read, *(executor.fileno() for executor in self._executors.values())]
        select.select([self._listener.fileno(), *places], [], [], timeout)
        is_woken = self._listener.clear()
        if is_woken:
            headroom = min([LINGER_SECONDS_MAX, *(executor.headroom() for executor in self._executors.values())])
            if (linger := self._stepped_at + headroom - self._clock.monotonic()) > 0:
                select.select(places, [], [], linger)
                self._listener.clear()
        return is_woken

    def _pause(self, seconds: float) -> None:
        # Executors keep the reports that arrive during the pause.
        select.select([], [], [], seconds)

    def _close(self, grace: timedelta) -> None:
        senders = [duty for duty in (self._deliveries, self._traces) if duty is not None]
        writers = [duty for duty in (self._retention, self._log_packing) if duty is not None]
        for duty in (*senders, *writers):
            duty.abort()
        for executor in self._executors.values():
            executor.close(grace)
        for writer in writers:
            writer.stop()
        self._guarded(lambda: self._scheduler.run_once() is None)
        self._guarded(lambda: services.stop_service(self._database, self.incarnation, now=self._clock.now()))
        for sender in senders:
            # Last, because a thread that connects to a dead host ends late. The tasks have had their grace meanwhile.
            sender.stop()
        self._feed.notify()
        self._feed.close()
        self._listener.close()
        os.close(self._nudge_read)
        os.close(self._nudge_write)


def run(settings: SchedulerSettings) -> int:
    """Run a scheduler until SIGTERM or SIGINT. Returns the exit code.

    Raises:
        Conflict: Another scheduler runs on this SQLite database.
    """
    with ExitStack() as stack:
        database = open_database(
            settings.database_url,
            connections_max=4,
            synchronous=settings.synchronous,
            statement_seconds_max=STATEMENT_SECONDS_MAX,
        )
        stack.callback(database.close)
        database.log_store = None if settings.log_store is None else open_log_store(settings.log_store)
        deliveries_database = _open_for_deliveries(settings)
        stack.callback(deliveries_database.close)
        lease = take_scheduler_lease(database)
        stack.callback(lease.release)
        # Before the schema: task hosts start while the scheduler checks or migrates it.
        executors = {name: open_carried(name, _executor_settings(settings), database) for name in settings.executors}
        for executor in executors.values():
            stack.callback(executor.close, timedelta(0))
        stop_signals: list[int] = []
        for number in _STOP_SIGNALS:
            signal.signal(number, lambda number, _: stop_signals.append(number))
        _wait_for_schema(database, stop_signals)
        if stop_signals:
            return 0
        policy = policy_of(settings.retention, has_defaults=has_retention_defaults(database))
        _log.info("retention: %s", policy)
        service = Service(
            database,
            executors,
            lease,
            version=settings.version,
            key_ring=settings.key_ring,
            retention=policy,
            deliveries_database=deliveries_database,
            deliveries=_delivery_settings(settings),
            archive=None if settings.retention_archive is None else Archive(settings.retention_archive),
            span_exporter=_span_exporter(settings),
            checks_at_once=settings.checks_at_once,
        )
        _stop_at_signals(service)
        if stop_signals:
            service.stop()
        _log.info("scheduler is ready: instance=%s executors=%s", service.incarnation, ",".join(executors))
        service.run(settings.close_grace)
    return 0


def _stop_at_signals(service: Service) -> None:
    for number in _STOP_SIGNALS:
        signal.signal(number, lambda *_: service.stop())


def _open_for_deliveries(settings: SchedulerSettings) -> Database:
    return open_database(
        settings.database_url, connections_max=DELIVERY_CONNECTIONS_MAX, synchronous=settings.synchronous
    )


def _span_exporter(settings: SchedulerSettings) -> SpanExporter | None:
    """The library is imported only where traces are wanted."""
    if settings.otlp_endpoint is None:
        return None
    from mainspring_scheduler.duties.otlp import OtlpExporter

    return OtlpExporter(settings.otlp_endpoint, version=settings.version)


def _delivery_settings(settings: SchedulerSettings) -> DeliverySettings:
    return DeliverySettings(
        http_allow=settings.http_allow, callback_allow=settings.callback_allow, public_url=settings.public_url
    )


def _wait_for_schema(database: Database, stop_signals: Sequence[int]) -> None:
    """Migrate the schema, or wait until another service has migrated it. Returns early after a stop signal.

    Retries while the database is unreachable.
    """
    logged = ""
    while not stop_signals:
        try:
            migrate(database)
            return
        except StoreUnavailable as exc:
            # An upgrade of the database may take hours. Log each cause once.
            if str(exc) != logged:
                logged = str(exc)
                _log.warning("schema is not ready, retrying: retry_seconds=%s cause=%s", OUTAGE_PAUSE_SECONDS, exc)
            select.select([], [], [], OUTAGE_PAUSE_SECONDS)


def _executor_settings(settings: SchedulerSettings) -> ExecutorSettings:
    return ExecutorSettings(
        concurrency=settings.concurrency,
        code_path=tuple(settings.code_path),
        http_allow=tuple(settings.http_allow),
        self_fence=SELF_FENCE,
        redis_url=settings.redis_url,
        state_dir=settings.state_dir,
        task_user=settings.task_user,
    )
