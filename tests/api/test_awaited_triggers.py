"""A trigger that waits for the end of its run, in one request."""

from datetime import UTC, datetime
from threading import Timer

import pytest

from mainspring.attempts import LogChunk
from mainspring_store.access.roles import Role
from mainspring_store.resources.dag_deletion import delete_dag
from tests.api.conftest import OpenApi
from tests.api.harness import SHELL, Answer, Api

PATH = "/dags/etl/dagRuns"
KEY = {"Idempotency-Key": "one"}


def started_and_ended(api: Api, **report: object) -> Timer:
    """What the scheduler does soon after the trigger: start the run and end its only task."""

    def go_on() -> None:
        api.engine.run_until_idle()
        api.engine.finish("a", run_id="r1", **report)

    timer = Timer(0.2, go_on)
    timer.start()
    return timer


def trigger(api: Api, wait: str, status: int = 200, **options: object) -> Answer:
    answer = api.request("POST", f"{PATH}?wait={wait}", json={"dag_run_id": "r1"}, **options)
    assert answer.status == status, answer.body
    return answer


def test_a_trigger_that_waits_answers_the_run_at_its_end(api: Api) -> None:
    api.save("etl", {"a": SHELL}, outputs={"rows": "${{ tasks.a.outputs.rows }}"})
    end = started_and_ended(api, outputs={"rows": 7})
    answer = trigger(api, "60")
    end.join()
    run = answer.json
    assert (run["dag_run_id"], run["state"], run["is_finished"], run["outputs"]) == ("r1", "success", True, {"rows": 7})
    assert answer.headers["Location"] == "/api/v2/dags/etl/dagRuns/r1"
    assert run == api.get(answer.headers["Location"])


def test_the_run_as_it_is_when_the_time_is_over_is_the_answer(api: Api) -> None:
    api.save("etl", {"a": SHELL})
    answer = trigger(api, "0.05")
    assert (answer.json["state"], answer.json["is_finished"]) == ("queued", False)
    assert answer.headers["Retry-After"] == "1"
    assert api.get(f"{PATH}/r1")["state"] == "queued"


def test_a_replay_answers_the_present_state_of_the_same_run(api: Api) -> None:
    api.save("etl", {"a": SHELL})
    first = trigger(api, "0.05", headers=KEY)
    assert (first.json["is_finished"], "Idempotency-Replayed" in first.headers) == (False, False)
    api.engine.run_until_idle()
    api.engine.finish("a", run_id="r1")
    second = trigger(api, "0.05", headers=KEY)
    assert second.headers["Idempotency-Replayed"] == "true"
    assert (second.json["state"], second.json["is_finished"]) == ("success", True)
    assert "Retry-After" not in second.headers
    assert api.get(PATH)["total_entries"] == 1


def test_a_replay_waits_on(api: Api) -> None:
    api.save("etl", {"a": SHELL})
    trigger(api, "0.05", headers={"Idempotency-Key": "one"})
    end = started_and_ended(api)
    # Another number of seconds is another request: the key belongs to the first.
    refused = trigger(api, "60", 422, headers=KEY)
    assert refused.json["errors"][0]["code"] == "idempotency_key_reused"
    end.join()
    assert trigger(api, "0.05", headers=KEY).json["state"] == "success"


def test_a_replay_of_a_run_that_was_deleted_is_not_found(sqlite_api: Api) -> None:
    sqlite_api.save("etl", {"a": SHELL})
    trigger(sqlite_api, "0.05", headers=KEY)
    sqlite_api.patch(f"{PATH}/r1", {"state": "failed"})
    sqlite_api.delete(f"{PATH}/r1")
    trigger(sqlite_api, "0.05", 404, headers=KEY)


def test_a_run_that_is_deleted_during_the_wait_is_answered_as_it_was_made(sqlite_api: Api) -> None:
    sqlite_api.save("etl", {"a": SHELL}, is_paused_upon_creation=True)
    delete = Timer(0.2, lambda: delete_dag(sqlite_api.database, "etl", now=datetime.now(UTC)))
    delete.start()
    answer = trigger(sqlite_api, "60")
    delete.join()
    assert (answer.json["state"], answer.json["is_finished"]) == ("queued", False)


def test_a_trigger_without_a_place_to_wait_makes_its_run_and_answers_at_once(open_api: OpenApi) -> None:
    with open_api("sqlite", waits_max=1) as api:
        api.save("etl", {"a": SHELL})
        api.app.extensions["mainspring"].wait_places.take("somebody else")
        answer = trigger(api, "60")
        assert (answer.json["state"], answer.headers["Retry-After"]) == ("queued", "1")
        assert api.get(f"{PATH}/r1")["state"] == "queued"


def test_a_wait_gives_its_place_back(sqlite_api: Api) -> None:
    sqlite_api.save("etl", {"a": SHELL})
    trigger(sqlite_api, "0.01")
    assert sqlite_api.app.extensions["mainspring"].wait_places.count == 0


def test_the_setting_bounds_the_wait(open_api: OpenApi) -> None:
    with open_api("sqlite", wait_seconds_max=0.05) as api:
        api.save("etl", {"a": SHELL})
        assert trigger(api, "86400").json["is_finished"] is False


@pytest.mark.parametrize("wait", ["-1", "soon", "nan", "inf"])
def test_the_seconds_are_checked_before_a_run_is_made(sqlite_api: Api, wait: str) -> None:
    sqlite_api.save("etl", {"a": SHELL})
    assert trigger(sqlite_api, wait, 422).json["errors"][0]["pointer"] == "wait"
    assert sqlite_api.get(PATH)["total_entries"] == 0


def test_a_trigger_that_does_not_wait_names_its_run_too(sqlite_api: Api) -> None:
    sqlite_api.save("etl", {"a": SHELL})
    answer = sqlite_api.request("POST", PATH, json={"dag_run_id": "b+c:d"})
    assert answer.headers["Location"] == "/api/v2/dags/etl/dagRuns/b%2Bc%3Ad"
    assert sqlite_api.get(answer.headers["Location"])["dag_run_id"] == "b+c:d"
    assert "Retry-After" not in answer.headers


def test_a_viewer_may_not_trigger_to_wait(sqlite_api: Api) -> None:
    sqlite_api.save("etl", {"a": SHELL})
    trigger(sqlite_api, "60", 403, token=sqlite_api.token_of(Role.VIEWER))


def test_a_wait_tells_the_failed_tasks_with_the_ends_of_their_logs(api: Api) -> None:
    tasks = {"a": SHELL, "b": {**SHELL, "depends_on": ["a"]}}
    api.save("etl", tasks)
    api.trigger(run_id="r1")
    api.engine.run_until_idle()
    log = "".join(f"line {number}\n" for number in range(30)) + "unfinished"
    attempt_id = api.engine.attempt("a").attempt_id
    chunk = LogChunk(attempt_id=attempt_id, at=datetime.now(UTC), offset=0, data=log.encode())
    api.engine.start("a")
    api.engine.executor.report(chunk)
    api.engine.step()
    api.engine.fail("a", exit_code=7)
    waited = api.get(f"{PATH}/r1/wait")
    assert (waited["state"], waited["is_finished"], waited["exit_code"]) == ("failed", True, 1)
    (failed,) = waited["failed_tasks"]
    assert (failed["task_id"], failed["try_number"], failed["exit_code"]) == ("a", 1, 7)
    assert failed["last_lines"] == [*(f"line {number}" for number in range(11, 30)), "unfinished"]
    assert waited["failed_tasks_total"] == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param(None, 4, id="not ended"),
        pytest.param({"state": "failed"}, 3, id="cancelled"),
        pytest.param({"state": "success"}, 0, id="success"),
    ],
)
def test_a_wait_tells_the_exit_code(sqlite_api: Api, change: object, code: int) -> None:
    sqlite_api.save("etl", {"a": SHELL})
    sqlite_api.trigger(run_id="r1")
    if change is not None:
        sqlite_api.patch(f"{PATH}/r1", change)
    assert sqlite_api.get(f"{PATH}/r1/wait?timeout=0")["exit_code"] == code
