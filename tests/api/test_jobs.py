"""The services as jobs: how they stand, and which are found."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from mainspring_store.resources.heartbeats import register_service, stop_service
from tests.api.harness import Api

ALIVE, STOPPED, SILENT = (str(UUID(int=number << 100)) for number in (1, 2, 3))


@pytest.fixture
def services(api: Api) -> Api:
    now = datetime.now(UTC)
    for incarnation, kind, age in ((ALIVE, "scheduler", 0), (STOPPED, "scheduler", 60), (SILENT, "execution", 120)):
        register_service(
            api.database,
            incarnation=incarnation,
            kind=kind,
            hostname=f"host-{kind}",
            pid=7,
            version="1",
            details={},
            now=now - timedelta(seconds=age),
        )
    stop_service(api.database, STOPPED, now=now)
    return api


def test_a_job_tells_whether_its_service_beats_stopped_or_went_silent(services: Api) -> None:
    listed = services.get("/jobs?order_by=-start_date")
    assert [(job["incarnation"], job["state"], job["job_type"]) for job in listed["jobs"]] == [
        (ALIVE, "running", "SchedulerJob"),
        (STOPPED, "success", "SchedulerJob"),
        (SILENT, "failed", "ExecutionApi"),
    ]
    assert listed["total_entries"] == len({job["id"] for job in listed["jobs"]}) == 3
    assert all(0 < job["id"] < 2**53 for job in listed["jobs"])


@pytest.mark.parametrize(
    "key", ["id", "dag_id", "state", "job_type", "start_date", "end_date", "latest_heartbeat", "executor_class",
            "hostname", "unixname"],
)  # fmt: skip
def test_jobs_are_ordered_by_all_that_airflow_orders_them_by(services: Api, key: str) -> None:
    found = services.get(f"/jobs?order_by={key}&order_by=-id")["jobs"]
    assert {job["incarnation"] for job in found} == {ALIVE, STOPPED, SILENT}
    if key == "state":
        assert [job["state"] for job in found] == ["running", "failed", "success"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("is_alive=true", {ALIVE}),
        ("is_alive=false", {STOPPED, SILENT}),
        ("job_state=success", {STOPPED}),
        ("job_state=success&is_alive=true", set()),
        ("job_type=SchedulerJob", {ALIVE, STOPPED}),
        ("job_type=TriggererJob", set()),
        ("hostname=host-execution", {SILENT}),
        ("job_state=restarting", set()),
        ("executor_class=LocalExecutor", set()),
        ("end_date_gte=2020-01-01T00:00:00Z", {ALIVE, STOPPED, SILENT}),
        ("end_date_gte=2100-01-01T00:00:00Z", {ALIVE, SILENT}),
        ("end_date_lt=2020-01-01T00:00:00Z", set()),
    ],
)
def test_jobs_are_found_by(services: Api, query: str, found: set[str]) -> None:
    assert {job["incarnation"] for job in services.get(f"/jobs?{query}")["jobs"]} == found
