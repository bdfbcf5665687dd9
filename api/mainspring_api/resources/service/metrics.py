"""Figures for Prometheus, read from the database: every API process answers alike."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from flask import Response

from mainspring.metric_buckets import DURATION_BOUNDS, LATENCY_BOUNDS, WAIT_BOUNDS
from mainspring_api.http.context import Context, context
from mainspring_api.http.operations import Resource
from mainspring_api.resources.service.monitor import HEARTBEAT_AGE_MAX
from mainspring_store.access.roles import Role
from mainspring_store.queries.metrics import Figures, read_figures
from mainspring_store.queries.services import Presence, presence
from mainspring_store.resources.hooks import DeliveryOutcome
from mainspring_store.resources.metric_totals import read_totals

__all__ = ["blueprint"]

blueprint = Resource("metrics", "Metrics: figures for Prometheus", url_prefix=None)

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_Samples = Mapping[tuple[str, ...], float]
"""Values of the labels, in order -> value."""
_PARTS_MAX = 2
"""Of events that an answer counts first: the thread counts what is left, and the answer comes in time."""
_ENDS = ("dag_id", "state", "reason")
_COUNTERS: Sequence[tuple[str, str, tuple[str, ...]]] = (
    ("runs_ended", "Runs that ended, by DAG; further DAGs count as `other`.", _ENDS),
    ("tasks_ended", "Tries and task instances that ended, by DAG; further DAGs count as `other`.", _ENDS),
    ("http_requests", "Answered HTTP requests.", ("method", "route", "status")),
)
_HISTOGRAMS: Sequence[tuple[str, str, tuple[str, ...], Sequence[float]]] = (
    ("run_duration_seconds", "From the start to the end of a run.", (), DURATION_BOUNDS),
    ("task_duration_seconds", "From the start to the end of a try.", (), DURATION_BOUNDS),
    ("task_queue_wait_seconds", "From the decision to start a task to its start.", (), WAIT_BOUNDS),
    ("http_request_duration_seconds", "Time to the first byte of an answer.", ("route",), LATENCY_BOUNDS),
)
_TOTALS = {
    "passes": "Passes made.",
    "pass_seconds": "Time spent in passes.",
    "attempts": "Attempts handed to executors.",
    "reports": "Reports applied.",
    "runs_finished": "Runs that ended.",
}


@blueprint.operation(
    "GET",
    "/metrics",
    "get_metrics",
    role=Role.VIEWER,
    answer=None,
    other_media={"text/plain": {"schema": {"type": "string", "description": "Prometheus' text format 0.0.4"}}},
)
def get_metrics() -> Response:
    """Figures of this moment in Prometheus' text format."""
    now = datetime.now(UTC)
    database = context().database
    figures = read_figures(database, since=now - HEARTBEAT_AGE_MAX)
    lines = [*_of_work(figures, now), *_of_services(presence(database, since=now - HEARTBEAT_AGE_MAX), now)]
    lines += [*_of_schedulers(figures), *_of_workers(figures), *_of_totals(context()), *_of_this_process(context())]
    return Response("\n".join([*lines, ""]), content_type=MEDIA_TYPE)


def _of_work(figures: Figures, now: datetime) -> Iterator[str]:
    yield from _metric("runs", "Runs that are not over.", ("state",), _single(figures.runs))
    instances = _single(figures.instances)
    yield from _metric("task_instances", "Task instances of runs that are running.", ("state",), instances)
    yield from _metric("task_instances_ready", "Those that wait for nothing but room.", (), {(): figures.ready})
    yield from _metric("late", "Unfinished runs and tasks that missed a deadline.", ("what",), _single(figures.late))
    due = figures.schedule_due
    lag = 0.0 if due is None else max(0.0, (now - due).total_seconds())
    yield from _metric("schedule_lag_seconds", "Since the oldest due slot of a schedule without a run.", (), {(): lag})
    attempts = figures.attempts
    yield from _metric("attempts", "Attempts of which something may run.", ("executor", "state"), attempts)
    yield from _metric("queue_length", "Attempts that wait to be taken.", ("queue",), _single(figures.queues))
    pending = _single(figures.deliveries)
    yield from _metric("deliveries_pending", "Deliveries to webhooks and the like that wait.", ("kind",), pending)


def _of_services(presences: Mapping[str, Presence], now: datetime) -> Iterator[str]:
    alive = {(kind,): presence.alive for kind, presence in presences.items()}
    yield from _metric("services_alive", "Processes that gave a sign of life lately.", ("kind",), alive)
    ages = {(kind,): (now - presence.latest_heartbeat).total_seconds() for kind, presence in presences.items()}
    yield from _metric("heartbeat_age_seconds", "Since the latest heartbeat.", ("kind",), ages)


def _of_schedulers(figures: Figures) -> Iterator[str]:
    details = {f"{scheduler['hostname']}:{scheduler['pid']}": scheduler["details"] for scheduler in figures.schedulers}
    room = {
        (scheduler, executor): free
        for scheduler, facts in details.items()
        for executor, free in facts.get("room", {}).items()
    }
    yield from _metric("executor_room", "Attempts that an executor takes now.", ("scheduler", "executor"), room)
    refusals = {
        (scheduler, executor): count
        for scheduler, facts in details.items()
        for executor, count in facts.get("refusals", {}).items()
    }
    yield from _metric(
        "executor_refusals_total",
        "Starts that a machine had no room for.",
        ("scheduler", "executor"),
        refusals,
        kind="counter",
    )
    deliveries = {
        (scheduler, outcome): count
        for scheduler, facts in details.items()
        for outcome, count in facts.get("deliveries", {}).items()
    }
    what = "Outcomes of attempts to send, and of deliveries."
    yield from _metric("deliveries_total", what, ("scheduler", "outcome"), deliveries, kind="counter")
    stores = {
        (scheduler,): facts["log_store"] == "healthy" for scheduler, facts in details.items() if "log_store" in facts
    }
    yield from _metric("log_store_healthy", "1 = the scheduler can use the log store, 0 = not.", ("scheduler",), stores)
    failing = {(scheduler,): facts.get("logs_failing", 0) for scheduler, facts in details.items()}
    what = "Logs that a scheduler could not compress or move, and tries again later."
    yield from _metric("logs_failing", what, ("scheduler",), failing)
    for name, what in _TOTALS.items():
        samples = {(scheduler,): facts[name] for scheduler, facts in details.items() if name in facts}
        yield from _metric(f"scheduler_{name}_total", what, ("scheduler",), samples, kind="counter")


def _of_workers(figures: Figures) -> Iterator[str]:
    details = {f"{worker['hostname']}:{worker['pid']}": worker["details"] for worker in figures.workers}
    refusals = {(worker,): fields["refusals"] for worker, fields in details.items() if "refusals" in fields}
    what = "Starts that the machine of a worker had no room for."
    yield from _metric("worker_refusals_total", what, ("worker",), refusals, kind="counter")
    causes = Counter((fields["refused_for"],) for fields in details.values() if "refused_for" in fields)
    yield from _metric("workers_refusing", "Workers whose machine has no room for a task now.", ("cause",), causes)


def _of_totals(ctx: Context) -> Iterator[str]:
    """What all processes have counted since the installation of this feature."""
    ctx.totals.add(parts_max=_PARTS_MAX)
    totals = read_totals(ctx.database)
    for name, what, labels in _COUNTERS:
        yield from _metric(f"{name}_total", what, labels, totals.get(name, {}), kind="counter")
    outcomes = {(outcome.value,): 0.0 for outcome in DeliveryOutcome} | totals.get("hook_deliveries", {})
    yield from _metric("hook_deliveries_total", "Deliveries to hooks.", ("outcome",), outcomes, kind="counter")
    for name, what, labels, bounds in _HISTOGRAMS:
        yield from _histogram(name, what, labels, bounds, totals)


def _histogram(
    name: str, what: str, labels: tuple[str, ...], bounds: Sequence[float], totals: Mapping[str, _Samples]
) -> Iterator[str]:
    yield f"# HELP mainspring_{name} {what}"
    yield f"# TYPE mainspring_{name} histogram"
    counts = totals.get(f"{name}_bucket", {})
    sums = totals.get(f"{name}_sum", {})
    # Without a label there is always one series, which begins with zeros.
    for values in sorted({key[:-1] for key in counts} | ({()} if not labels else set())):
        count = 0.0
        for bucket in (*(f"{bound:g}" for bound in bounds), "+Inf"):
            count += counts.get((*values, bucket), 0.0)
            yield f"mainspring_{name}_bucket{_labels((*labels, 'le'), (*values, bucket))} {count:.17g}"
        yield f"mainspring_{name}_sum{_labels(labels, values)} {sums.get(values, 0.0):.17g}"
        yield f"mainspring_{name}_count{_labels(labels, values)} {count:.17g}"


def _of_this_process(ctx: Context) -> Iterator[str]:
    lag = "How long a foreign transaction has kept events back in this process."
    yield from _metric("event_feed_lag_seconds", lag, (), {(): ctx.feed.lag_seconds})
    places = {("stream",): ctx.stream_places.count, ("wait",): ctx.wait_places.count}
    yield from _metric("open_answers", "Streams and waiting requests that are open in this process.", ("kind",), places)


def _single(counts: Mapping[str, int]) -> _Samples:
    return {(key,): count for key, count in counts.items()}


def _metric(
    name: str, what: str, labels: tuple[str, ...], samples: Mapping[Any, float], *, kind: str = "gauge"
) -> Iterator[str]:
    yield f"# HELP mainspring_{name} {what}"
    yield f"# TYPE mainspring_{name} {kind}"
    for values, value in sorted(samples.items()):
        yield f"mainspring_{name}{_labels(labels, values)} {value:.17g}"


def _labels(names: tuple[str, ...], values: tuple[str, ...]) -> str:
    text = ",".join(f'{name}="{_escaped(value)}"' for name, value in zip(names, values, strict=True))
    return f"{{{text}}}" if text else ""


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
