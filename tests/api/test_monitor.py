"""Health, readiness and version, for everybody; figures and workers, for viewers."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mainspring.states import AttemptState
from mainspring_api.resources.service.version import AIRFLOW_VERSION
from mainspring_store.access.roles import Role
from mainspring_store.resources.heartbeats import heartbeat, register_service, stop_service
from mainspring_store.scheduling.worker_protocol import ClaimRequest, Worker, claim_attempt, hear_worker
from mainspring_store.schema.migrate import head_revision
from tests.api.conftest import OpenApi
from tests.api.harness import SHELL, Api


def start(api: Api, name: str, at: datetime, *, kind: str = "scheduler", **details: Any) -> None:
    register_service(
        api.database, incarnation=name, kind=kind, hostname="h", pid=1, version="1", details=details, now=at
    )


def start_worker(
    api: Api, name: str, at: datetime, *attempt_ids: str, is_stopped: bool = False, pid: int = 7, **refusals: Any
) -> None:
    about = Worker(
        incarnation=name, hostname="far", pid=pid, version="1.2.3", queue="gpu", is_stopped=is_stopped, **refusals
    )
    hear_worker(api.database, about, attempt_ids, lease_expires_at=at + timedelta(seconds=10), now=at)


@pytest.mark.parametrize(
    ("age", "status"),
    [
        pytest.param(timedelta(seconds=1), "healthy", id="fresh"),
        pytest.param(timedelta(seconds=29), "healthy", id="just in time"),
        pytest.param(timedelta(seconds=31), "unhealthy", id="late"),
    ],
)
def test_a_scheduler_is_healthy_while_its_heart_beats(api: Api, age: timedelta, status: str) -> None:
    at = datetime.now(UTC) - age
    start(api, "one", at - timedelta(hours=1))
    heartbeat(api.database, "one", now=at)
    health = api.get("/monitor/health", token=None)
    assert health["metadatabase"]["status"] == "healthy"
    assert health["scheduler"]["status"] == status
    assert datetime.fromisoformat(health["scheduler"]["latest_scheduler_heartbeat"]) == at
    assert health["triggerer"]["status"] is None


@pytest.mark.parametrize(
    ("seconds", "status"),
    [
        pytest.param(-29.5, "healthy", id="behind"),
        pytest.param(30.0, "unhealthy", id="ahead, so that it creates no runs"),
        pytest.param(-3600.0, "unhealthy", id="far behind"),
    ],
)
def test_a_scheduler_whose_clock_is_far_off_is_not_healthy(api: Api, seconds: float, status: str) -> None:
    now = datetime.now(UTC)
    start(api, "one", now)
    assert api.get("/monitor/health", token=None)["scheduler"]["clock_offset_seconds"] is None
    heartbeat(api.database, "one", now=now, clock_offset=timedelta(seconds=seconds))
    scheduler = api.get("/monitor/health", token=None)["scheduler"]
    assert (scheduler["clock_offset_seconds"], scheduler["status"]) == (abs(seconds), status)


def test_a_machine_without_room_for_tasks_is_shown(sqlite_api: Api) -> None:
    now = datetime.now(UTC)
    assert sqlite_api.get("/monitor/health", token=None)["scheduler"]["refused_starts"] == {}
    start(sqlite_api, "one", now, refusals={"local": 3}, refused_for={"local": "No space left on device"})
    start(sqlite_api, "dead", now - timedelta(minutes=5), refused_for={"thread": "Cannot allocate memory"})
    health = sqlite_api.get("/monitor/health", token=None)["scheduler"]
    assert (health["status"], health["refused_starts"]) == ("healthy", {"local": "No space left on device"})
    assert figures(sqlite_api)['mainspring_executor_refusals_total{scheduler="h:1",executor="local"}'] == 3


def test_machines_of_workers_without_room_are_shown(api: Api) -> None:
    now, full = datetime.now(UTC), "No space left on device"
    start_worker(api, "first", now, pid=1, refusals_count=3, refusals_cause=full)
    start_worker(api, "second", now, pid=2, refusals_count=1, refusals_cause=full)
    start_worker(api, "room-again", now, pid=3, refusals_count=2)
    start_worker(api, "roomy", now, pid=4)
    start_worker(api, "stopped", now, pid=5, refusals_cause=full, is_stopped=True)
    start_worker(api, "silent", now - timedelta(minutes=5), pid=6, refusals_cause="Cannot allocate memory")
    health = api.get("/monitor/health", token=None)["worker"]
    assert (health["status"], health["refused_starts"]) == ("healthy", {full: 2})
    shown = {one["worker_id"]: (one["refusals"], one["refused_for"]) for one in api.get("/workers")["workers"]}
    assert shown["first"] == (3, full)
    assert (shown["room-again"], shown["roomy"]) == ((2, None), (0, None))
    told = figures(api)
    assert told[f'mainspring_workers_refusing{{cause="{full}"}}'] == 2
    counts = {1: 3, 2: 1, 3: 2}
    totals = {name: value for name, value in told.items() if "worker_refusals_total" in name}
    assert totals == {f'mainspring_worker_refusals_total{{worker="far:{pid}"}}': counts[pid] for pid in counts}


def test_without_a_scheduler_it_is_unhealthy_and_answers_200(sqlite_api: Api) -> None:
    assert sqlite_api.get("/monitor/health", token=None)["scheduler"]["status"] == "unhealthy"


def test_a_scheduler_that_stopped_orderly_does_not_count(sqlite_api: Api) -> None:
    now = datetime.now(UTC)
    start(sqlite_api, "one", now)
    stop_service(sqlite_api.database, "one", now=now)
    assert sqlite_api.get("/monitor/health", token=None)["scheduler"]["status"] == "unhealthy"


def test_of_several_schedulers_one_that_lives_is_enough(api: Api) -> None:
    now = datetime.now(UTC)
    for name, age in (("a", 1), ("b", 2), ("c", 300)):
        start(api, name, now - timedelta(seconds=age))
    health = api.get("/monitor/health", token=None)["scheduler"]
    assert (health["status"], health["alive"]) == ("healthy", 2)
    assert datetime.fromisoformat(health["latest_scheduler_heartbeat"]) == now - timedelta(seconds=1)


def test_remote_parts_have_no_status_until_there_was_one(sqlite_api: Api) -> None:
    health = sqlite_api.get("/monitor/health", token=None)
    assert health["worker"] == {
        "status": None, "latest_worker_heartbeat": None, "alive": 0, "refused_starts": {},
    }  # fmt: skip
    now = datetime.now(UTC)
    start(sqlite_api, "x", now - timedelta(minutes=1), kind="execution", lease_seconds=30)
    start_worker(sqlite_api, "w", now)
    health = sqlite_api.get("/monitor/health", token=None)
    assert (health["execution_api"]["status"], health["worker"]["status"]) == ("unhealthy", "healthy")


def test_it_is_ready_when_the_database_has_the_tables_of_this_version(api: Api) -> None:
    assert api.get("/ready", token=None) == {"status": "ready", "security": None}
    with api.database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
    refused = api.request("GET", "/ready", token=None)
    assert (refused.status, refused.json["code"], refused.headers["Retry-After"]) == (503, "not_ready", "1")
    assert refused.json["detail"] == f"the tables are of revision 0000, this version needs {head_revision()}"


FACTS = {
    "address": "127.0.0.1",
    "authentication": "tokens",
    "transport": "TLS",
    "database": "somewhere",
    "redis": "not used",
    "executors": "thread",
}


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_what_guards_it_is_told_to_administrators_alone(open_api: OpenApi, kind: str) -> None:
    with open_api(kind, security_facts=FACTS) as api:
        told = api.get("/ready")["security"]
        role, sessions = told.pop("database_role"), told.pop("database_sessions")
        assert told == FACTS
        assert role == (
            None if kind == "sqlite" else "'mainspring' may change tables, which it need not: docs/running.md"
        )
        assert (sessions is None) == (kind == "sqlite")
        assert sessions is None or sessions.startswith("read committed, UTF8, schema public")
        others = [api.token_of(role) for role in Role if role is not Role.ADMIN]
        for token in (None, "ms_unknown", api.token_of(Role.ADMIN, expires_at=datetime.now(UTC)), *others):
            assert api.get("/ready", token=token) == {"status": "ready", "security": None}


def test_tokens_are_not_guessed_by_asking_whether_it_is_ready(open_api: OpenApi) -> None:
    with open_api("sqlite", security_facts=FACTS) as api:
        statuses = [api.request("GET", "/ready", token=f"ms_{guess}").status for guess in range(120)]
        assert set(statuses) == {200, 429}
        assert api.get("/ready", token=None)["status"] == "ready"


def test_workers_tell_what_they_carry_and_whether_they_live(api: Api) -> None:
    api.save(tasks={"a": {**SHELL, "queue": "gpu"}})
    api.trigger(run_id="r1")
    api.engine.run_until_idle()
    attempt_id, now = api.engine.attempt("a").attempt_id, datetime.now(UTC)
    claim_request = ClaimRequest(
        attempt_id=attempt_id, token_hash="x", hostname="far", at=now, lease_expires_at=now + timedelta(hours=1)
    )
    assert claim_attempt(api.database, claim_request) is not None
    start_worker(api, "here", now, attempt_id)
    start_worker(api, "silent", now - timedelta(seconds=11))
    start_worker(api, "over", now - timedelta(minutes=1), is_stopped=True)
    start_worker(api, "forgotten", now - timedelta(days=2))
    listed = api.get("/workers")
    shown = {one["worker_id"]: one for one in listed["workers"]}
    assert [(name, one["status"]) for name, one in shown.items()] == [
        ("here", "alive"),
        ("silent", "silent"),
        ("over", "stopped"),
    ]
    assert listed["total_entries"] == 3
    here = shown["here"]
    assert (here["hostname"], here["pid"], here["version"], here["queues"]) == ("far", 7, "1.2.3", ["gpu"])
    (carried,) = here["attempts"]
    assert carried["attempt_id"] == attempt_id
    assert (carried["dag_id"], carried["dag_run_id"], carried["task_id"]) == ("etl", "r1", "a")
    assert (carried["map_index"], carried["try_number"]) == (-1, 1)
    assert shown["silent"]["attempts"] == []


def figures(api: Api) -> dict[str, float]:
    """Name with labels -> value; every line must be of Prometheus' text format."""
    answer = api.request("GET", "/metrics")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    found = {}
    for line in answer.body.decode().splitlines():
        sample = re.fullmatch(r'(mainspring_[a-z_]+(?:\{(?:[a-z_]+="(?:[^"\\]|\\.)*",?)+\})?) ([0-9.e+-]+)', line)
        assert sample or re.fullmatch(r"# (HELP \w+ .+|TYPE \w+ (gauge|counter|histogram))", line), line
        if sample:
            found[sample[1]] = float(sample[2])
    return found


def test_figures_tell_what_is_live_by_state_queue_and_executor(api: Api) -> None:
    api.save(tasks={"a": {**SHELL, "queue": "gpu"}, "b": SHELL, "c": {**SHELL, "depends_on": ["a"]}}, max_active_runs=1)
    api.trigger(run_id="r1")
    api.trigger(run_id="r2")
    api.engine.run_until_idle()
    api.engine.start("b")
    api.engine.run_until_idle()
    start(api, "s", datetime.now(UTC) - timedelta(seconds=5), room={"thread": 3}, passes=7, pass_seconds=0.25)
    told = figures(api)
    assert told['mainspring_runs{state="running"}'] == told['mainspring_runs{state="queued"}'] == 1
    assert told['mainspring_task_instances{state="scheduled"}'] == 1
    assert told[f'mainspring_attempts{{executor="thread",state="{AttemptState.RUNNING}"}}'] == 1
    assert told['mainspring_queue_length{queue="gpu"}'] == 1
    assert told["mainspring_task_instances_ready"] == 0
    assert told['mainspring_executor_room{scheduler="h:1",executor="thread"}'] == 3
    assert told['mainspring_scheduler_passes_total{scheduler="h:1"}'] == 7
    assert told['mainspring_scheduler_pass_seconds_total{scheduler="h:1"}'] == 0.25
    assert told['mainspring_services_alive{kind="scheduler"}'] == 1
    assert 5 <= told['mainspring_heartbeat_age_seconds{kind="scheduler"}'] < 60


def test_figures_of_what_is_over_are_no_figures_any_more(sqlite_api: Api) -> None:
    sqlite_api.save(tasks={"a": SHELL})
    sqlite_api.trigger(run_id="r1")
    sqlite_api.engine.run_until_idle()
    sqlite_api.engine.finish("a")
    start(sqlite_api, "s", datetime.now(UTC) - timedelta(minutes=1), passes=7)
    told = figures(sqlite_api)
    # Counters and histograms keep what is over; gauges do not.
    gauges = {name for name in told if not re.search(r"_(total|bucket|sum|count)($|\{)", name)}
    nonzero = {name for name in gauges if told[name] and "heartbeat" not in name}
    assert nonzero == set(), "what is over has no figure, or 0"
    assert "mainspring_task_instances_ready" in told
    assert told['mainspring_services_alive{kind="scheduler"}'] == 0


def test_a_broken_database_is_told_by_the_status_not_the_code(sqlite_api: Api) -> None:
    with sqlite_api.database.write() as connection:
        connection.exec_driver_sql("DROP TABLE service")
    assert sqlite_api.get("/monitor/health", token=None)["metadatabase"]["status"] == "unhealthy"


def test_the_version_is_told_to_everybody(sqlite_api: Api) -> None:
    assert sqlite_api.get("/version", token=None) == {
        "version": AIRFLOW_VERSION,
        "mainspring_version": "1.2.3",
        "git_version": None,
    }
