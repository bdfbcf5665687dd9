"""Traces of ended runs, as a collector gets them by OTLP over HTTP."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from sqlalchemy import select

from mainspring.attempts import Outcome
from mainspring.traces import span_of_attempt, trace_of_run
from mainspring_scheduler.duties import traces
from mainspring_scheduler.duties.otlp import OtlpExporter
from mainspring_scheduler.duties.traces import TraceExport
from mainspring_store.access.installation import hold_schedules, release_schedules
from mainspring_store.queries.events import StoredEvent
from mainspring_store.queries.traces import TracedRun
from mainspring_store.tables import dag_run
from tests.scheduler.engine import Engine
from tests.scheduler.test_clear import clear_tasks
from tests.scheduler.test_cost import Cost, counted
from tests.services.environment import child_environment
from tests.services.receiver import Receiver, receiving

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Exporting:
    """An engine whose ended runs go to a collector, step by step."""

    def __init__(self, engine: Engine, collector: Receiver) -> None:
        self.engine = engine
        self.collector = collector
        self.duty = self.duty_of("first")
        self.duty.turn()

    def duty_of(self, incarnation: str, exporter: OtlpExporter | None = None) -> TraceExport:
        exporter = exporter or OtlpExporter(self.collector.url, version="1")
        return TraceExport(self.engine.database, exporter, self.engine.clock, incarnation=incarnation)

    def run(self, name: str, *outcomes: Outcome, dag_id: str = "etl", **fields: Any) -> list[str]:
        """A run of a task with a try for each outcome; returns the attempts."""
        version = self.engine.save(dag_id, {"a": {"retries": len(outcomes) - 1, "retry_delay": "1s"}})
        self.engine.trigger(version, name, **fields)
        attempts = []
        for outcome in outcomes:
            self.engine.run_until_idle()
            attempts.append(self.engine.attempt("a", name).attempt_id)
            self.engine.start("a", name)
            self.engine.run_until_idle()
            self.engine.clock.move(timedelta(seconds=2))
            self.engine.finish("a", outcome, run_id=name)
            self.engine.run_until_idle()
            self.engine.clock.move(timedelta(seconds=2))
        return attempts

    @property
    def spans(self) -> list[Any]:
        """All spans that the collector has accepted, in order."""
        return [
            span
            for received in self.collector.accepted
            for part in ExportTraceServiceRequest.FromString(received.body).resource_spans
            for scope in part.scope_spans
            for span in scope.spans
        ]

    def names(self) -> list[str]:
        return [span.name for span in self.spans]


class SlowExporter(OtlpExporter):
    """Takes a time for each export, after which another scheduler has a turn."""

    def __init__(self, exporting: Exporting, duration: timedelta, other: TraceExport) -> None:
        super().__init__(exporting.collector.url, version="1")
        self._exporting = exporting
        self._duration = duration
        self._other = other

    def export(self, spans: Sequence[Any]) -> bool:
        is_taken = super().export(spans)
        self._exporting.engine.clock.move(self._duration)
        self._other.turn()
        return is_taken


@pytest.fixture
def exporting(make_engine: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch) -> Iterator[Exporting]:
    monkeypatch.setattr("mainspring_scheduler.duties.otlp.EXPORT_SECONDS_MAX", 0.2)
    with receiving() as collector:
        exporting = Exporting(make_engine(), collector)
        yield exporting
        exporting.duty.abort()


def test_a_run_is_a_trace_and_its_tries_are_spans(exporting: Exporting) -> None:
    attempts = exporting.run("r1", Outcome.FAILED, Outcome.SUCCESS, traceparent=f"00-{TRACE}-{SPAN}-01")
    exporting.duty.turn()
    (received,) = exporting.collector.accepted
    assert received.path == "/v1/traces"
    spans = {span.span_id.hex(): span for span in exporting.spans}
    first, second, run = (*(spans.pop(span_of_attempt(attempt_id)) for attempt_id in attempts), *spans.values())
    assert {span.trace_id.hex() for span in exporting.spans} == {TRACE}
    assert (run.name, run.parent_span_id.hex(), run.status.code) == ("etl", SPAN, 0)
    assert {first.parent_span_id, second.parent_span_id} == {run.span_id}
    assert (first.name, first.status.code, second.status.code) == ("a", 2, 0)
    assert run.start_time_unix_nano <= first.start_time_unix_nano
    assert first.end_time_unix_nano - first.start_time_unix_nano == 2_000_000_000
    assert first.end_time_unix_nano < second.start_time_unix_nano <= second.end_time_unix_nano <= run.end_time_unix_nano
    attributes = {item.key: item.value for item in first.attributes}
    assert attributes["mainspring.run_id"].string_value == "r1"
    assert attributes["mainspring.try_number"].int_value == 1


def test_a_run_without_a_caller_is_the_root_and_is_sent_once(exporting: Exporting) -> None:
    exporting.run("r1", Outcome.SUCCESS)
    exporting.run("r2", Outcome.FAILED)
    for _ in range(3):
        exporting.duty.turn()
    assert exporting.names() == ["a", "etl", "a", "etl"]
    runs = [span for span in exporting.spans if span.name == "etl"]
    assert [(run.parent_span_id, run.status.code) for run in runs] == [(b"", 0), (b"", 2)]
    assert runs[0].trace_id != runs[1].trace_id


def test_a_caller_that_does_not_record_its_trace_gets_no_spans(exporting: Exporting) -> None:
    exporting.run("r1", Outcome.SUCCESS, traceparent=f"00-{TRACE}-{SPAN}-00")
    exporting.duty.turn()
    assert exporting.names() == []


def test_a_run_that_is_cleared_has_a_span_for_each_end_and_each_try_once(exporting: Exporting) -> None:
    (first,) = exporting.run("r1", Outcome.SUCCESS)
    exporting.duty.turn()
    clear_tasks(exporting.engine, "a")
    exporting.engine.run_until_idle()
    second = exporting.engine.attempt("a", "r1").attempt_id
    exporting.engine.finish("a", run_id="r1")
    exporting.engine.run_until_idle()
    exporting.duty.turn()
    ids = [span.span_id.hex() for span in exporting.spans]
    assert len({*ids}) == len(ids) == 4
    assert (ids[0], ids[2]) == (span_of_attempt(first), span_of_attempt(second))
    assert len({span.trace_id for span in exporting.spans}) == 1


def test_spans_that_are_not_taken_are_sent_again_by_whoever_has_the_lease(exporting: Exporting) -> None:
    exporting.run("r1", Outcome.SUCCESS)
    exporting.collector.answer = lambda path, body: (400, {}, b"")
    exporting.duty.turn()
    assert exporting.names() == []
    exporting.collector.answer = lambda path, body: (200, {}, b"")
    second = exporting.duty_of("second")
    second.turn()
    assert exporting.names() == []
    exporting.engine.clock.move(traces.LEASE + timedelta(seconds=1))
    second.turn()
    assert exporting.names() == ["a", "etl"]
    exporting.duty.turn()
    assert exporting.names() == ["a", "etl"]
    second.abort()


def test_a_collector_that_was_away_for_long_gets_what_ends_later(exporting: Exporting) -> None:
    exporting.collector.answer = lambda path, body: (400, {}, b"")
    exporting.run("r1", Outcome.SUCCESS)
    exporting.duty.turn()
    exporting.engine.clock.move(traces.DROPPED_AFTER + timedelta(seconds=1))
    exporting.run("r2", Outcome.SUCCESS)
    exporting.collector.answer = lambda path, body: (200, {}, b"")
    exporting.duty.turn()
    assert [run_id(span) for span in exporting.spans] == ["r2", "r2"]


def test_spans_go_in_parts_and_what_was_taken_is_not_sent_again(
    exporting: Exporting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traces, "SPANS_AT_ONCE", 2)
    for number in range(3):
        exporting.run(f"r{number}", Outcome.SUCCESS)
    statuses = iter([200, 400])
    exporting.collector.answer = lambda path, body: (next(statuses, 200), {}, b"")
    for _ in range(2):
        exporting.duty.turn()
    assert [run_id(span) for span in exporting.spans] == ["r0", "r0", "r1", "r1", "r2", "r2"]
    assert len(exporting.collector.ledger) == 4


def test_a_run_that_takes_longer_than_the_lease_is_exported_once(
    exporting: Exporting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traces, "SPANS_AT_ONCE", 2)
    exporting.run("r1", *[Outcome.FAILED] * 8, Outcome.SUCCESS)
    second = exporting.duty_of("second")
    first = exporting.duty_of("first", SlowExporter(exporting, traces.LEASE / 3, second))
    first.turn()
    assert exporting.names() == [*["a"] * 9, "etl"]
    exporting.engine.clock.move(traces.LEASE + timedelta(seconds=1))
    second.turn()
    assert len(exporting.spans) == 10


def test_a_scheduler_that_lost_the_lease_stops(exporting: Exporting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traces, "SPANS_AT_ONCE", 2)
    exporting.run("r1", *[Outcome.FAILED] * 8, Outcome.SUCCESS)
    second = exporting.duty_of("second")
    first = exporting.duty_of("first", SlowExporter(exporting, traces.LEASE + timedelta(seconds=1), second))
    assert not first.turn()
    assert len(exporting.spans) == 2 + 10


def test_a_scheduler_seldom_writes_when_nothing_ends(exporting: Exporting) -> None:
    with counted(exporting.engine.database) as cost:
        for _ in range(60):
            exporting.engine.clock.move(timedelta(seconds=1))
            exporting.duty.turn()
    assert updates(cost) == 60 // (traces.LEASE.total_seconds() / 2)


def test_runs_without_spans_are_passed_with_one_write(exporting: Exporting) -> None:
    for name in ("r1", "r2", "r3"):
        exporting.run(name, Outcome.SUCCESS, traceparent=f"00-{TRACE}-{SPAN}-00")
    with counted(exporting.engine.database) as cost:
        exporting.duty.turn()
    assert updates(cost) == 1


def test_a_restored_copy_exports_only_after_its_release(exporting: Exporting) -> None:
    exporting.run("r1", Outcome.SUCCESS)
    with exporting.engine.database.write() as connection:
        hold_schedules(connection, exporting.engine.clock.now())
    assert not exporting.duty.turn()
    assert exporting.names() == []
    release_schedules(exporting.engine.database)
    exporting.duty.turn()
    assert exporting.names() == ["a", "etl"]


def test_the_thread_exports_and_ends_at_once(exporting: Exporting) -> None:
    exporting.duty.start()
    exporting.run("r1", Outcome.SUCCESS)
    exporting.collector.wait(1)
    exporting.duty.stop()
    assert exporting.names() == ["a", "etl"]


@pytest.mark.parametrize("given", [f"00-{TRACE}-{SPAN}-01", None], ids=["caller", "no caller"])
@pytest.mark.parametrize("exports", [False, True], ids=["off", "on"])
def test_a_task_continues_the_span_of_its_try_and_a_child_run_the_span_of_its_task(
    make_engine: Callable[..., Engine], given: str | None, exports: bool
) -> None:
    engine = make_engine(exports_traces=exports)
    engine.save("child", {"b": {}})
    version = engine.save("etl", {"a": {}, "call": {"type": "dag", "dag_id": "child"}})
    engine.trigger(version, traceparent=given)
    engine.run_until_idle()
    handed = engine.attempt("a").context.get("traceparent")
    with engine.database.read() as connection:
        child = connection.execute(select(dag_run).where(dag_run.c.dag_id == "child")).one()
    inner = engine.attempt("b", child.run_id).context.get("traceparent")
    if not exports:
        assert (handed, inner) == (given, given)
        assert (child.traceparent == given) == (given is not None)
        return
    (_, trace, span, _), (_, outer_trace, outer, _), (_, inner_trace, inner_span, _) = (
        text.split("-") for text in (handed, child.traceparent, inner)
    )
    assert trace == outer_trace == inner_trace
    assert (trace == TRACE) == (given is not None)
    assert span == span_of_attempt(engine.attempt("a").attempt_id)
    assert inner_span == span_of_attempt(engine.attempt("b", child.run_id).attempt_id)
    assert outer not in (SPAN, span, inner_span)


@pytest.mark.parametrize(
    ("variables", "name"),
    [
        ({}, "mainspring"),
        ({"OTEL_SERVICE_NAME": "orders"}, "orders"),
        ({"OTEL_SERVICE_NAME": ""}, "mainspring"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=shop"}, "shop"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=shop", "OTEL_SERVICE_NAME": "orders"}, "orders"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "deployment.environment=test"}, "mainspring"),
    ],
    ids=["neither", "name", "empty", "attribute", "both", "another attribute"],
)
def test_both_variables_name_the_service(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], name: str) -> None:
    for variable in ("OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    exporter = OtlpExporter("http://127.0.0.1:9", version="1")
    trace = trace_of_run(f"00-{TRACE}-{SPAN}-01", is_exported=True)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    facts: dict[str, Any] = {
        "dag_id": "etl",
        "run_id": "r1",
        "run_type": "manual",
        "traceparent": None,
        "start_date": at,
    }
    run = TracedRun(key=1, queued_at=at, previous_end=None, **facts)
    nulls: dict[str, Any] = dict.fromkeys(("task_id", "map_index", "try_number", "state_reason", "seq", "data"))
    end = StoredEvent(id=1, kind="run", at=at, dag_id="etl", run_key=1, dag_run_id="r1", state="success", **nulls)
    assert trace is not None
    assert exporter.span_of_run(trace, end, run).resource.attributes["service.name"] == name


def test_without_the_setting_nothing_is_imported() -> None:
    program = (
        "import sys, mainspring_scheduler.service, mainspring_cli.services.commands, mainspring_api.app\n"
        "sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], env=child_environment(), timeout=60).returncode == 0


def updates(cost: Cost) -> int:
    return sum(statement.startswith("UPDATE") for statement in cost.statements)


def run_id(span: Any) -> str:
    return next(item.value.string_value for item in span.attributes if item.key == "mainspring.run_id")
