"""Approvals, open and answered."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import (
    ColumnElement,
    ScalarSelect,
    Text,
    and_,
    bindparam,
    case,
    false,
    func,
    literal_column,
    not_,
    or_,
    select,
)

from mainspring.definition.model import TaskType
from mainspring.errors import NotFound
from mainspring.states import StateReason
from mainspring_store.database.transactions import Database
from mainspring_store.queries.filters import Filter, Kind, constant, equal_to, json_text, patterns, ranges, search
from mainspring_store.queries.listing import Listed, Listing, ListQuery, SortKey, list_rows
from mainspring_store.queries.task_instances import INSTANCES
from mainspring_store.tables import dag, dag_run, dag_version, task_instance, xcom

__all__ = ["APPROVALS", "STARTED_APPROVALS", "get_started_approval", "list_open_approvals", "list_started_approvals"]

MAP_INDEX_MAX = 2**31 - 1
"""Largest map index that the column holds."""

_ti = task_instance.c
_APPROVAL = (
    select(
        dag_run.c.dag_id,
        dag.c.display_name,
        dag_run.c.run_id,
        _ti.task_id,
        _ti.map_index,
        _ti.map_key,
        _ti.start_date,
        _ti.waits_for,
    )
    .join(dag_run, dag_run.c.id == _ti.dag_run_id)
    .join(dag, dag.c.dag_id == dag_run.c.dag_id)
    .where(_ti.operator == literal_column(f"'{TaskType.APPROVAL}'"))
)

APPROVALS = Listing(
    rows=_APPROVAL,
    filters={
        **patterns("dag_id", dag_run.c.dag_id),
        **patterns("run_id", dag_run.c.run_id),
        **patterns("task_id", _ti.task_id),
    },
    sort_keys={
        "id": SortKey(column=_ti.id, kind=Kind.INTEGER, is_nullable=False),
        "requested_at": SortKey(column=_ti.start_date, kind=Kind.INSTANT),
        "dag_id": SortKey(column=dag_run.c.dag_id, kind=Kind.TEXT, is_nullable=False),
    },
    default_order=("requested_at",),
    tie_breaker=("id",),
    dag_id=dag_run.c.dag_id,
)


_IS_APPROVAL = _ti.operator == literal_column(f"'{TaskType.APPROVAL}'")


def _output(key: str) -> ScalarSelect[Any]:
    """An output of the instance, as JSON text. The outputs of an approval contain its answer."""
    return (
        select(xcom.c.value)
        .where(xcom.c.task_instance_id == _ti.id, xcom.c.key == literal_column(f"'{key}'"))
        .correlate(task_instance)
        .scalar_subquery()
    )


_is_rejected = _ti.state_reason == literal_column(f"'{StateReason.APPROVAL_REJECTED}'")


def _is_answered(now: datetime) -> ColumnElement[bool]:
    """Whether an approval ended with an answer, or is due: then the scheduler is about to end the task."""
    is_due = and_(_ti.state == literal_column("'deferred'"), _ti.not_before <= now)
    return or_(_output("choice").is_not(None), func.coalesce(_is_rejected, false()), func.coalesce(is_due, false()))


def _key(name: str) -> ColumnElement[str]:
    return literal_column(f"'{name}'", Text())


# The rendered message during the wait, and the message of the definition afterwards.
_subject = case(
    (_ti.waits_for.is_not(None), json_text(_ti.waits_for, _key("message"))),
    else_=json_text(dag_version.c.document, _key("tasks"), _ti.task_id, _key("message")),
)


def _responded_by(names: Sequence[str]) -> ColumnElement[bool]:
    """Whether one of these users or tokens gave the recorded answer."""
    during_the_wait = json_text(_ti.waits_for, _key("answer"), _key("by")).in_(names)
    return or_(during_the_wait, _output("by").in_([orjson.dumps(name).decode() for name in names]))


STARTED_APPROVALS = Listing(
    rows=INSTANCES.rows.add_columns(
        *(_output(key).label(f"answer_{key}") for key in ("choice", "choices", "values", "by", "at")),
    ).where(_IS_APPROVAL, _ti.start_date.is_not(None)),
    filters={
        **patterns("dag_id", dag_run.c.dag_id),
        "task_id": equal_to(_ti.task_id),
        **patterns("task_id", _ti.task_id),
        "map_index": equal_to(_ti.map_index, Kind.INTEGER),
        "state": INSTANCES.filters["state"],
        **ranges("created_at", _ti.start_date, Kind.INSTANT),
        **search("subject", _subject),
        # An approval has no body, and a name is also the id of its user or token.
        "body_search": constant(Kind.TEXT, lambda text: text.strip(" |") in ("", "~")),
        "responded_by_user_id": Filter(kind=Kind.TEXT, clause=_responded_by, is_list=True),
        "responded_by_user_name": Filter(kind=Kind.TEXT, clause=_responded_by, is_list=True),
    },
    sort_keys={
        "ti_id": SortKey(column=_ti.id, kind=Kind.INTEGER, is_nullable=False),
        "created_at": SortKey(column=_ti.start_date, kind=Kind.INSTANT),
        "dag_id": SortKey(column=dag_run.c.dag_id, kind=Kind.TEXT, is_nullable=False),
        "run_id": SortKey(column=dag_run.c.run_id, kind=Kind.TEXT, is_nullable=False),
        "run_after": INSTANCES.sort_keys["run_after"],
        "rendered_map_index": INSTANCES.sort_keys["rendered_map_index"],
        "task_instance_state": INSTANCES.sort_keys["state"],
        "task_instance_operator": INSTANCES.sort_keys["operator"],
    },
    default_order=("ti_id",),
    tie_breaker=("ti_id",),
    dag_id=dag_run.c.dag_id,
)
"""Started approvals, answered or not: the columns of the task instance and of the answer."""


def list_started_approvals(
    database: Database,
    query: ListQuery,
    *,
    dag_id: str | None,
    run_id: str | None,
    is_answered: bool | None,
    now: datetime,
) -> Listed:
    """A page of the started approvals of one run, of all runs of a DAG, or of all DAGs.

    is_answered: True = only approvals with an answer; False = only approvals without; `None` = both.

    Raises:
        InvalidPage: See `list_rows`.
    """
    where = [] if dag_id is None else [dag_run.c.dag_id == dag_id]
    where += [] if run_id is None else [dag_run.c.run_id == run_id]
    if is_answered is not None:
        where.append(_is_answered(now) if is_answered else not_(_is_answered(now)))
    with database.read() as connection:
        return list_rows(connection, STARTED_APPROVALS, query, *where)


def get_started_approval(
    database: Database, dag_id: str, run_id: str, task_id: str, *, map_index: int
) -> dict[str, Any]:
    """A row of `STARTED_APPROVALS`. Raises NotFound when no started approval matches."""
    if abs(map_index) > MAP_INDEX_MAX:
        raise NotFound(f"task '{task_id}' of run '{run_id}' has no map index {map_index}")
    with database.read() as connection:
        row = connection.execute(
            _ONE_STARTED, {"dag_id": dag_id, "run_id": run_id, "task_id": task_id, "map_index": map_index}
        ).one_or_none()
    if row is None:
        raise NotFound(f"task '{task_id}' of run '{run_id}', with map index {map_index}, has asked nothing")
    return row._asdict()


_ONE_STARTED = STARTED_APPROVALS.rows.where(
    dag_run.c.dag_id == bindparam("dag_id"),
    dag_run.c.run_id == bindparam("run_id"),
    _ti.task_id == bindparam("task_id"),
    _ti.map_index == bindparam("map_index"),
)


def list_open_approvals(database: Database, query: ListQuery, *, now: datetime) -> Listed:
    """A page of the approvals that can be answered now.

    Raises:
        InvalidPage: See `list_rows`.
    """
    # An approval that is due was answered or has timed out; only the scheduler must still end the task.
    is_open = or_(_ti.not_before.is_(None), _ti.not_before > now)
    with database.read() as connection:
        return list_rows(connection, APPROVALS, query, _ti.state == literal_column("'deferred'"), is_open)
