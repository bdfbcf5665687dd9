"""Handlers of a run over HTTP, and a cancel that waits until all has stopped and is cleaned up."""

from collections.abc import Callable
from threading import Timer
from typing import Any

import pytest

from mainspring.attempts import Finished, Outcome
from tests.api.harness import SHELL, Answer, Api

RUN = "/dags/etl/dagRuns/r1"
TIDY = {**SHELL, "handler": "finally"}


def started(api: Api, **tasks: Any) -> None:
    api.save("etl", {"a": SHELL, **tasks})
    api.trigger(run_id="r1")
    api.engine.run_until_idle()


def stop(api: Api, task_id: str) -> None:
    """The processes of a cancelled attempt have stopped."""
    attempt_id = api.engine.attempt(task_id).attempt_id
    api.engine.executor.report(
        Finished(attempt_id=attempt_id, seq=2, at=api.engine.clock.now(), outcome=Outcome.CANCELLED)
    )
    api.engine.executor.finished.add(attempt_id)
    api.engine.run_until_idle()


def cancel(api: Api, wait: str, *steps: Callable[[], object]) -> Answer:
    """Cancel the run, with steps of the scheduler soon after; the answer must not come before the last of these."""
    begun: list[object] = []

    def go_on() -> None:
        for step in steps:
            begun.append(step)
            step()

    timer = Timer(0.2, go_on)
    timer.start()
    answer = api.request("PATCH", f"{RUN}?wait={wait}", json={"state": "failed"})
    begun_before = len(begun)
    timer.join()
    assert answer.status == 200, answer.body
    assert begun_before == len(steps), "the cancel did not wait"
    return answer


def test_a_cancel_that_waits_answers_when_the_handlers_have_ended(api: Api) -> None:
    started(api, tidy=TIDY)
    answer = cancel(api, "60", lambda: stop(api, "a"), lambda: api.engine.finish("tidy"))
    run = answer.json
    assert (run["state"], run["state_reason"], run["is_finished"]) == ("failed", "cancelled", True)
    assert run == api.get(RUN)


def test_a_cancel_that_waits_answers_when_the_processes_have_stopped(api: Api) -> None:
    started(api)
    answer = cancel(api, "0.05")
    assert (answer.json["state"], answer.headers["Retry-After"]) == ("failed", "1")
    assert cancel(api, "60", lambda: stop(api, "a")).json["state"] == "failed"
    assert "Retry-After" not in cancel(api, "60").headers


def test_the_run_goes_on_while_its_handlers_run(api: Api) -> None:
    started(api, tidy=TIDY)
    answer = cancel(api, "0.05")
    run = answer.json
    assert (run["state"], run["state_reason"], run["is_finished"]) == ("running", "cancelling", False)
    assert api.get(f"{RUN}/wait?timeout=0")["is_finished"] is False
    assert cancel(api, "0").json["state_reason"] == "cancelling"
    assert api.request("DELETE", RUN).status == 409


def test_handlers_are_named_in_lists(sqlite_api: Api) -> None:
    started(sqlite_api, tidy=TIDY)
    shown = {one["task_id"]: one for one in sqlite_api.get(f"{RUN}/taskInstances")["task_instances"]}
    assert {name: (one["handler"], one["state"], one["state_reason"]) for name, one in shown.items()} == {
        "a": (None, "queued", None),
        "tidy": ("finally", "removed", "handler"),
    }
    tasks = {one["task_id"]: one["handler"] for one in sqlite_api.get("/dags/etl/tasks")["tasks"]}
    assert tasks == {"a": None, "tidy": "finally"}


@pytest.mark.parametrize("wait", ["-1", "soon", "nan", "inf"])
def test_the_seconds_are_checked_before_a_run_is_cancelled(sqlite_api: Api, wait: str) -> None:
    started(sqlite_api)
    answer = sqlite_api.request("PATCH", f"{RUN}?wait={wait}", json={"state": "failed"})
    assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, "wait")
    assert sqlite_api.get(RUN)["state"] == "running"


def test_a_save_names_the_line_of_a_dependency_between_handlers_and_tasks(sqlite_api: Api) -> None:
    text = "tasks:\n  a: {type: noop}\n  tidy:\n    type: noop\n    handler: finally\n    depends_on: [a]\n"
    answer = sqlite_api.request("PUT", "/dags/etl", data=text, headers={"Content-Type": "application/yaml"})
    assert answer.status == 422
    (error,) = answer.json["errors"]
    assert (error["code"], error["pointer"], error["line"]) == ("invalid_dependency", "/tasks/tidy/depends_on/0", 6)
    assert "leave it out" in error["hint"]


def test_a_mark_that_waits_answers_when_the_teardown_has_ended(api: Api) -> None:
    started(api, up={**SHELL, "setup": True}, down={**SHELL, "depends_on": ["a", "up"], "teardown": {"of": ["up"]}})
    api.engine.finish("up")
    types = {task["task_id"]: task["setup_teardown_type"] for task in api.get("/dags/etl/tasks")["tasks"]}
    assert types == {"a": None, "up": "setup", "down": "teardown"}
    assert api.get(f"{RUN}/taskInstances/down")["setup_teardown_type"] == "teardown"
    answer = api.request("PATCH", RUN, json={"state": "success"})
    assert (answer.json["state"], answer.json["state_reason"]) == ("running", "cancelling")
    stop(api, "a")
    api.engine.finish("down")
    run = api.get(RUN)
    assert (run["state"], run["state_reason"], run["message"]) == ("success", "marked", "marked success by admin")
