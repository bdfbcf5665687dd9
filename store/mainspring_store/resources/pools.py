"""Pools, the named limits that all DAGs share: create, change and delete pools, and check the pools of definitions."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import (
    Connection,
    Select,
    Text,
    bindparam,
    delete,
    func,
    literal_column,
    select,
    type_coerce,
    union_all,
    update,
)

from mainspring.definition.groups import flatten
from mainspring.definition.model import Definition
from mainspring.errors import Conflict, NotFound, Problem
from mainspring.events import EventKind
from mainspring.hints import did_you_mean
from mainspring.states import TASK_ACTIVE, TASK_FINISHED, TaskState
from mainspring_store.database.transactions import Database
from mainspring_store.resources.conflict_policy import OnAbsence, OnExistence, insert_named
from mainspring_store.state.conditions import CALLING
from mainspring_store.state.events import write_event
from mainspring_store.tables import dag, dag_run, dag_version, pool, task_instance

__all__ = [
    "DEFAULT_POOL",
    "NewPool",
    "change_pools",
    "create_pools",
    "delete_pools",
    "give_back_deferred",
    "pool_problems",
]

DEFAULT_POOL = "default_pool"
"""The pool of tasks that name no pool. Always exists."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NewPool:
    """A pool to be created."""

    name: str
    slots: int
    """-1 = unlimited."""
    description: str | None = None
    include_deferred: bool = False
    """Whether deferred task instances keep their slots."""


def create_pools(
    database: Database,
    pools: Sequence[NewPool],
    *,
    on_existence: OnExistence = OnExistence.FAIL,
    overwritten: Sequence[Collection[str]] | None = None,
) -> list[str]:
    """Create pools; returns the written names. An error creates none.

    overwritten: for each pool, the fields that replace those of an existing pool; `None` = all fields.

    Raises:
        Conflict: A pool exists, and `on_existence` is FAIL.
    """
    with database.write() as connection:
        rows = [asdict(new_pool) for new_pool in pools]
        written = insert_named(connection, pool, rows, on_existence, overwritten)
        existing = sorted({new_pool.name for new_pool in pools} - set(written))
        if existing and on_existence is OnExistence.FAIL:
            raise Conflict(f"The pools with these pool names: {existing} already exist.")
        if on_existence is OnExistence.OVERWRITE:
            _recount(connection, written)
        _write_events(connection, written, "saved")
    return written


def change_pools(
    database: Database, changes: Mapping[str, Mapping[str, Any]], *, on_absence: OnAbsence = OnAbsence.FAIL
) -> list[str]:
    """Change pools (name -> fields of `NewPool` but the name); returns the changed names. An error changes none.

    A pool may get fewer slots than are in use: running tasks keep their slots, and no task starts until enough slots
    are free.

    Raises:
        NotFound: A pool does not exist, and `on_absence` is FAIL.
    """
    with database.write() as connection:
        existing = _locked(connection, changes, on_absence)
        for name in existing:
            if changes[name]:
                connection.execute(update(pool).where(pool.c.name == name).values(**changes[name]))
        _recount(connection, existing)
        _write_events(connection, existing, "saved")
    return existing


def delete_pools(database: Database, names: Sequence[str], *, on_absence: OnAbsence = OnAbsence.FAIL) -> list[str]:
    """Delete pools; returns the deleted names. An error deletes none.

    Raises:
        Conflict: A pool is the default pool, has unfinished task instances, or a DAG names the pool.
        NotFound: A pool does not exist, and `on_absence` is FAIL.
    """
    with database.write() as connection:
        existing = _locked(connection, names, on_absence)
        for name in existing:
            reason = _in_use(connection, name)
            if reason is not None:
                raise Conflict(f"pool '{name}' cannot be deleted: {reason}")
        connection.execute(_DELETE, {"names": existing})
        _write_events(connection, existing, "deleted")
    return existing


def pool_problems(connection: Connection, definition: Definition) -> list[Problem]:
    """A problem for each place of a definition with the name of a missing pool.

    Locks the existing pools, so that no request can delete them before the end of the caller's transaction.
    """
    names = {task.pool for task in definition.tasks.values()} - {DEFAULT_POOL}
    if not names:
        return []
    missing = names - set(connection.scalars(_HOLD, {"names": sorted(names)}))
    if not missing:
        return []
    existing = list(connection.scalars(_NAMES))
    places: dict[str, str] = {}
    for task_id, task in definition.tasks.items():
        places.setdefault(definition.flat.field_place(task_id, "pool"), task.pool)
    return [
        Problem(
            pointer=pointer,
            message=f"there is no pool '{name}'",
            hint=did_you_mean(name, existing) or "create it by POST /api/v2/pools",
            code="unknown_pool",
        )
        for pointer, name in places.items()
        if name in missing
    ]


def give_back_deferred(connection: Connection, dag_id: str) -> None:
    """Release the slots of the deferred instances of a DAG before its deletion. The caller has locked the runs."""
    connection.execute(_GIVE_BACK_DEFERRED, {"dag_id": dag_id})
    connection.execute(_GIVE_BACK_CALLING, {"dag_id": dag_id})


def _locked(connection: Connection, names: Sequence[str] | Mapping[str, Any], on_absence: OnAbsence) -> list[str]:
    """Lock pools until the end of the transaction; returns the existing names, sorted.

    The order of names keeps concurrent transactions from deadlocks.
    """
    existing = list(connection.scalars(_LOCK, {"names": list(names)}))
    missing = sorted(set(names) - set(existing))
    if missing and on_absence is OnAbsence.FAIL:
        raise NotFound(f"The Pool with name: `{missing[0]}` was not found")
    return existing


def _write_events(connection: Connection, names: Sequence[str], state: str) -> None:
    for name in names:
        write_event(connection, EventKind.POOL, state, data={"pool": name})


def _recount(connection: Connection, names: Sequence[str]) -> None:
    """Recount `used` and `calling`, because `include_deferred` may have changed. The caller has locked the pools."""
    connection.execute(_RECOUNT, {"names": list(names)})


def _in_use(connection: Connection, name: str) -> str | None:
    if name == DEFAULT_POOL:
        return "it is the pool of every task that names none"
    live = connection.scalar(_LIVE_INSTANCES, {"name": name})
    if live:
        return f"{live} unfinished task instances are in it; wait for their runs to end, or cancel them"
    for dag_id, document in connection.execute(_naming_dags(name)):
        flat = flatten(document)
        parts = [document.get("default_args", {}), *flat.default_places.values(), *flat.tasks.values()]
        if any(part.get("pool") == name for part in parts):
            return f"dag '{dag_id}' names it; save that DAG with another pool first"
    return None


def _naming_dags(name: str) -> Select[Any]:
    """DAGs whose current document contains the text `"pool":"name"`; documents are compact JSON.

    The result may contain DAGs that do not use the pool, because the text may be part of a command or description.
    """
    text = type_coerce(dag_version.c.document, Text)
    return (
        select(dag.c.dag_id, dag_version.c.document)
        .join(dag_version, dag_version.c.id == dag.c.version_id)
        .where(text.contains(f'"pool":"{name}"', autoescape=True))
        .order_by(dag.c.dag_id)
    )


_SOME = pool.c.name.in_(bindparam("names", expanding=True))
_NAMES = select(pool.c.name).order_by(pool.c.name)
_LOCK = _NAMES.where(_SOME).with_for_update()
_HOLD = _NAMES.where(_SOME).with_for_update(read=True, key_share=True)
_DELETE = delete(pool).where(_SOME)
# Literal states, so that the planner can use the partial indexes over live rows.
_RUNNING, _QUEUED = (
    select(dag_run.c.id).where(dag_run.c.state == literal_column(state)) for state in ("'running'", "'queued'")
)
_HOLDS_SLOTS = task_instance.c.state.in_(TASK_ACTIVE) | (
    (task_instance.c.state == TaskState.DEFERRED) & pool.c.include_deferred
)
_RECOUNT = (
    update(pool)
    .where(_SOME)
    .values(
        used=select(func.coalesce(func.sum(task_instance.c.pool_slots), 0))
        # Only instances of running runs hold slots.
        .where(task_instance.c.dag_run_id.in_(_RUNNING), task_instance.c.pool == pool.c.name, _HOLDS_SLOTS)
        .correlate(pool)
        .scalar_subquery(),
        calling=select(func.coalesce(func.sum(task_instance.c.pool_slots), 0))
        .where(task_instance.c.dag_run_id.in_(_RUNNING), task_instance.c.pool == pool.c.name, CALLING)
        .correlate(pool)
        .scalar_subquery(),
    )
)
_LIVE_INSTANCES = (
    select(func.count())
    .select_from(task_instance)
    .where(
        task_instance.c.dag_run_id.in_(union_all(_QUEUED, _RUNNING)),
        task_instance.c.state.not_in(TASK_FINISHED),
        task_instance.c.pool == bindparam("name"),
    )
)
_deferred_slots = (
    select(func.sum(task_instance.c.pool_slots))
    .join(dag_run, dag_run.c.id == task_instance.c.dag_run_id)
    .where(
        dag_run.c.dag_id == bindparam("dag_id"),
        dag_run.c.state == literal_column("'running'"),
        task_instance.c.state == TaskState.DEFERRED,
        task_instance.c.pool == pool.c.name,
    )
    .correlate(pool)
)
_DEFERRED_SLOTS = _deferred_slots.scalar_subquery()
_CALLING_SLOTS = _deferred_slots.where(CALLING).scalar_subquery()
_GIVE_BACK_DEFERRED = (
    update(pool).where(pool.c.include_deferred, _DEFERRED_SLOTS.is_not(None)).values(used=pool.c.used - _DEFERRED_SLOTS)
)
_GIVE_BACK_CALLING = update(pool).where(_CALLING_SLOTS.is_not(None)).values(calling=pool.c.calling - _CALLING_SLOTS)
