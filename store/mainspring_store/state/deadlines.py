"""Deadlines as rows: of a run, of all instances of a task, or of one instance."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import Connection, bindparam, literal_column, or_, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from mainspring.definition.model import DeadlineAnchor
from mainspring_store.database.batches import Fields, as_rows, dump_rows
from mainspring_store.database.types import UtcDateTime
from mainspring_store.state.instance_plan import OF_RUN, InstancePlan
from mainspring_store.tables import deadline

__all__ = ["ALL_INSTANCES", "DeadlineKind", "NewDeadline", "add_deadlines", "deadlines_of_run", "move_deadlines"]

ALL_INSTANCES = -2
"""Stands for a map index where a deadline is about all instances of a task."""
_FIELDS: Fields = {
    "dag_run_id": int,
    "task_id": str,
    "map_index": int,
    "kind": str,
    "due_at": datetime,
    "generation": int,
}


class DeadlineKind(StrEnum):
    """What must have happened by a deadline."""

    END = "end"
    """The run or the instance has ended."""
    START = "start"
    """The instance is not queued any more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NewDeadline:
    """A row of `deadline`."""

    dag_run_id: int
    task_id: str
    map_index: int
    kind: DeadlineKind
    due_at: datetime
    generation: int = 0
    """Generation of the instance; 0 = of no single instance."""


def deadlines_of_run(
    run_key: int, plan: InstancePlan, anchors: Mapping[DeadlineAnchor, datetime]
) -> Iterator[NewDeadline]:
    """The deadlines of a run and its tasks that count from known instants.

    `queued` counts here for the run itself: each task instance is queued at an instant of its own.
    """
    for task_id, rule in plan.deadlines:
        is_of_instance = rule.after is DeadlineAnchor.QUEUED and task_id != OF_RUN
        if rule.after in anchors and not is_of_instance:
            due_at = anchors[rule.after] + rule.within
            yield NewDeadline(
                dag_run_id=run_key, task_id=task_id, map_index=ALL_INSTANCES, kind=DeadlineKind.END, due_at=due_at
            )


@cache
def _insert_deadlines(is_sqlite: bool) -> Any:
    dialect = sqlite if is_sqlite else postgresql
    rows = as_rows(_FIELDS, is_sqlite=is_sqlite)
    statement = dialect.insert(deadline).from_select(
        list(_FIELDS),
        # SQLite needs a WHERE to tell the conflict clause from a join.
        select(*(rows.c[name] for name in _FIELDS)).where(literal_column("1") == literal_column("1")),
    )
    return statement.on_conflict_do_update(
        index_elements=["dag_run_id", "task_id", "map_index", "kind"],
        set_={"due_at": statement.excluded.due_at, "generation": statement.excluded.generation},
        where=or_(
            text("deadline.kind = 'start'"),
            text(f"deadline.map_index = {ALL_INSTANCES}"),
            deadline.c.generation != statement.excluded.generation,
        ),
    )


def add_deadlines(connection: Connection, deadlines: Iterable[NewDeadline]) -> None:
    """Store deadlines. A retry keeps the `end` deadline of its instance; every other row replaces an earlier one."""
    rows = dump_rows(asdict(new) for new in deadlines)
    connection.execute(_insert_deadlines(connection.dialect.name == "sqlite"), {"rows": rows})


def move_deadlines(
    connection: Connection, run_key: int, plan: InstancePlan, anchors: Mapping[DeadlineAnchor, datetime]
) -> None:
    """Count the deadlines of `deadlines_of_run` from other instants. A deadline that has passed stays so."""
    for new in deadlines_of_run(run_key, plan, anchors):
        values = {"of_run": run_key, "of_task": new.task_id, "of_kind": new.kind.value, "due": new.due_at}
        connection.execute(_MOVE, values)


_MOVE = (
    update(deadline)
    .where(
        deadline.c.dag_run_id == bindparam("of_run"),
        deadline.c.task_id == bindparam("of_task"),
        deadline.c.map_index == ALL_INSTANCES,
        deadline.c.kind == bindparam("of_kind"),
        deadline.c.due_at.is_not(None),
    )
    .values(due_at=bindparam("due", type_=UtcDateTime))
)
