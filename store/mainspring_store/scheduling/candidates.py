"""Candidates: the ready instances that are decided next."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal_column,
    or_,
    select,
    text,
    true,
    union,
)
from sqlalchemy.types import Integer, String

from mainspring.definition.model import SLOTLESS_TYPES, TaskType
from mainspring.trigger_rules import UpstreamCounts
from mainspring_store.database.pipeline import Statements
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

    def __init__(self, statements: Statements, locked_runs: set[int]) -> None:
        """locked_runs: gets the runs that `ready` locks."""
        super().__init__(statements)
        self._locked_runs = locked_runs

    def ready(
        self, limit: int, *, executor: str | None = None, excluded_executors: Sequence[str] = ()
    ) -> list[Candidate]:
        """Ready instances with free slots in their run and pool, or without a need for slots.

        Highest priority first, then oldest.

        Includes instances of a deleted pool, so that the scheduler can report the missing pool.

        PostgreSQL locks the instances and their runs, and skips those that another scheduler holds: the next ones in
        order take their place.

        executor: only instances with this executor. excluded_executors: only instances with none of these executors.
        """
        params = {"limit_": limit, "executor": executor, "executors": list(excluded_executors)}
        return self._taken(self._statements.rows(_ready_statement(self._is_sqlite, _by_executor(params)), params))

    def ready_beside(
        self, dominant_dag: str, limit: int, *, executor: str | None = None, excluded_executors: Sequence[str] = ()
    ) -> tuple[list[Candidate], list[Candidate]]:
        """Two lists: candidates of all DAGs except `dominant_dag`, and the result of `ready`.

        dominant_dag: the id of the DAG that filled most of the recent batches.

        The first list has at least an instance of each run with ready instances, up to a bound, and few instances more
        of each run. Of each DAG the list has the first instances in order, and of all DAGs about the same number.
        """
        params = {
            "limit_": limit,
            "executor": executor,
            "executors": list(excluded_executors),
            "dominant_dag": dominant_dag,
            "others": max(OTHERS_MIN, limit),
        }
        which = _by_executor(params)
        rows = self._statements.rows(_ready_statement(self._is_sqlite, which, counts_others=True), params)
        of_all = self._taken(row[:-1] for row in rows)
        # Without ready instances at all, the other DAGs have none either.
        if not rows or not rows[0].has_others:
            return [], of_all
        return self._taken(self._statements.rows(_others_statement(self._is_sqlite, which), params)), of_all

    def _taken(self, rows: Iterable[Any]) -> list[Candidate]:
        candidates = [_candidate(row) for row in rows]
        if not self._is_sqlite:
            self._locked_runs.update(candidate.dag_run_id for candidate in candidates)
        return candidates


def _by_executor(params: Mapping[str, Any]) -> str:
    return "executor" if params["executor"] is not None else "excluded" if params["executors"] else "any"


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
            table.turn,
        )
        .select_from(task_instance)
        .join(dag_run, dag_run.c.id == table.dag_run_id)
        .join(dag, dag.c.dag_id == dag_run.c.dag_id)
        .outerjoin(pool, pool.c.name == table.pool)
        .where(
            _is_running(),
            or_(and_(~dag.c.is_paused, ~dag_run.c.is_paused), dag_run.c.ending.is_not(None)),
            _has_capacity(),
        )
        .order_by(table.rank, table.id)
    )


def _is_running() -> ColumnElement[bool]:
    """Whether the run of an instance is running. Spelled so that PostgreSQL looks for the run by its id. With new
    statistics missing, PostgreSQL would scan the partial index of running runs for each instance."""
    return dag_run.c.state + literal_column("''") == literal_column("'running'")


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


def _has_others() -> ColumnElement[bool]:
    """Whether a DAG other than `dominant_dag` has a running run: a look at the ends of an index."""
    run = dag_run.alias("run")
    dominant_dag = bindparam("dominant_dag", type_=String())
    sides = (run.c.dag_id < dominant_dag, run.c.dag_id > dominant_dag)
    return or_(*(exists(select(run.c.id).where(text("run.state = 'running'"), side).correlate(None)) for side in sides))


def _first_of_others(is_sqlite: bool) -> Any:
    """Ids of ready instances of all DAGs except `dominant_dag`, in running runs: the first of each run, and some more.

    The query begins at the runs, because a scan of all ready instances would read the many instances of the dominant
    DAG.
    """
    run, first = dag_run.alias("run"), task_instance.alias("first")
    is_other = and_(text("run.state = 'running'"), run.c.dag_id != bindparam("dominant_dag", type_=String()))
    is_ready = text("first.state = 'scheduled' AND first.ready")
    others_limit = bindparam("others", type_=Integer())
    of_run = select(first.c.id).where(first.c.dag_run_id == run.c.id, is_ready)
    first_of_run = of_run.order_by(first.c.rank, first.c.id).limit(literal_column("1"))
    if is_sqlite:
        some = select(first.c.id).where(first.c.dag_run_id.in_(select(run.c.id).where(is_other)), is_ready)
    else:
        # A join could begin at the instances.
        of_each_run = of_run.limit(others_limit).correlate(run).lateral("of_each_run")
        some = select(of_each_run.c.id).select_from(run.join(of_each_run, true())).where(is_other)
    firsts = select(first_of_run.correlate(run).scalar_subquery()).where(is_other)
    return union(firsts, select(some.limit(others_limit).subquery("some")))


def _of_others(is_sqlite: bool, which: str) -> Select[Any]:
    """Candidates of all DAGs except `dominant_dag`: the first of each DAG, then the second of each DAG, and so on."""
    in_order = (task_instance.c.rank, task_instance.c.id)
    turn = func.row_number().over(partition_by=dag_run.c.dag_id, order_by=in_order).label("turn")
    ready = _ready().where(_BY_EXECUTOR[which], task_instance.c.id.in_(_first_of_others(is_sqlite)))
    in_turn = ready.with_only_columns(task_instance.c.id, task_instance.c.rank, turn).order_by(None).subquery("in_turn")
    ids = (
        select(in_turn.c.id)
        .order_by(in_turn.c.turn, in_turn.c.rank, in_turn.c.id)
        .limit(bindparam("others", type_=Integer()))
    )
    # PostgreSQL reads locked rows again, so a changed instance must not be ready any more.
    return _ready().where(READY, task_instance.c.id.in_(ids))


@cache
def _ready_statement(is_sqlite: bool, which: str, *, counts_others: bool = False) -> Select[Any]:
    statement = _ready().where(READY, _BY_EXECUTOR[which]).limit(bindparam("limit_", type_=Integer()))
    if counts_others:
        statement = statement.add_columns(_has_others().label("has_others"))
    return _locking(statement, is_sqlite)


@cache
def _others_statement(is_sqlite: bool, which: str) -> Select[Any]:
    return _locking(_of_others(is_sqlite, which), is_sqlite)


def _locking(statement: Select[Any], is_sqlite: bool) -> Select[Any]:
    if is_sqlite:
        return statement
    # With a lock of the run alone, an instance that another scheduler has just decided on would still look ready:
    # PostgreSQL reads only locked rows again.
    return statement.with_for_update(key_share=True, skip_locked=True, of=[dag_run, task_instance])


_BY_EXECUTOR: dict[str, Any] = {
    "any": true(),
    "executor": task_instance.c.executor == bindparam("executor"),
    "excluded": or_(
        task_instance.c.executor.is_(None), task_instance.c.executor.not_in(bindparam("executors", expanding=True))
    ),
}


def _candidate(row: Any) -> Candidate:
    (
        id_, dag_run_id, dag_id, run_id, version_id, task_index, map_index, try_number, max_tries, generation,
        total, success, failed, upstream_failed, skipped, removed, pool_name, pool_slots, executor, map_value,
        waits_for, run_free, pool_free, include_deferred, calls_free, rank, turn,
    ) = row  # fmt: skip
    return Candidate(
        id_, dag_run_id, dag_id, run_id, version_id, task_index, map_index, try_number, max_tries, generation,
        UpstreamCounts(total, success, failed, upstream_failed, skipped, removed),
        pool_name, pool_slots, executor, map_value, waits_for, run_free, pool_free, bool(include_deferred),
        UNLIMITED if calls_free is None else calls_free, rank, turn,
    )  # fmt: skip
