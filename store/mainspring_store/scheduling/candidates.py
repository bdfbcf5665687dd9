"""Candidates: the ready instances that are decided next."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
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
from mainspring_store.scheduling.parts import PassPart
from mainspring_store.state.conditions import READY, UNLIMITED
from mainspring_store.state.records import Candidate
from mainspring_store.tables import dag, dag_run, pool, task_instance

__all__ = ["CandidateReads"]

_SLOTLESS_TYPES: list[Any] = [literal_column(f"'{kind}'") for kind in sorted(SLOTLESS_TYPES)]


OTHERS_MIN = 100
"""Minimum number of candidates from the DAGs beside the dominant DAG, so that each DAG gets its turn."""


class CandidateReads(PassPart):
    """The part of a pass that reads ready instances."""

    def ready(
        self, limit: int, *, executor: str | None = None, excluded_executors: Sequence[str] = ()
    ) -> list[Candidate]:
        """Ready instances with free slots in their run and pool, or without a need for slots.

        Highest priority first, then oldest.

        Includes instances of a deleted pool, so that the scheduler can report the missing pool.

        executor: only instances with this executor. excluded_executors: only instances with none of these executors.
        """
        params = {"limit_": limit, "executor": executor, "executors": list(excluded_executors)}
        rows = self._statements.rows(_STATEMENTS[_which(executor, excluded_executors)], params)
        return [_candidate(row) for row in rows]

    def ready_beside(
        self, dominant_dag: str, limit: int, *, executor: str | None = None, excluded_executors: Sequence[str] = ()
    ) -> tuple[list[Candidate], list[Candidate]]:
        """Two lists: candidates of all DAGs except `dominant_dag`, and the result of `ready`.

        dominant_dag: the id of the DAG that filled most of the recent batches.

        The first list takes turns: the first instance of each DAG, then the second of each DAG, and so on. The list has
        at least an instance of each run with ready instances, up to a bound, and few instances more of each run.
        """
        params = {
            "limit_": limit,
            "executor": executor,
            "executors": list(excluded_executors),
            "dominant_dag": dominant_dag,
        }
        params["others"] = max(OTHERS_MIN, limit)
        of_others: list[Candidate] = []
        of_all: list[Candidate] = []
        for *columns, turn in self._statements.rows(_STATEMENTS_BESIDE[_which(executor, excluded_executors)], params):
            (of_others if turn else of_all).append(_candidate(columns))
        return of_others, of_all


def _which(executor: str | None, excluded_executors: Sequence[str]) -> str:
    return "executor" if executor is not None else "excluded" if excluded_executors else "any"


def _ready() -> Select[Any]:
    """Ready instances with free slots in their run and pool, so that instances without slots do not fill the limit."""
    table = task_instance.c
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
            or_(and_(~dag.c.is_paused, ~dag_run.c.is_paused), dag_run.c.ending.is_not(None)),
            _has_capacity(),
        )
        .order_by(table.rank, table.id)
    )


def _has_capacity() -> ColumnElement[bool]:
    table = task_instance.c
    has_pool_capacity = or_(pool.c.name.is_(None), pool.c.slots < 0, pool.c.used + table.pool_slots <= pool.c.slots)
    is_call = table.operator == literal_column(f"'{TaskType.DAG.value}'")
    may_call = and_(
        or_(pool.c.name.is_(None), pool.c.slots < 0, pool.c.calling + table.pool_slots <= pool.c.slots),
        or_(has_pool_capacity, ~pool.c.include_deferred),
    )
    return or_(
        and_(
            dag_run.c.tasks_active < dag_run.c.max_active_tasks,
            or_(and_(~is_call, has_pool_capacity), and_(is_call, may_call)),
        ),
        # The begin of a wait takes a slot only in a pool with `include_deferred`. The requests of a wait take slots.
        and_(
            table.operator.in_(_SLOTLESS_TYPES),
            table.waits_for.is_(None),
            or_(has_pool_capacity, ~pool.c.include_deferred),
        ),
    )


def _of_others() -> Any:
    """Ready instances of all DAGs except `dominant_dag`, in running runs: the first of each run, and some more.

    The query begins at the runs, because a scan of all ready instances would read the many instances of the dominant
    DAG.
    """
    run, first = dag_run.alias("run"), task_instance.alias("first")
    is_other = and_(text("run.state = 'running'"), run.c.dag_id != bindparam("dominant_dag", type_=String()))
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
    "excluded": or_(
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
