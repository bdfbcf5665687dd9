"""The DAGs for which the schedules of other DAGs wait: kept with each saved definition, and never in a circle."""

from collections.abc import Collection, Mapping

from sqlalchemy import Connection, bindparam, delete, func, insert, select, text, update

from mainspring.definition import Definition
from mainspring.errors import Problem
from mainspring.pointers import join_pointer
from mainspring_store.tables import awaited_dag, awaited_end, dag

__all__ = ["cycle_problems", "lock_awaited_dags", "store_awaited_dags", "upstream_dags"]


def upstream_dags(definition: Definition) -> frozenset[str]:
    """The DAGs for which the schedule of a definition waits."""
    return frozenset(item.dag_id for item in definition.schedule.upstream) if definition.schedule else frozenset()


def lock_awaited_dags(connection: Connection, definition: Definition) -> None:
    """Keep other requests from a save of a schedule that waits, so that two saves cannot close a circle together."""
    if connection.dialect.name != "sqlite" and upstream_dags(definition):
        connection.execute(_LOCK)


def cycle_problems(
    connection: Connection, definition: Definition, planned: Mapping[str, Collection[str]]
) -> list[Problem]:
    """A problem for each DAG for which the schedule waits, and which waits for the DAG of the definition itself,
    directly or through other DAGs. Stale DAGs get no runs, so they close no circle.

    planned: DAG -> the DAGs for which its schedule waits, of the definitions that the same transaction saves.
    """
    if definition.schedule is None:
        return []
    return [
        Problem(
            pointer=join_pointer("/schedule/after", position, "dag"),
            message=f"dag '{item.dag_id}' waits itself for runs of '{definition.dag_id}'",
            hint="leave one of the two schedules out; a circle of schedules would make runs for ever",
            code="dag_cycle",
        )
        for position, item in enumerate(definition.schedule.upstream)
        if _reaches(connection, item.dag_id, definition.dag_id, planned)
    ]


def store_awaited_dags(connection: Connection, definition: Definition) -> None:
    """Keep for which DAGs the schedule of a new current version waits. Ends that have made no run are looked at again
    by the new version."""
    parameters = {"of_dag": definition.dag_id}
    had_upstream = connection.execute(_DELETE, parameters).rowcount > 0
    upstream = () if definition.schedule is None else definition.schedule.upstream
    if upstream:
        connection.execute(
            insert(awaited_dag),
            [
                {
                    "dag_id": definition.dag_id,
                    "upstream_dag_id": item.dag_id,
                    "state": item.state.value,
                    "again": item.again,
                }
                for item in upstream
            ],
        )
    if upstream or had_upstream:
        connection.execute(_LOOK_AGAIN if upstream else _DELETE_UNUSED, parameters)


def _reaches(connection: Connection, start: str, target: str, planned: Mapping[str, Collection[str]]) -> bool:
    """Whether the schedule of `start` waits for `target`, directly or through other DAGs."""
    seen, frontier = {start}, {start}
    while frontier and target not in seen:
        stored = [dag_id for dag_id in frontier if dag_id not in planned]
        upstream = set(connection.scalars(_UPSTREAM, {"dag_ids": sorted(stored)})) if stored else set()
        upstream.update(*(planned[dag_id] for dag_id in frontier if dag_id in planned))
        frontier = upstream - seen
        seen |= frontier
    return target in seen


_LOCK = select(func.pg_advisory_xact_lock(func.hashtextextended("awaited dags", 0)))
_DELETE = delete(awaited_dag).where(awaited_dag.c.dag_id == bindparam("of_dag"))
_unused = text("status IN ('new', 'waiting')")
_LOOK_AGAIN = (
    update(awaited_end)
    .where(awaited_end.c.dag_id == bindparam("of_dag"), text("status = 'waiting'"))
    .values(status="new")
)
_DELETE_UNUSED = delete(awaited_end).where(awaited_end.c.dag_id == bindparam("of_dag"), _unused)
_UPSTREAM = (
    select(awaited_dag.c.upstream_dag_id)
    .join(dag, dag.c.dag_id == awaited_dag.c.dag_id)
    .where(awaited_dag.c.dag_id.in_(bindparam("dag_ids", expanding=True)), ~dag.c.is_stale)
)
