"""The slots of pools and runs that a ready instance needs."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, and_, func, literal_column, or_, select, text

from mainspring.blockers import BlockCode, Blocker, Satisfied
from mainspring.definition.model import SLOTLESS_TYPES, TaskType
from mainspring_store.queries.explain.question import Question
from mainspring_store.queries.explain.run_blockers import full_run_blocker
from mainspring_store.state.conditions import ACTIVE, CALLING, READY
from mainspring_store.tables import dag, dag_run, task_instance

__all__ = ["pool_blockers", "pool_satisfied", "run_slot_blockers"]

POSITION_MAX = 10_000
"""Instances in front of an instance that are counted: a longer queue gives this position."""


def pool_blockers(question: Question, row: Any, *, is_ready: bool) -> Iterator[Blocker]:
    """What the pool of an instance lacks.

    is_ready: whether the instance competes for slots now. Otherwise only a pool that can never do is a blocker.
    """
    ids = (row.pool,)
    if row.slots is None:
        yield Blocker(code=BlockCode.POOL_MISSING, text=f"There is no pool '{row.pool}'", ids=ids)
    elif row.slots < 0 or not _needs_pool(row):
        return
    elif row.pool_slots > row.slots:
        text_ = (
            f"The task needs {row.pool_slots} slots and pool '{row.pool}' has {row.slots} in all: the task never starts"
            " unless the pool gets more slots"
        )
        yield Blocker(code=BlockCode.POOL_TOO_SMALL, text=text_, ids=ids)
    elif is_ready and row.slots < slots_taken(row) + row.pool_slots:
        yield Blocker(
            code=BlockCode.POOL_FULL,
            text=(
                f"The task needs {row.pool_slots} slots; "
                f"{slots_taken(row)} of {row.slots} slots of pool '{row.pool}' are taken"
            ),
            ids=ids,
            position=_position(question, row, task_instance.c.pool == row.pool),
            **question.holders(_pool_holders(row)),
        )


def pool_satisfied(row: Any) -> Iterator[Satisfied]:
    if row.slots is None or row.pool_slots > row.slots >= 0:
        return
    if row.slots < 0 or slots_taken(row) + row.pool_slots <= row.slots:
        taken = "any number of slots" if row.slots < 0 else f"{row.slots - slots_taken(row)} free slots"
        yield Satisfied(code=BlockCode.POOL_FULL, text=f"Pool '{row.pool}' has {taken}")


def run_slot_blockers(question: Question, run: Any, row: Any) -> Iterator[Blocker]:
    """The limit `max_active_tasks` for a ready instance."""
    is_slotless = row.operator in SLOTLESS_TYPES and row.waits_for is None
    if not is_slotless and run.tasks_active >= run.max_active_tasks:
        position = _position(question, row, task_instance.c.dag_run_id == run.id)
        yield full_run_blocker(question, run, position=position)


def slots_taken(row: Any) -> int:
    """Slots of the pool that are taken for this instance.

    In a pool without `include_deferred`, a `dag` task competes with waiting `dag` tasks only.
    """
    taken: int = row.calling if _is_call(row) and not row.include_deferred else row.used
    return taken


def _is_call(row: Any) -> bool:
    return bool(row.operator == TaskType.DAG)


def _needs_pool(row: Any) -> bool:
    """Whether the next step of an instance takes slots: the begin of a wait takes them with `include_deferred` only."""
    return bool(row.operator not in SLOTLESS_TYPES or row.waits_for is not None or row.include_deferred)


def _pool_holders(row: Any) -> Any:
    deferred = task_instance.c.state == literal_column("'deferred'")
    holds: ColumnElement[bool] = ACTIVE
    if row.include_deferred:
        holds = or_(ACTIVE, deferred)
    elif _is_call(row):
        holds = CALLING
    return (
        select(dag_run.c.dag_id, dag_run.c.run_id, task_instance.c.task_id, task_instance.c.map_index)
        .join(dag_run, dag_run.c.id == task_instance.c.dag_run_id)
        .where(text("dag_run.state = 'running'"), task_instance.c.pool == row.pool, holds)
        .order_by(task_instance.c.queued_at, task_instance.c.id)
    )


def _position(question: Question, row: Any, same_limit: ColumnElement[bool]) -> int:
    """1 + the number of ready instances that the scheduler decides on before this one."""
    table = task_instance.c
    before = (
        select(table.id)
        .join(dag_run, dag_run.c.id == table.dag_run_id)
        .join(dag, dag.c.dag_id == dag_run.c.dag_id)
        .where(
            READY,
            text("dag_run.state = 'running'"),
            ~dag.c.is_paused,
            ~dag_run.c.is_paused,
            same_limit,
            or_(table.rank < row.rank, and_(table.rank == row.rank, table.id < row.id)),
        )
        .limit(POSITION_MAX - 1)
        .subquery()
    )
    return 1 + (question.connection.scalar(select(func.count()).select_from(before)) or 0)
