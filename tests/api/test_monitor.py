"""Health and version, for everybody."""

from datetime import UTC, datetime, timedelta

import pytest

from mainspring_store.services import beat, register_service, stop_service
from tests.api.harness import Api


def start_scheduler(api: Api, name: str, at: datetime) -> None:
    register_service(
        api.database, incarnation=name, kind="scheduler", hostname="h", pid=1, version="1", details={}, now=at
    )


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
    start_scheduler(api, "one", at - timedelta(hours=1))
    beat(api.database, "one", now=at)
    health = api.get("/monitor/health", token=None)
    assert health["metadatabase"]["status"] == "healthy"
    assert health["scheduler"]["status"] == status
    assert datetime.fromisoformat(health["scheduler"]["latest_scheduler_heartbeat"]) == at
    assert health["triggerer"]["status"] is None


def test_without_a_scheduler_it_is_unhealthy_and_answers_200(sqlite_api: Api) -> None:
    assert sqlite_api.get("/monitor/health", token=None)["scheduler"]["status"] == "unhealthy"


def test_a_scheduler_that_stopped_orderly_does_not_count(sqlite_api: Api) -> None:
    now = datetime.now(UTC)
    start_scheduler(sqlite_api, "one", now)
    stop_service(sqlite_api.database, "one", now=now)
    assert sqlite_api.get("/monitor/health", token=None)["scheduler"]["status"] == "unhealthy"


def test_a_broken_database_is_told_by_the_status_not_the_code(sqlite_api: Api) -> None:
    with sqlite_api.database.write() as connection:
        connection.exec_driver_sql("DROP TABLE service")
    assert sqlite_api.get("/monitor/health", token=None)["metadatabase"]["status"] == "unhealthy"


def test_the_version_is_told_to_everybody(sqlite_api: Api) -> None:
    assert sqlite_api.get("/version", token=None) == {"version": "1.2.3", "git_version": None}
