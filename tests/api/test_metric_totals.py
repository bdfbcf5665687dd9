"""Totals of `/metrics`: ended runs and tasks by outcome, histograms, HTTP requests; the same in every process."""

import re
from collections.abc import Mapping
from contextlib import closing, nullcontext
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from mainspring.attempts import Finished, Outcome
from mainspring.errors import StoreUnavailable
from mainspring.metric_buckets import DURATION_BOUNDS, LATENCY_BOUNDS, bucket_name
from mainspring.states import StateReason
from mainspring_api.http import metric_totals as counting
from mainspring_store.backups import prepare_restored
from mainspring_store.queries.events import SettledEvents, floor_of_feed
from mainspring_store.resources import metric_totals
from mainspring_store.resources.metric_totals import add_totals, count_events, read_totals
from mainspring_store.tables import feed_event, metric_position, task_try
from tests.api.conftest import OpenApi
from tests.api.harness import SHELL, Api

FAILING = {"a": SHELL, "b": {**SHELL, "depends_on": ["a"]}}


def samples(api: Api, name: str) -> dict[tuple[tuple[str, str], ...], float]:
    """Labels -> value of a metric. Two requests: PostgreSQL settles the position of the log at the second look."""
    api.request("GET", "/metrics")
    page = api.request("GET", "/metrics").body.decode()
    found = re.findall(rf"^mainspring_{name}(?:\{{(.*)\}})? (\S+)$", page, re.MULTILINE)
    return {tuple(re.findall(r'(\w+)="([^"]*)"', labels)): float(value) for labels, value in found}


def by(labels: Mapping[tuple[tuple[str, str], ...], float]) -> dict[tuple[str, ...], float]:
    return {tuple(value for _, value in key): count for key, count in labels.items()}


def run_once(api: Api, run_id: str, *, dag_id: str = "etl", is_failing: bool = False) -> None:
    api.trigger(dag_id, run_id)
    api.engine.run_until_idle()
    if is_failing:
        api.engine.finish("a", run_id=run_id, outcome=Outcome.FAILED)
        return
    api.engine.finish("a", run_id=run_id)
    api.engine.finish("b", run_id=run_id)


def test_ended_runs_and_tasks_are_counted_by_dag_state_and_reason(api: Api) -> None:
    api.save("etl", FAILING)
    run_once(api, "r1")
    run_once(api, "r2")
    run_once(api, "r3", is_failing=True)
    api.trigger(run_id="r4")
    api.patch("/dags/etl/dagRuns/r4", {"state": "failed"})
    runs = by(samples(api, "runs_ended_total"))
    assert runs == {
        ("etl", "success", ""): 2,
        ("etl", "failed", "task_failed"): 1,
        ("etl", "failed", "cancelled"): 1,
    }
    tasks = by(samples(api, "tasks_ended_total"))
    assert tasks["etl", "success", ""] == 4
    assert sum(count for (_, state, _), count in tasks.items() if state == "upstream_failed") == 1
    assert sum(count for (_, state, _), count in tasks.items() if state == "failed") >= 1


def test_durations_and_waits_are_histograms(api: Api) -> None:
    api.save("etl", {"a": SHELL})
    api.trigger(run_id="r1")
    api.engine.run_until_idle()
    api.engine.finish("a", run_id="r1")
    run = api.get("/dags/etl/dagRuns/r1")
    task = api.get("/dags/etl/dagRuns/r1/taskInstances/a")
    for name, duration in (("run_duration_seconds", run["duration"]), ("task_duration_seconds", task["duration"])):
        buckets = by(samples(api, f"{name}_bucket"))
        counts = [*buckets.values()]
        assert counts == sorted(counts), "buckets are cumulative"
        assert counts.index(1) == [*buckets].index((bucket_name(DURATION_BOUNDS, duration),))
        assert buckets[("+Inf",)] == by(samples(api, f"{name}_count"))[()] == 1
        assert by(samples(api, f"{name}_sum"))[()] == pytest.approx(duration, abs=0.001)
    waits = by(samples(api, "task_queue_wait_seconds_bucket"))
    assert waits[("+Inf",)] == 1


def test_each_event_is_counted_once_whichever_process_counts(api: Api) -> None:
    api.save("etl", FAILING)
    run_once(api, "r1")
    readers = [SettledEvents(api.database) for _ in range(3)]
    for _ in range(3):
        for reader in readers:
            count_events(api.database, reader)
    assert read_totals(api.database)["runs_ended"] == {("etl", "success", ""): 1}
    api.delete("/dags/etl/dagRuns/r1")
    assert by(samples(api, "runs_ended_total")) == {("etl", "success", ""): 1}, "a total never goes back"


def test_further_dags_count_as_other(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metric_totals, "DAGS_MAX", 2)
    for number in range(4):
        api.save(f"d{number}", FAILING)
        run_once(api, "r1", dag_id=f"d{number}")
    runs = by(samples(api, "runs_ended_total"))
    assert runs == {("d0", "success", ""): 1, ("d1", "success", ""): 1, ("other", "success", ""): 2}


def test_many_events_are_counted_in_parts(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metric_totals, "EVENTS_AT_ONCE", 3)
    api.save("etl", FAILING)
    for number in range(3):
        run_once(api, f"r{number}")
    api.request("GET", "/metrics")
    with api.database.read() as connection:
        position = connection.scalar(select(metric_position.c.event_id)) or 0
        last = connection.scalar(select(func.max(feed_event.c.id))) or 0
    assert position < last, "a request counts a bounded number of them"
    api.app.extensions["mainspring"].totals.add()
    assert by(samples(api, "runs_ended_total")) == {("etl", "success", ""): 3}


def test_the_last_round_of_a_process_is_short(sqlite_api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metric_totals, "EVENTS_AT_ONCE", 1)
    totals = counting.MetricTotals(sqlite_api.database)
    sqlite_api.save("etl", FAILING)
    run_once(sqlite_api, "r1")
    with sqlite_api.database.read() as connection:
        before = connection.scalar(select(metric_position.c.event_id)) or 0
    totals.count("hook_deliveries", ("run",))
    totals.close()
    with sqlite_api.database.read() as connection:
        assert connection.scalar(select(metric_position.c.event_id)) == before + 1


def test_a_restore_skips_a_billion_numbers_and_costs_one_transaction(api: Api) -> None:
    api.save("etl", FAILING)
    run_once(api, "r1")
    prepare_restored(api.database, keeps_tokens=True, now=datetime.now(UTC))
    reader = SettledEvents(api.database)
    reader.look()
    assert not count_events(api.database, reader), "nothing is left"
    with api.database.read() as connection:
        assert connection.scalar(select(metric_position.c.event_id)) == floor_of_feed(api.database)
    assert read_totals(api.database)["runs_ended"] == {("etl", "success", ""): 1}, "no event of before is left out"


def test_the_duration_of_a_retried_task_is_that_of_each_try(api: Api) -> None:
    api.save("etl", {"a": {**SHELL, "retries": 1, "retry_delay": "PT1S"}})
    api.trigger(run_id="r1")
    engine = api.engine  # every access sets its clock
    for seconds, end in (
        (5, {"outcome": Outcome.FAILED, "reason": StateReason.EXIT_CODE}),
        (50, {"outcome": Outcome.SUCCESS}),
    ):
        engine.run_until_idle()
        engine.start("a")
        engine.run_until_idle()
        engine.clock.move(timedelta(seconds=seconds))
        attempt_id = engine.attempt("a").attempt_id
        engine.executor.report(Finished(attempt_id=attempt_id, seq=2, at=engine.clock.now(), **end))
        engine.executor.finished.add(attempt_id)
        engine.run_until_idle()
        engine.clock.move(timedelta(minutes=1))
    with api.database.read() as connection:
        tries = connection.execute(select(task_try.c.start_date, task_try.c.end_date)).all()
    durations = [(row.end_date - row.start_date).total_seconds() for row in tries]
    assert len({bucket_name(DURATION_BOUNDS, duration) for duration in durations}) == 2, "the tries differ"
    assert by(samples(api, "task_duration_seconds_count"))[()] == 2
    assert by(samples(api, "task_duration_seconds_sum"))[()] == pytest.approx(sum(durations), abs=0.001)
    assert by(samples(api, "task_queue_wait_seconds_count"))[()] == 2


def test_an_end_without_a_try_of_its_own_has_no_duration(api: Api) -> None:
    api.save("etl", FAILING)
    run_once(api, "r1")
    before = by(samples(api, "task_duration_seconds_sum"))[()]
    api.engine.clock.move(timedelta(minutes=1))
    clear = {"dag_run_id": "r1", "task_ids": ["a"], "include_downstream": True, "dry_run": False, "only_failed": False}
    api.post("/dags/etl/clearTaskInstances", clear)
    api.engine.run_until_idle()
    api.engine.finish("a", outcome=Outcome.FAILED)
    ends = by(samples(api, "tasks_ended_total"))
    assert sum(count for (_, state, _), count in ends.items() if state == "upstream_failed") == 1
    assert by(samples(api, "task_duration_seconds_count"))[()] == 3
    assert by(samples(api, "task_duration_seconds_sum"))[()] >= before


def test_a_task_that_is_cancelled_between_two_tries_has_the_duration_of_the_first(api: Api) -> None:
    api.save("etl", {"a": {**SHELL, "retries": 1, "retry_delay": "PT1H"}})
    api.trigger(run_id="r1")
    api.engine.run_until_idle()
    api.engine.finish("a", outcome=Outcome.FAILED)
    api.patch("/dags/etl/dagRuns/r1", {"state": "failed"})
    tasks = by(samples(api, "tasks_ended_total"))
    assert {(state, count) for (_, state, _), count in tasks.items()} == {("up_for_retry", 1), ("skipped", 1)}
    assert by(samples(api, "task_duration_seconds_count"))[()] == 1


def test_a_try_is_counted_although_its_task_was_cleared_meanwhile(api: Api) -> None:
    api.save("etl", {"a": SHELL})
    api.trigger(run_id="r1")
    api.engine.run_until_idle()
    api.engine.finish("a")
    api.engine.clock.move(timedelta(minutes=1))
    api.post("/dags/etl/clearTaskInstances", {"dag_run_id": "r1", "dry_run": False, "only_failed": False})
    api.engine.run_until_idle()
    assert by(samples(api, "task_duration_seconds_count"))[()] == 1


def test_requests_are_counted_by_route_and_never_by_path(sqlite_api: Api) -> None:
    api = sqlite_api
    api.save("etl", {"a": SHELL})
    for number in range(3):
        api.get(f"/dags/none-{number}", 404)
    api.request("GET", "/no/such/path/secret-part")
    api.request("POST", "/hooks/mh_secret-part", token=None, json={})
    requests = by(samples(api, "http_requests_total"))
    assert requests["GET", "/api/v2/dags/<dag_id>", "404"] == 3
    assert requests["PUT", "/api/v2/dags/<dag_id>", "201"] == 1
    assert requests["GET", "unknown", "404"] == 1
    assert requests["POST", "/api/v2/hooks/<hook_id>", "404"] == 1
    assert "secret-part" not in str(requests)
    latencies = by(samples(api, "http_request_duration_seconds_count"))
    assert latencies[("/api/v2/dags/<dag_id>",)] == 4


def test_invented_methods_are_counted_as_one(sqlite_api: Api) -> None:
    for number in range(5):
        sqlite_api.request(f"X{number}", "/version", token=None)
    methods = {method for method, *_ in by(samples(sqlite_api, "http_requests_total"))}
    assert "other" in methods
    assert methods <= {"GET", "POST", "other"}


def test_every_process_shows_the_same_totals(open_api: OpenApi) -> None:
    with open_api("sqlite") as first:
        settings = first.app.extensions["mainspring"].settings
        with closing(Api(settings.database_url, settings.home)) as second:
            first.get("/dags")
            second.get("/dags")
            first.request("GET", "/metrics")
            for api, others in ((second, 1), (first, 2)):
                # Only what was added counts: what a process has not added yet is in no answer of the others.
                page = api.request("GET", "/metrics").body.decode()
                counted = re.findall(r'route="/api/v2/dags",status="200"} (\d+)', page)
                assert counted[-1:] == ["2"], (others, counted)


@pytest.mark.parametrize("error", [StoreUnavailable("away"), ValueError("a fault")])
def test_counts_that_cannot_be_added_stay(sqlite_api: Api, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    totals = sqlite_api.app.extensions["mainspring"].totals
    totals.count("hook_deliveries", ("run",))

    def broken(*_: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(counting, "add_totals", broken)
        with nullcontext() if isinstance(error, StoreUnavailable) else pytest.raises(type(error)):
            totals.add()
    assert by(samples(sqlite_api, "hook_deliveries_total"))[("run",)] == 1


def test_totals_are_added_and_read(api: Api) -> None:
    for _ in range(2):
        add_totals(api.database, {("http_requests", ("GET", 'a"b', "200")): 2, ("x_sum", ()): 0.5})
    totals = read_totals(api.database)
    assert totals["http_requests"] == {("GET", 'a"b', "200"): 4}
    assert totals["x_sum"] == {(): 1.0}


@pytest.mark.parametrize(
    ("value", "name"), [(0.0, "0.001"), (0.001, "0.001"), (0.0011, "0.0025"), (5.0, "5"), (5.1, "+Inf")]
)
def test_a_value_on_a_bound_is_in_its_bucket(value: float, name: str) -> None:
    assert bucket_name(LATENCY_BOUNDS, value) == name
