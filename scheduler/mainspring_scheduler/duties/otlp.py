"""Spans of runs and tries, and their export by OTLP over HTTP. Imported only where traces are switched on.

Headers, certificates and the name of the service come from the variables that OpenTelemetry defines, such as
`OTEL_EXPORTER_OTLP_HEADERS` and `OTEL_SERVICE_NAME`. `service.name` in `OTEL_RESOURCE_ATTRIBUTES` names it too.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from mainspring.states import AttemptState, RunState
from mainspring.traces import RunTrace, span_of_attempt, span_of_end
from mainspring_store.queries.events import StoredEvent
from mainspring_store.queries.traces import EndedTry, TracedRun

__all__ = ["OtlpExporter"]

EXPORT_SECONDS_MAX = 10.0
"""For a request with its repetitions."""

_Attributes = Mapping[str, str | int | float | None]


class OtlpExporter:
    """Sends spans to a collector."""

    def __init__(self, endpoint: str, *, version: str) -> None:
        """endpoint: base address of the collector; the spans go to `/v1/traces` there."""
        self._exporter = OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces", timeout=EXPORT_SECONDS_MAX)
        is_named = SERVICE_NAME in OTELResourceDetector().detect().attributes
        self._resource = Resource.create({} if is_named else {SERVICE_NAME: "mainspring"})
        self._scope = InstrumentationScope("mainspring", version)

    def spans_of_tries(
        self, trace: RunTrace, end: StoredEvent, run: TracedRun, tries: Sequence[EndedTry]
    ) -> list[ReadableSpan]:
        parent = _context(trace, span_of_end(trace.trace_id, end.id))
        return [self._span_of_try(trace, parent, run, entry) for entry in tries]

    def span_of_run(self, trace: RunTrace, end: StoredEvent, run: TracedRun) -> ReadableSpan:
        """From the start of the run, or from its previous end when it was cleared since."""
        begin = run.start_date or run.queued_at
        if run.previous_end is not None:
            begin = max(begin, run.previous_end)
        attributes: _Attributes = {
            "mainspring.dag_id": run.dag_id,
            "mainspring.run_id": run.run_id,
            "mainspring.run_type": run.run_type,
            "mainspring.state": end.state,
            "mainspring.state_reason": end.state_reason,
        }
        return self._span(
            name=run.dag_id,
            context=_context(trace, span_of_end(trace.trace_id, end.id)),
            parent=None if trace.parent_id is None else _context(trace, trace.parent_id, is_remote=True),
            attributes=attributes,
            is_failed=end.state == RunState.FAILED,
            begin=begin,
            end=end.at,
        )

    def export(self, spans: Sequence[ReadableSpan]) -> bool:
        return self._exporter.export(spans) is SpanExportResult.SUCCESS

    def close(self) -> None:
        self._exporter.shutdown()  # type: ignore[no-untyped-call]

    def _span_of_try(self, trace: RunTrace, parent: SpanContext, run: TracedRun, entry: EndedTry) -> ReadableSpan:
        attributes: _Attributes = {
            "mainspring.dag_id": run.dag_id,
            "mainspring.run_id": run.run_id,
            "mainspring.task_id": entry.task_id,
            "mainspring.map_index": entry.map_index,
            "mainspring.try_number": entry.try_number,
            "mainspring.attempt_id": entry.attempt_id,
            "mainspring.state": entry.state,
            "mainspring.state_reason": entry.state_reason,
            "mainspring.executor": entry.executor,
            "mainspring.queue_seconds": _seconds(entry.queued_at, entry.start_date),
            "mainspring.exit_code": entry.exit_code,
            "host.name": entry.hostname,
        }
        return self._span(
            name=entry.task_id,
            context=_context(trace, span_of_attempt(entry.attempt_id)),
            parent=parent,
            attributes=attributes,
            is_failed=entry.state == AttemptState.FAILED,
            begin=entry.start_date or entry.queued_at,
            end=entry.end_date,
        )

    def _span(
        self,
        *,
        name: str,
        context: SpanContext,
        parent: SpanContext | None,
        attributes: _Attributes,
        is_failed: bool,
        begin: datetime,
        end: datetime,
    ) -> ReadableSpan:
        """Attributes that are None are left out."""
        reason = attributes["mainspring.state_reason"]
        return ReadableSpan(
            name=name,
            context=context,
            parent=parent,
            resource=self._resource,
            attributes={key: value for key, value in attributes.items() if value is not None},
            kind=SpanKind.INTERNAL,
            status=Status(StatusCode.ERROR, None if reason is None else str(reason)) if is_failed else Status(),
            start_time=_nanoseconds(min(begin, end)),
            end_time=_nanoseconds(end),
            instrumentation_scope=self._scope,
        )


def _context(trace: RunTrace, span_id: str, *, is_remote: bool = False) -> SpanContext:
    return SpanContext(
        trace_id=int(trace.trace_id, 16),
        span_id=int(span_id, 16),
        is_remote=is_remote,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )


def _seconds(begin: datetime, end: datetime | None) -> float | None:
    return None if end is None else max(0.0, (end - begin).total_seconds())


def _nanoseconds(instant: datetime) -> int:
    return int(instant.timestamp() * 1_000_000) * 1000
