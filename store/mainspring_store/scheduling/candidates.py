"""Candidates: the ready instances that are decided next."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, case, literal_column, or_, select, text, true, union_all
from sqlalchemy.types import Integer, String

from mainspring.definition.model import TaskType
from mainspring.trigger_rules import UpstreamCounts
from mainspring_store.scheduling.conditions import READY, UNLIMITED
from mainspring_store.scheduling.records import Candidate
from mainspring_store.tables import dag, dag_run, pool, task_instance

__all__ = ["CandidateReads"]

_WAITING_TYPES: list[Any] = [literal_column(f"'{kind}'") for kind in (TaskType.WAIT, TaskType.APPROVAL, TaskType.DAG)]


class CandidateReads:
    """The part of a pass that finds out what is ready."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def ready(
        self, limit: int, *, executor: str | None = None, besides: Sequence[str] = (), crowd: str | None = None
    ) -> list[Candidate]:
        """Ready instances that have room in their run and pool or need none, highest priority first, then oldest.

        One whose pool is gone is among them, to be told so.

        executor: only those that ask for it. besides: only those that ask for none of these.
        crowd: a DAG that leaves half of the places to others, as far as they have something: the first of each of
        their runs. They come first then.
        """
        which = "executor" if executor is not None else "besides" if besides else "any"
        params = {"limit_": limit, "executor": executor, "executors": list(besides)}
        if crowd is None:
            return [_candidate(row) for row in self._connection.execute(_STATEMENTS[which], params)]
        params |= {"others": (limit + 1) // 2, "crowd": crowd}
        rows = self._connection.execute(_STATEMENTS_WITH_CROWD[which], params)
        # Those of others may come again in their own place.
        return list({row.id: _candidate(row) for row in rows}.values())[:limit]


def _ready() -> Select[Any]:
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
                    or_(pool.c.name.is_(None), pool.c.slots < 0, pool.c.used + table.pool_slots <= pool.c.slots),
                ),
                # What begins to wait takes no slot; the requests of a wait do.
                and_(table.operator.in_(_WAITING_TYPES), table.waits_for.is_(None)),
            ),
        )
        .order_by(table.rank, table.id)
    )


def _first_of_others() -> Select[Any]:
    """The first ready instance of each running run of other DAGs than `crowd`."""
    run, first = dag_run.alias("run_of_others"), task_instance.alias("first")
    crowd = bindparam("crowd", type_=String())
    return select(
        select(first.c.id)
        .where(first.c.dag_run_id == run.c.id, first.c.state == literal_column("'scheduled'"), first.c.ready)
        .order_by(first.c.rank, first.c.id)
        .limit(literal_column("1"))
        .scalar_subquery()
        # Two ranges of the index over running runs; `!=` would walk past all runs of the crowd.
    ).where(text("run_of_others.state = 'running'"), or_(run.c.dag_id < crowd, run.c.dag_id > crowd))


def _with_crowd(ready: Select[Any]) -> Any:
    # Found by way of their runs: a walk through all that is ready would pass by what the crowd has.
    of_others = ready.where(task_instance.c.id.in_(_first_of_others())).limit(bindparam("others", type_=Integer()))
    of_all = ready.where(READY).limit(bindparam("limit_", type_=Integer()))
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
_STATEMENTS_WITH_CROWD = {name: _with_crowd(_ready().where(which)) for name, which in _BY_EXECUTOR.items()}


def _candidate(row: Any) -> Candidate:
    (
        id_, dag_run_id, dag_id, run_id, version_id, task_index, map_index, try_number, max_tries, generation,
        total, success, failed, upstream_failed, skipped, removed, pool_name, pool_slots, executor, map_value,
        waits_for, run_free, pool_free, include_deferred, rank,
    ) = row  # fmt: skip
    return Candidate(
        id_, dag_run_id, dag_id, run_id, version_id, task_index, map_index, try_number, max_tries, generation,
        UpstreamCounts(total, success, failed, upstream_failed, skipped, removed),
        pool_name, pool_slots, executor, map_value, waits_for, run_free, pool_free, bool(include_deferred),
        rank,
    )  # fmt: skip
