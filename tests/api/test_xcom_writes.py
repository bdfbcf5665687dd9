"""Outputs written from outside."""

from typing import Any

import pytest

from tests.api.harness import Api

ENTRIES = "/dags/etl/dagRuns/r1/taskInstances/a/xcomEntries"


@pytest.fixture
def run(api: Api) -> Api:
    api.save()
    api.trigger(run_id="r1")
    return api


def test_an_output_is_created_corrected_and_deleted(run: Api) -> None:
    created = run.post(ENTRIES, {"key": "rows", "value": {"n": [1, None]}}, 201)
    assert (created["key"], created["value"], created["map_index"]) == ("rows", {"n": [1, None]}, -1)
    run.post(ENTRIES, {"key": "rows", "value": 1}, 409)
    assert run.patch(f"{ENTRIES}/rows", {"value": None})["value"] is None
    assert run.get(f"{ENTRIES}/rows")["value"] is None
    run.delete(f"{ENTRIES}/rows")
    run.delete(f"{ENTRIES}/rows", 404)
    run.patch(f"{ENTRIES}/rows", {"value": 1}, 404)


def test_tasks_downstream_read_what_was_written(api: Api) -> None:
    reader = {"type": "shell", "command": ["echo", "${{ tasks.a.outputs.rows }}"], "depends_on": ["a"]}
    api.save("etl", {"a": {"type": "shell", "command": ["true"]}, "b": reader})
    api.trigger(run_id="r1")
    api.engine.run_until_idle()
    api.post(ENTRIES, {"key": "rows", "value": 7}, 201)
    api.engine.finish("a")
    assert api.get("/dags/etl/dagRuns/r1/taskInstances/b")["state"] == "queued"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"key": "rows"}, 422),
        ({"value": 1}, 422),
        ({"key": "", "value": 1}, 422),
        ({"key": "a/b", "value": 1}, 422),
        ({"key": "rows", "value": "x" * (256 * 1024)}, 422),
        ({"key": "rows", "value": 1, "map_index": 3}, 404),
    ],
)
def test_a_wrong_output_is_refused(run: Api, body: dict[str, Any], status: int) -> None:
    run.post(ENTRIES, body, status)
