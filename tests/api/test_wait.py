"""Waiting for a run to end."""

from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import UTC, datetime
from itertools import islice
from threading import Timer

import orjson
import pytest

from mainspring_api.http.places import Places, TooManyWaits
from mainspring_store.access.roles import Role
from mainspring_store.resources.dag_deletion import delete_dag
from tests.api.conftest import OpenApi
from tests.api.harness import SHELL, Api


@pytest.fixture
def run(sqlite_api: Api) -> str:
    sqlite_api.save("etl", {"a": SHELL}, outputs={"total": "${{ tasks.a.outputs.return_value }}"})
    run_id = sqlite_api.trigger()
    sqlite_api.engine.run_until_idle()
    return run_id


def test_a_wait_ends_with_the_run_and_tells_the_results(sqlite_api: Api, run: str) -> None:
    finish = Timer(0.2, lambda: sqlite_api.engine.finish("a", run_id=run, outputs={"return_value": {"rows": [1, 2]}}))
    finish.start()
    waited = sqlite_api.get(f"/dags/etl/dagRuns/{run}/wait?interval=30&result=a&result=no_such&timeout=30")
    finish.join()
    assert waited["state"] == "success"
    assert waited["results"] == {"a": {"rows": [1, 2]}, "no_such": None}
    assert waited["outputs"] == {"total": {"rows": [1, 2]}}


def test_the_result_of_a_mapped_task_is_a_list_by_map_index(api: Api) -> None:
    api.save("etl", {"a": SHELL, "m": {**SHELL, "expand": {"item": [1, 2, 3]}}})
    api.trigger(run_id="r1")
    api.engine.run_until_idle()
    api.engine.finish("a", run_id="r1", outputs={"return_value": None})
    for map_index, value in ((2, {"x": 1}), (0, [])):
        api.engine.finish("m", run_id="r1", map_index=map_index, outputs={"return_value": value})
    api.engine.finish("m", run_id="r1", map_index=1)
    waited = api.get("/dags/etl/dagRuns/r1/wait?interval=1&result=m&result=a")
    assert (waited["state"], waited["results"]) == ("success", {"m": [[], {"x": 1}], "a": None})


def test_a_finished_run_is_told_at_once(sqlite_api: Api, run: str) -> None:
    sqlite_api.patch(f"/dags/etl/dagRuns/{run}", {"state": "failed"})
    waited = sqlite_api.get(f"/dags/etl/dagRuns/{run}/wait?interval=3600")
    assert (waited["state"], waited["state_reason"]) == ("failed", "cancelled")


@pytest.mark.parametrize("timeout", ["0", "0.05"])
def test_the_time_limit_of_a_wait_answers_the_present_state(sqlite_api: Api, run: str, timeout: str) -> None:
    assert sqlite_api.get(f"/dags/etl/dagRuns/{run}/wait?interval=1&timeout={timeout}")["state"] == "running"


def test_a_stream_tells_the_state_at_each_interval(sqlite_api: Api, run: str) -> None:
    finish = Timer(0.4, lambda: sqlite_api.engine.finish("a", run_id=run, outputs={"return_value": 1}))
    finish.start()
    answer = sqlite_api.request(
        "GET", f"/dags/etl/dagRuns/{run}/wait?interval=0.1&result=a", headers={"Accept": "application/x-ndjson"}
    )
    finish.join()
    assert (answer.status, answer.media_type) == (200, "application/x-ndjson")
    lines = [orjson.loads(line) for line in answer.body.splitlines()]
    assert len(lines) >= 3
    assert lines[:-1] == [{"state": "running"}] * (len(lines) - 1)
    assert (lines[-1]["state"], lines[-1]["results"]) == ("success", {"a": 1})


def test_who_also_takes_json_gets_json(sqlite_api: Api, run: str) -> None:
    answer = sqlite_api.request(
        "GET",
        f"/dags/etl/dagRuns/{run}/wait?interval=1&timeout=0",
        headers={"Accept": "application/x-ndjson,application/json"},
    )
    assert answer.media_type == "application/json"


def test_a_run_deleted_meanwhile_ends_the_wait(sqlite_api: Api, run: str) -> None:
    sqlite_api.patch(f"/dags/etl/dagRuns/{run}", {"state": "failed"})
    sqlite_api.patch("/dags/etl", {"is_paused": True})
    waiting = sqlite_api.trigger()
    delete = Timer(0.2, lambda: delete_dag(sqlite_api.database, "etl", now=datetime.now(UTC)))
    delete.start()
    waited = sqlite_api.get(f"/dags/etl/dagRuns/{waiting}/wait?interval=1&timeout=30")
    delete.join()
    assert waited["state"] is None
    assert "deleted" in waited["message"]


@pytest.mark.parametrize("query", ["interval=0", "interval=-1", "interval=x", "interval=1&timeout=-1"])
def test_the_numbers_of_a_wait_are_checked(sqlite_api: Api, run: str, query: str) -> None:
    sqlite_api.get(f"/dags/etl/dagRuns/{run}/wait?{query}", 422)


def test_many_waits_share_one_watcher_and_all_end(sqlite_api: Api, run: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        waits = [pool.submit(sqlite_api.get, f"/dags/etl/dagRuns/{run}/wait?interval=5&timeout=30") for _ in range(8)]
        sqlite_api.engine.finish("a", run_id=run, outputs={"return_value": 1})
        assert {wait.result(30)["state"] for wait in waits} == {"success"}


def test_no_principal_takes_all_places_for_waits() -> None:
    places = Places("waiting requests", 5, 2)
    for principal in ("anna", "anna", "bert", "bert"):
        places.take(principal)
    with pytest.raises(TooManyWaits, match="you have 2 waiting requests open of at most 2, all clients have 4"):
        places.take("anna")
    places.take("carl")
    with pytest.raises(TooManyWaits, match=r"you have 0 .* all clients have 5 of at most 5"):
        places.take("dora")
    places.give_back("anna")
    places.take("dora")
    assert places.count == 5


def test_one_viewer_leaves_places_to_others(open_api: OpenApi) -> None:
    with open_api("sqlite", waits_max=8) as api:
        api.save()
        run_id = api.trigger()
        path = f"/dags/etl/dagRuns/{run_id}/wait?interval=5&timeout="
        viewer = api.token_of(Role.VIEWER)
        with ThreadPoolExecutor(5) as pool:
            waits = [pool.submit(api.request, "GET", f"{path}60", token=viewer) for _ in range(4)]
            # Of eight places the viewer gets two; the others are turned away at once.
            refused = [wait.result(30) for wait in islice(as_completed(waits, 30), 2)]
            assert {(each.status, each.headers["Retry-After"]) for each in refused} == {(503, "1")}
            other = pool.submit(api.get, f"{path}60")
            api.patch(f"/dags/etl/dagRuns/{run_id}", {"state": "failed"})
            assert sorted(wait.result(30).status for wait in waits) == [200, 200, 503, 503]
            assert other.result(30)["state"] == "failed"


def test_a_wait_that_is_over_gives_its_place_back(open_api: OpenApi) -> None:
    with open_api("sqlite", waits_max=1) as api:
        api.save()
        run_id = api.trigger()
        path = f"/dags/etl/dagRuns/{run_id}/wait?interval=5&timeout="
        for _ in range(3):
            assert api.get(f"{path}0.01")["state"] == "queued"
        assert api.app.extensions["mainspring"].wait_places.count == 0
