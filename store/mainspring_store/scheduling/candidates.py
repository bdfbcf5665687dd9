"""Candidates: the ready instances that are decided next."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    Connection,
    Select,
    and_,
    bindparam,
    case,
    func,
    literal_column,
    or_,
    select,
    text,
    true,
    union,
    union_all,
)
from sqlalchemy.types import Integer, String

from mainspring.definition.model import SLOTLESS_TYPES, TaskType
from mainspring.trigger_rules import UpstreamCounts
from mainspring_store.state.conditions import READY, UNLIMITED
from mainspring_store.state.records import Candidate
from mainspring_store.tables import dag, dag_run, pool, task_instance

__all__ = ["CandidateReads"]

_SLOTLESS_TYPES: list[Any] = [literal_column(f"'{kind}'") for kind in sorted(SLOTLESS_TYPES)]


OTHERS_MIN = 100
"""Instances of other DAGs looked at, to give each its turn."""


class CandidateReads:
    """The part of a pass that finds out what is ready."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def ready(self, limit: int, *, executor: str | None = None, besides: Sequence[str] = ()) -> list[Candidate]:
        """Ready instances that have room in their run and pool or need none, highest priority first, then oldest.

        One whose pool is gone is among them, to be told so.

        executor: only those that ask for it. besides: only those that ask for none of these.
        """
        params = {"limit_": limit, "executor": executor, "executors": list(besides)}
        rows = self._connection.execute(_STATEMENTS[_which(executor, besides)], params)
        return [_candidate(row) for row in rows]

    def ready_beside(
        self, crowd: str, limit: int, *, executor: str | None = None, besides: Sequence[str] = ()
    ) -> tuple[list[Candidate], list[Candidate]]:
        """Two lists: of other DAGs than `crowd`, the first of each, then the second of each, and so on; and what
        `ready` answers. Few of a run are among the former, but one of each that has any, up to the bound."""
        params = {"limit_": limit, "executor": executor, "executors": list(besides), "crowd": crowd}
        params["others"] = max(OTHERS_MIN, limit)
        of_others: list[Candidate] = []
        of_all: list[Candidate] = []
        for *columns, turn in self._connection.execute(_STATEMENTS_BESIDE[_which(executor, besides)], params):
            (of_others if turn else of_all).append(_candidate(columns))
        return of_others, of_all


def _which(executor: str | None, besides: Sequence[str]) -> str:
    return "executor" if executor is not None else "besides" if besides else "any"


def _ready() -> Select[Any]:
    """Ready instances that there is room for, as far as their run and their pool go: what has none must not stand
    before those that have."""
    table = task_instance.c
    has_pool_capacity = or_(pool.c.name.is_(None), pool.c.slots < 0, pool.c.used + table.pool_slots <= pool.c.slots)
    is_call = table.operator == literal_column(f"'{TaskType.DAG.value}'")
    may_call = and_(
        or_(pool.c.name.is_(None), pool.c.slots < 0, pool.c.calling + table.pool_slots <= pool.c.slots),
        or_(has_pool_capacity, ~pool.c.include_deferred),
    )
    return (
        select(
            table.id,
            table.dag_run_id,
            dag_run.c.dag_id,
            dag_run.c.run_id,
            dag_run.c.dag_version_id,
            table.task_index,
            table.map_index,
            table.try_number,
            table.max_tries,
            table.generation,
            table.up_total,
            table.up_success,
            table.up_failed,
            table.up_upstream_failed,
            table.up_skipped,
            table.up_removed,
            table.pool,
            table.pool_slots,
            table.executor,
            table.map_value,
            table.waits_for,
            (dag_run.c.max_active_tasks - dag_run.c.tasks_active).label("run_slots_free"),
            case((pool.c.slots < 0, UNLIMITED), else_=pool.c.slots - pool.c.used).label("pool_slots_free"),
            pool.c.include_deferred,
            case((pool.c.slots < 0, UNLIMITED), else_=pool.c.slots - pool.c.calling).label("pool_calls_free"),
            table.rank,
        )
        .select_from(task_instance)
        .join(dag_run, dag_run.c.id == table.dag_run_id)
        .join(dag, dag.c.dag_id == dag_run.c.dag_id)
        .outerjoin(pool, pool.c.name == table.pool)
        .where(
            dag_run.c.state == literal_column("'running'"),
            ~dag.c.is_paused,
            or_(
                and_(
                    dag_run.c.tasks_active < dag_run.c.max_active_tasks,
                    or_(and_(~is_call, has_pool_capacity), and_(is_call, may_call)),
                ),
                # What begins to wait takes no slot, but in a pool that says so; the requests of a wait do.
                and_(
                    table.operator.in_(_SLOTLESS_TYPES),
                    table.waits_for.is_(None),
                    or_(has_pool_capacity, ~pool.c.include_deferred),
                ),
            ),
        )
        .order_by(table.rank, table.id)
    )


def _of_others() -> Any:
    """Ready instances of running runs of other DAGs than `crowd`: the first of each run, and some more.

    Found by way of their runs, because a walk through all that is ready would pass by what the crowd has.
    """
    run, first = dag_run.alias("run"), task_instance.alias("first")
    is_other = and_(text("run.state = 'running'"), run.c.dag_id != bindparam("crowd", type_=String()))
    is_ready = text("first.state = 'scheduled' AND first.ready")
    first_of_run = (
        select(first.c.id)
        .where(first.c.dag_run_id == run.c.id, is_ready)
        .order_by(first.c.rank, first.c.id)
        .limit(literal_column("1"))
    )
    some = select(first.c.id).where(first.c.dag_run_id.in_(select(run.c.id).where(is_other)), is_ready)
    return union(
        select(first_of_run.correlate(run).scalar_subquery()).where(is_other),
        select(some.limit(bindparam("others")).subquery("some")),
    )


def _beside(ready: Select[Any]) -> Any:
    in_order = (task_instance.c.rank, task_instance.c.id)
    turn = func.row_number().over(partition_by=dag_run.c.dag_id, order_by=in_order).label("turn")
    of_others = (
        ready.add_columns(turn)
        .where(task_instance.c.id.in_(_of_others()))
        .order_by(None)
        .order_by(turn, *in_order)
        .limit(bindparam("others", type_=Integer()))
    )
    of_all = ready.add_columns(literal_column("0").label("turn")).where(READY)
    of_all = of_all.limit(bindparam("limit_", type_=Integer()))
    return union_all(select(of_others.subquery("of_others")), select(of_all.subquery("of_all")))


_BY_EXECUTOR: dict[str, Any] = {
    "any": true(),
    "executor": task_instance.c.executor == bindparam("executor"),
    "besides": or_(
        task_instance.c.executor.is_(None), task_instance.c.executor.not_in(bindparam("executors", expanding=True))
    ),
}
_STATEMENTS = {
    name: _ready().where(READY, which).limit(bindparam("limit_", type_=Integer()))
    for name, which in _BY_EXECUTOR.items()
}
_STATEMENTS_BESIDE = {name: _beside(_ready().where(which)) for name, which in _BY_EXECUTOR.items()}


def _candidate(row: Any) -> Candidate:
    (
        id_, dag_run_id, dag_id, run_id, version_id, task_index, map_index, try_number, max_tries, generation,
        total, success, failed, upstream_failed, skipped, removed, pool_name, pool_slots, executor, map_value,
        waits_for, run_free, pool_free, include_deferred, calls_free, rank,
    ) = row  # fmt: skip
    return Candidate(
        id_, dag_run_id, dag_id, run_id, version_id, task_index, map_index, try_number, max_tries, generation,
        UpstreamCounts(total, success, failed, upstream_failed, skipped, removed),
        pool_name, pool_slots, executor, map_value, waits_for, run_free, pool_free, bool(include_deferred),
        UNLIMITED if calls_free is None else calls_free, rank,
    )  # fmt: skip
