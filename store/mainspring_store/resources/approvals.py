"""Answers of people to approvals. An answer is a request: only the scheduler ends the task, according to the answer."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, literal_column, select, update

from mainspring.definition.model import TaskType
from mainspring.errors import Conflict, InvalidInput, NotFound, Problem
from mainspring.events import EventKind
from mainspring.hints import did_you_mean
from mainspring.instants import format_instant, parse_instant
from mainspring_store.database.transactions import Database
from mainspring_store.queries.task_instances import instance_not_found
from mainspring_store.state.effects import lock_runs
from mainspring_store.state.events import write_event
from mainspring_store.tables import dag_run, task_instance

__all__ = ["answer_approval"]


def answer_approval(
    database: Database,
    dag_id: str,
    run_id: str,
    task_id: str,
    *,
    map_index: int = -1,
    choice: str,
    by: str,
    note: str | None,
    now: datetime,
) -> Mapping[str, Any]:
    """Store the answer to a waiting approval; returns the answer: `choice`, `by`, `note` and `at`.

    The first answer counts. The caller must notify the scheduler after the commit.

    Raises:
        NotFound: The task instance does not exist, or is no approval.
        Conflict: The approval was answered, has timed out, or does not wait now.
        InvalidInput: The approval has no such choice.
    """
    names = {"dag_id": dag_id, "run_id": run_id, "task_id": task_id, "map_index": map_index}
    with database.write() as connection:
        instance = connection.execute(_INSTANCE, names).one_or_none()
        if instance is None:
            raise instance_not_found(dag_id, run_id, task_id, map_index)
        if instance.operator != TaskType.APPROVAL:
            raise NotFound(
                f"task '{task_id}' of run '{run_id}' is a {instance.operator} task; only approvals are answered"
            )
        lock_runs(connection, [instance.dag_run_id])
        # Read again under the lock: a concurrent answer may have been stored first.
        row = connection.execute(_WAIT, {"key": instance.id}).one()
        waits_for = _open_wait(row.state, row.waits_for, task_id, now)
        _check_choice(choice, waits_for["choices"])
        answer = {"choice": choice, "by": by, "note": note, "at": format_instant(now)}
        connection.execute(_ANSWER, {"key": instance.id, "wait": {**waits_for, "answer": answer}, "now": now})
        write_event(
            connection,
            EventKind.APPROVAL,
            "answered",
            at=now,
            dag_run_id=instance.dag_run_id,
            instance_id=instance.id,
            data={"choice": choice},
        )
    return answer


def _open_wait(state: str, waits_for: Mapping[str, Any] | None, task_id: str, now: datetime) -> Mapping[str, Any]:
    if state != "deferred" or waits_for is None:
        raise Conflict(f"task '{task_id}' is {state}; it does not wait for an answer")
    if waits_for.get("answer") is not None:
        answer = waits_for["answer"]
        raise Conflict(f"task '{task_id}' was answered already, with '{answer['choice']}' by {answer['by']}")
    if waits_for["give_up_at"] is not None and parse_instant(waits_for["give_up_at"]) <= now:
        raise Conflict(f"task '{task_id}' waited for an answer until {waits_for['give_up_at']}, and no longer")
    return waits_for


def _check_choice(choice: str, choices: list[str]) -> None:
    if choice not in choices:
        hint = did_you_mean(choice, choices) or f"known: {', '.join(choices)}"
        problem = Problem(pointer="/choice", message=f"there is no choice '{choice}'", hint=hint, code="unknown_choice")
        raise InvalidInput([problem])


_ti = task_instance.c
_INSTANCE = (
    select(_ti.id, _ti.dag_run_id, _ti.operator)
    .join(dag_run, dag_run.c.id == _ti.dag_run_id)
    .where(
        dag_run.c.dag_id == bindparam("dag_id"),
        dag_run.c.run_id == bindparam("run_id"),
        _ti.task_id == bindparam("task_id"),
        _ti.map_index == bindparam("map_index"),
    )
)
_WAIT = select(_ti.state, _ti.waits_for).where(_ti.id == bindparam("key"))
_ANSWER = (
    update(task_instance)
    .where(_ti.id == bindparam("key"), _ti.state == literal_column("'deferred'"))
    .values(waits_for=bindparam("wait"), not_before=bindparam("now"), updated_at=bindparam("now"))
)
