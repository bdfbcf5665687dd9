"""Answers of people to approvals. An answer is a request: only the scheduler ends the task, according to the answer."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NoReturn

from sqlalchemy import bindparam, literal_column, select, update

from mainspring.definition.model import TaskType
from mainspring.errors import Conflict, InvalidInput, InvalidParams, MainspringError, NotFound, Problem
from mainspring.events import EventKind
from mainspring.hints import did_you_mean
from mainspring.instants import format_instant, parse_instant
from mainspring.params import resolve_params
from mainspring.waits import REJECT
from mainspring_store.access.roles import Principal, Role
from mainspring_store.database.transactions import Database
from mainspring_store.queries.task_instances import instance_not_found
from mainspring_store.state.effects import lock_runs
from mainspring_store.state.events import write_event
from mainspring_store.tables import dag_run, task_instance

__all__ = ["NotAssigned", "Reply", "answer_approval"]


VALUES_BYTES_MAX = 64 * 1024


class NotAssigned(MainspringError):
    """An approval that other people are to answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """The answer of a user to an approval."""

    choices: Sequence[str]
    """At least one; the first one is the `choice` of the answer."""
    values: Mapping[str, Any] = field(default_factory=dict)
    note: str | None = None
    choices_at: str = "/choices"
    """Pointer to the choices in the request: `/choice` = to a single choice."""
    values_at: str = "/values"
    """Pointer to the values in the request."""

    def pointer(self, position: int) -> str:
        return self.choices_at if self.choices_at == "/choice" else f"{self.choices_at}/{position}"


def answer_approval(
    database: Database,
    dag_id: str,
    run_id: str,
    task_id: str,
    *,
    map_index: int = -1,
    reply: Reply,
    by: Principal,
    now: datetime,
) -> Mapping[str, Any]:
    """Store the answer to a waiting approval; returns the answer: `choice`, `choices`, `values`, `by`, `note` and `at`.

    The first answer counts. The caller must notify the scheduler after the commit.

    Raises:
        NotFound: The task instance does not exist, or is no approval.
        Conflict: The approval was answered, has timed out, or does not wait now.
        NotAssigned: The approval is assigned to other people.
        InvalidInput: The approval has no such choice, or takes no such values.
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
        _check_assigned(waits_for.get("assigned"), by, dag_id, task_id)
        answer = {**_checked(reply, waits_for), "by": by.name, "note": reply.note, "at": format_instant(now)}
        connection.execute(_ANSWER, {"key": instance.id, "wait": {**waits_for, "answer": answer}, "now": now})
        write_event(
            connection,
            EventKind.APPROVAL,
            "answered",
            at=now,
            dag_run_id=instance.dag_run_id,
            instance_id=instance.id,
            data={"choice": answer["choice"]},
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


def _check_assigned(assigned: Mapping[str, Any] | None, by: Principal, dag_id: str, task_id: str) -> None:
    """An administrator is no exception: the author of the DAG wanted other people to look."""
    if assigned is None or (by.user_id is not None and by.name in assigned.get("users", ())):
        return
    role = by.role_on(dag_id)
    if role is not None and any(role.includes(Role(name)) for name in assigned.get("roles", ())):
        return
    users, roles = assigned.get("users", ()), assigned.get("roles", ())
    who = [f"the users {', '.join(users)}"] * bool(users) + [f"the roles {', '.join(roles)}"] * bool(roles)
    raise NotAssigned(f"task '{task_id}' may be answered by {' and '.join(who)}; ask one of them")


def _checked(reply: Reply, waits_for: Mapping[str, Any]) -> dict[str, Any]:
    """`choice`, `choices` and `values` of the answer."""
    offered, choices = waits_for["choices"], reply.choices
    for position, choice in enumerate(choices):
        if choice not in offered:
            hint = did_you_mean(choice, offered) or f"known: {', '.join(offered)}"
            _refuse(reply.pointer(position), f"there is no choice '{choice}'", hint, "unknown_choice")
    if len(choices) > 1 and not waits_for.get("multiple"):
        _refuse(reply.pointer(1), "the approval takes a single choice", "send one choice", "invalid_value")
    if len(choices) > 1 and REJECT in choices:
        message = f"'{REJECT}' cannot be combined with other choices"
        _refuse(reply.pointer(choices.index(REJECT)), message, "send one of them", "invalid_value")
    if len(set(choices)) < len(choices):
        _refuse(reply.pointer(0), "a choice is named twice", "send each choice once", "invalid_value")
    # A rejection needs no values, and keeps none.
    values = {} if REJECT in choices else _checked_values(reply, waits_for.get("params"))
    return {"choice": choices[0], "choices": list(choices), "values": values}


def _checked_values(reply: Reply, schema: Mapping[str, Any] | None) -> dict[str, Any]:
    if schema is None:
        if reply.values:
            _refuse(reply.values_at, "the approval takes no values", "leave them out", "unknown_field")
        return {}
    size = len(json.dumps(reply.values).encode())
    if size > VALUES_BYTES_MAX:
        message = f"the values have {size} bytes; at most {VALUES_BYTES_MAX} are allowed"
        _refuse(reply.values_at, message, "hand large data over as a reference", "out_of_range")
    try:
        return resolve_params(schema, reply.values)
    except InvalidParams as exc:
        problems = [replace(problem, pointer=reply.values_at + problem.pointer) for problem in exc.problems]
        raise InvalidInput(problems) from exc


def _refuse(pointer: str, message: str, hint: str, code: str) -> NoReturn:
    raise InvalidInput([Problem(pointer=pointer, message=message, hint=hint, code=code)])


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
