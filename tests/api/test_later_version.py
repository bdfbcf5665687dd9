"""Rows and tables of the next version, whose processes work beside those of this version during an upgrade."""

from typing import Any

import pytest
from sqlalchemy import select, update

from mainspring.attempts import Outcome
from mainspring.errors import Conflict
from mainspring_store.resources.versions import Versions
from mainspring_store.tables import dag_version, feed_event, task_instance
from tests.api.harness import SHELL, Api
from tests.api.test_clear_and_mark import clear, finished, states
from tests.api.test_events import events

LATER_REASON = "reason_of_a_later_version"


def change(api: Api, statement: Any) -> None:
    with api.database.write() as connection:
        connection.execute(statement)


def test_a_process_stays_ready_when_a_later_version_upgrades_the_tables(api: Api) -> None:
    with api.database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    assert api.get("/ready", token=None)["status"] == "ready"


def test_an_instance_with_an_unknown_reason_is_shown_and_can_be_cleared(api: Api) -> None:
    finished(api, fail="a")
    change(api, update(task_instance).where(task_instance.c.task_id == "a").values(state_reason=LATER_REASON))
    assert api.get("/dags/etl/dagRuns/r1/taskInstances/a")["state_reason"] == LATER_REASON
    clear(api, dry_run=False, dag_run_id="r1")
    assert states(api) == {"a": "scheduled", "b": "scheduled"}


def test_an_unknown_reason_of_the_run_before_holds_nothing_up(api: Api) -> None:
    api.save("etl", {"a": SHELL, "b": {**SHELL, "depends_on_past": True}})
    api.trigger(run_id="r1")
    api.engine.run_until_idle()
    api.engine.finish("b", run_id="r1", outcome=Outcome.SKIPPED)
    change(api, update(task_instance).where(task_instance.c.state == "skipped").values(state_reason=LATER_REASON))
    api.trigger(run_id="r2")
    api.engine.run_until_idle()
    assert states(api, "r2")["b"] == "queued"


def test_a_definition_with_an_unknown_value_is_refused_with_its_dag_and_value(api: Api) -> None:
    api.save("etl", {"a": SHELL, "b": {**SHELL, "depends_on": ["a"], "trigger_rule": "all_done"}})
    with api.database.read() as connection:
        (row,) = connection.execute(select(dag_version.c.id, dag_version.c.document)).all()
    tasks = {**row.document["tasks"], "b": {**row.document["tasks"]["b"], "trigger_rule": "later_rule"}}
    change(api, update(dag_version).values(document={**row.document, "tasks": tasks}))
    with pytest.raises(
        Conflict, match=r"cannot read the definition of dag 'etl': 'later_rule' is not .*; run the later"
    ):
        Versions(api.database).definition(row.id)


def test_events_of_an_unknown_kind_are_left_out(api: Api) -> None:
    api.save()
    api.trigger(run_id="r1")
    before = api.get("/dags/etl/dagRuns/r1/events")["events"]
    assert [event["event"] for event in before] == ["run"]
    api.engine.run_until_idle()
    change(api, update(feed_event).where(feed_event.c.kind == "task").values(kind="later"))
    assert {event["event"] for event in api.get("/dags/etl/dagRuns/r1/events")["events"]} == {"run"}
    assert "later" not in {kind for kind, _ in events(api)}
