"""Exports ended runs as traces, in a thread beside the passes.

The thread follows the events behind a stored position. One scheduler of several has the lease of the export. An export
that fails is repeated, so a collector may get a span twice, with the same identifiers. A run that ended more than
`DROPPED_AFTER` ago is not exported any more: a collector that is away, or refuses a span, holds up nothing for longer.
"""

import logging
from collections.abc import Iterator, Sequence
from datetime import timedelta
from threading import Event, Thread
from typing import Any, Protocol

from mainspring.errors import StoreUnavailable
from mainspring.events import EventKind
from mainspring.states import RUN_FINISHED
from mainspring.traces import RunTrace, trace_of_run
from mainspring_scheduler.clock import Clock
from mainspring_store.access.installation import holds_schedules
from mainspring_store.database.transactions import Database
from mainspring_store.queries.events import SettledEvents, StoredEvent
from mainspring_store.queries.traces import (
    EndedTry,
    TracedRun,
    claim_traces,
    give_traces_back,
    move_traces,
    traced_run,
    tries_since,
)

__all__ = ["SpanExporter", "TraceExport"]

_log = logging.getLogger(__name__)

DROPPED_AFTER = timedelta(hours=1)
LEASE = timedelta(seconds=60)
"""Half of it is longer than an export: an idle scheduler renews the lease when less than half is left."""
LOOK_SECONDS = 1.0
PAUSE_SECONDS_MAX = 30.0
"""Between two attempts while the collector does not answer."""
EVENTS_AT_ONCE = 500
SPANS_AT_ONCE = 500
_ENDS = frozenset(state.value for state in RUN_FINISHED)


class SpanExporter(Protocol):
    """Makes spans, and sends them to a collector; see `otlp.OtlpExporter`."""

    def spans_of_tries(
        self, trace: RunTrace, end: StoredEvent, run: TracedRun, tries: Sequence[EndedTry]
    ) -> Sequence[Any]:
        """The spans of tries of a run."""

    def span_of_run(self, trace: RunTrace, end: StoredEvent, run: TracedRun) -> Any:
        """The span of a run."""

    def export(self, spans: Sequence[Any]) -> bool:
        """Returns whether the collector has taken the spans."""

    def close(self) -> None:
        """End the export under way. May be called by another thread."""


class TraceExport:
    """The thread that exports, from `start` to `stop`."""

    def __init__(self, database: Database, exporter: SpanExporter, clock: Clock, *, incarnation: str) -> None:
        self._database = database
        self._exporter = exporter
        self._clock = clock
        self._incarnation = incarnation
        self._events = SettledEvents(database)
        self._spans: list[Any] = []
        self._failures = 0
        self._stopped = Event()
        self._thread = Thread(target=self._run, name="traces", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def abort(self) -> None:
        """Begin to end, without waiting."""
        if not self._stopped.is_set():
            self._stopped.set()
            self._exporter.close()

    def stop(self) -> None:
        """Abort, and wait for the thread."""
        self.abort()
        if self._thread.is_alive():
            self._thread.join()

    def turn(self) -> bool:
        """Export the ends of the next page of events. Returns whether another page may follow at once.

        Raises:
            StoreUnavailable: The next turn repeats the page.
        """
        if holds_schedules(self._database):
            # The original may be alive, and exports these ends itself.
            return False
        position = claim_traces(self._database, by=self._incarnation, now=self._clock.now(), lease=LEASE)
        if position is None:
            return False
        self._events.position = position
        events = self._events.read(EVENTS_AT_ONCE)
        self._spans.clear()
        for event in events:
            for spans in self._spans_of(event):
                if len(self._spans) >= SPANS_AT_ONCE and not self._flush(position):
                    return False
                self._spans += spans
            position = event.id
        return bool(events) and self._flush(position) and len(events) == EVENTS_AT_ONCE

    def _flush(self, position: int) -> bool:
        """Export the spans, note up to which event ends are exported, and renew the lease.

        Returns False when the spans must be exported again, the thread ends, or another scheduler has taken the lease.
        """
        if not self._export():
            return False
        until = self._clock.now() + LEASE
        return move_traces(self._database, position, by=self._incarnation, until=until)

    def _export(self) -> bool:
        if self._stopped.is_set():
            return False
        if not self._spans or self._exporter.export(self._spans):
            self._failures = 0
            self._spans.clear()
            return True
        if not self._stopped.is_set():
            self._failures += 1
            if self._failures == 1:
                _log.warning("the collector does not take spans, retrying: spans=%d", len(self._spans))
        return False

    def _run(self) -> None:
        pause = 0.0
        while not self._stopped.wait(pause):
            pause = LOOK_SECONDS
            try:
                if self.turn():
                    pause = 0.0
                elif self._failures:
                    pause = min(PAUSE_SECONDS_MAX, LOOK_SECONDS * 2.0 ** min(self._failures - 1, 10))
            except StoreUnavailable as exc:
                _log.warning("traces wait for the database: cause=%s", exc)
            except Exception:
                _log.exception("export of traces failed")
                pause = PAUSE_SECONDS_MAX
        try:
            give_traces_back(self._database, by=self._incarnation)
        except StoreUnavailable:
            _log.info("the lease of the traces ends by itself")

    def _spans_of(self, end: StoredEvent) -> Iterator[Sequence[Any]]:
        """The spans of a run that ended, in pages; nothing for other events."""
        if end.kind != EventKind.RUN or end.state not in _ENDS or end.run_key is None:
            return
        if self._clock.now() - end.at > DROPPED_AFTER:
            _log.warning("trace dropped, the run ended too long ago: dag=%s run=%s", end.dag_id, end.dag_run_id)
            return
        run = traced_run(self._database, end.run_key, event_id=end.id)
        if run is None:
            return
        trace = trace_of_run(run.traceparent, is_exported=True)
        if trace is None or not trace.is_sampled:
            return
        for page in tries_since(self._database, run.key, queued_after=run.previous_end, limit=SPANS_AT_ONCE):
            yield self._exporter.spans_of_tries(trace, end, run, page)
        yield [self._exporter.span_of_run(trace, end, run)]
