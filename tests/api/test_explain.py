"""Explanations: every cause of a wait is staged on both kinds of database, and the answer names it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert

from mainspring.blockers import CODES, BlockCode
from mainspring_api.document.block_codes import with_table
from mainspring_store.resources.heartbeats import note_outage
from mainspring_store.tables import scheduler_outage, service
from tests.api.conftest import OpenApi
from tests.api.explain_scenes import STAGED
from tests.api.explain_stage import Stage, codes, only
from tests.api.harness import SHELL, Api


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared_api(request: pytest.FixtureRequest, open_api: OpenApi) -> Iterator[Api]:
    with ExitStack() as stack:
        yield stack.enter_context(open_api(request.param))


@pytest.fixture
def stage(shared_api: Api) -> Stage:
    return Stage(shared_api)


@pytest.mark.parametrize(
    ("code", "play"),
    [(code, play) for code, plays in STAGED.items() for play in plays],
    ids=lambda part: getattr(part, "__name__", None),
)
def test_each_cause_is_named(stage: Stage, code: BlockCode, play: Callable[[Stage], Any]) -> None:
    assert code in codes(play(stage))


def test_every_code_is_staged_and_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "observability.md").read_text(encoding="utf-8")
    assert set(STAGED) == set(BlockCode) == set(CODES)
    assert with_table(page) == page, "run ./dev openapi"


def test_holders_in_unseen_dags_are_counted_and_not_named(stage: Stage) -> None:
    pool = f"shared-{stage.dag_id}"
    stage.api.post("/pools", {"name": pool, "slots": 2}, 201)
    other = f"other-{stage.dag_id}"
    stage.api.save(other, {"x": {**SHELL, "pool": pool}})
    stage.api.trigger(other, "secret-run")
    stage.start({"a": {**SHELL, "pool": pool}, "b": {**SHELL, "pool": pool}})
    token = stage.viewer()
    blocker = only(stage.of_task("b", token=token), BlockCode.POOL_FULL)
    assert (blocker["holders_total"], blocker["holders_hidden"]) == (2, 1)
    assert [holder["dag_id"] for holder in blocker["holders"]] == [stage.dag_id]
    assert other not in str(stage.of_run(token=token))
    assert "secret-run" not in str(stage.of_run(token=token))
    assert only(stage.of_task("b"), BlockCode.POOL_FULL)["holders_hidden"] == 0


def test_a_run_lists_first_what_waits_for_more_than_its_upstream(stage: Stage) -> None:
    tasks = {f"t{number}": {**SHELL, "depends_on": ["z"]} for number in range(30)}
    stage.start({**tasks, "z": SHELL, "approve": {"type": "approval", "message": "Go?"}})
    answer = stage.of_run()
    assert (answer["state"], codes(answer), answer["waiting_total"]) == ("running", [], 32)
    assert len(answer["instances"]) == 20
    assert {instance["task_id"] for instance in answer["instances"][:2]} == {"z", "approve"}
    assert codes(answer["instances"][2]) == ["upstream_not_done"]
    stage.api.patch(f"/dags/{stage.dag_id}/dagRuns/r1", {"state": "failed"})
    assert stage.of_run() == {
        "state": "failed",
        "earliest_start": None,
        "blockers": [],
        "satisfied": [],
        "instances": [],
        "waiting_total": 0,
    }


def test_what_runs_or_has_succeeded_has_no_blocker(stage: Stage) -> None:
    stage.start()
    [attempt] = [each for each in stage.engine.executor.open if each.dag_id == stage.dag_id]
    assert attempt.task_id == "a"
    stage.finish("a")
    answer = stage.of_task("a")
    assert (answer["state"], answer["blockers"]) == ("success", [])
    stage.of_task("none", status=404)
    stage.of_run("none", status=404)
    stage.api.get("/dags/none/explain", 404)


def test_an_outage_is_noted_once_and_kept_for_90_days(stage: Stage) -> None:
    database, now = stage.api.database, stage.now
    with database.write() as connection:
        connection.execute(delete(scheduler_outage))
        old = now - timedelta(days=91)
        connection.execute(insert(scheduler_outage), {"began_at": old, "ended_at": old})
    note_outage(database, now=now + timedelta(seconds=29))
    with database.read() as connection:
        assert connection.execute(scheduler_outage.select()).all() == []
    note_outage(database, now=now + timedelta(seconds=31))
    note_outage(database, now=now + timedelta(seconds=90))
    with database.read() as connection:
        [(began_at, ended_at)] = connection.execute(scheduler_outage.select()).all()
    assert abs(began_at - now) < timedelta(milliseconds=1)
    assert abs(ended_at - now - timedelta(seconds=31)) < timedelta(milliseconds=1)


def test_without_any_scheduler_ever_there_is_no_outage(stage: Stage) -> None:
    with stage.api.database.write() as connection:
        connection.execute(delete(scheduler_outage))
        connection.execute(delete(service))
    note_outage(stage.api.database, now=stage.now)
    with stage.api.database.read() as connection:
        assert connection.execute(scheduler_outage.select()).all() == []
    stage.start()
    assert codes(stage.of_run())[0] == "scheduler_down"
