"""Pools: slots that tasks of all DAGs share. Creating, changing and deleting them, and what definitions may name."""

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

from mainspring.definition.model import Definition
from mainspring.errors import Conflict, NotFound, Problem
from mainspring.hints import did_you_mean
from mainspring.pointers import join_pointer
from mainspring.states import TASK_ACTIVE, TASK_FINISHED, TaskState
from mainspring_store.database.transactions import Database
from mainspring_store.resources.conflict_policy import OnAbsence, OnExistence, insert_named
from mainspring_store.state.conditions import CALLING
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
"""The pool of every task that names none. Always there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NewPool:
    """A pool to be created."""

    name: str
    slots: int
    """-1 = as many as wanted."""
    description: str | None = None
    include_deferred: bool = False
    """Whether deferred task instances hold their slots."""


def create_pools(
    database: Database,
    pools: Sequence[NewPool],
    *,
    on_existence: OnExistence = OnExistence.FAIL,
    given: Sequence[Collection[str]] | None = None,
) -> list[str]:
    """Create pools; returns the names that were written.

    given: the fields of each that an existing one gets; `None` = all.

    Raises:
        Conflict: One exists, and that must FAIL; then none was created.
    """
    with database.write() as connection:
        written = insert_named(connection, pool, [asdict(one) for one in pools], on_existence, given)
        existing = sorted({one.name for one in pools} - set(written))
        if existing and on_existence is OnExistence.FAIL:
            raise Conflict(f"The pools with these pool names: {existing} already exist.")
        if on_existence is OnExistence.OVERWRITE:
            _recount(connection, written)
    return written


def change_pools(
    database: Database, changes: Mapping[str, Mapping[str, Any]], *, on_absence: OnAbsence = OnAbsence.FAIL
) -> list[str]:
    """Give pools new values (name -> fields of `NewPool` but the name); returns the names that were changed.

    Fewer slots than are held take none away: nothing new starts until enough are free.

    Raises:
        NotFound: One does not exist, and that must FAIL; then none was changed.
    """
    with database.write() as connection:
        known = _locked(connection, changes, on_absence)
        for name in known:
            if changes[name]:
                connection.execute(update(pool).where(pool.c.name == name).values(**changes[name]))
        _recount(connection, known)
    return known


def delete_pools(database: Database, names: Sequence[str], *, on_absence: OnAbsence = OnAbsence.FAIL) -> list[str]:
    """Delete pools; returns the names that were deleted.

    Raises:
        Conflict: One is the default pool, has unfinished task instances, or is named by a DAG.
        NotFound: One does not exist, and that must FAIL.
            In both cases none was deleted.
    """
    with database.write() as connection:
        known = _locked(connection, names, on_absence)
        for name in known:
            reason = _in_use(connection, name)
            if reason is not None:
                raise Conflict(f"pool '{name}' cannot be deleted: {reason}")
        connection.execute(_DELETE, {"names": known})
    return known


def pool_problems(connection: Connection, definition: Definition) -> list[Problem]:
    """A problem for each place of a definition that names a pool which does not exist.

    Pools that do exist cannot be deleted before the caller's transaction has ended.
    """
    wanted = {task.pool for task in definition.tasks.values()} - {DEFAULT_POOL}
    if not wanted:
        return []
    missing = wanted - set(connection.scalars(_HOLD, {"names": sorted(wanted)}))
    if not missing:
        return []
    known = list(connection.scalars(_NAMES))
    places: dict[str, str] = {}
    for task_id, task in definition.document["tasks"].items():
        at = join_pointer("/tasks", task_id, "pool") if "pool" in task else "/default_args/pool"
        places.setdefault(at, definition.tasks[task_id].pool)
    return [
        Problem(
            pointer=at,
            message=f"there is no pool '{name}'",
            hint=did_you_mean(name, known) or "create it by POST /api/v2/pools",
            code="unknown_pool",
        )
        for at, name in places.items()
        if name in missing
    ]


def give_back_deferred(connection: Connection, dag_id: str) -> None:
    """Give back the slots that deferred instances of a DAG hold, which is about to be deleted. Its runs are locked."""
    connection.execute(_GIVE_BACK_DEFERRED, {"dag_id": dag_id})
    connection.execute(_GIVE_BACK_CALLING, {"dag_id": dag_id})


def _locked(connection: Connection, names: Sequence[str] | Mapping[str, Any], on_absence: OnAbsence) -> list[str]:
    """Lock these pools, in order of name, until the end of the transaction; returns those that exist."""
    known = list(connection.scalars(_LOCK, {"names": list(names)}))
    missing = sorted(set(names) - set(known))
    if missing and on_absence is OnAbsence.FAIL:
        raise NotFound(f"The Pool with name: `{missing[0]}` was not found")
    return known


def _recount(connection: Connection, names: Sequence[str]) -> None:
    """Count `used` and `calling` anew: whether deferred instances belong to them may have changed. The pools are
    locked."""
    connection.execute(_RECOUNT, {"names": list(names)})


def _in_use(connection: Connection, name: str) -> str | None:
    if name == DEFAULT_POOL:
        return "it is the pool of every task that names none"
    live = connection.scalar(_LIVE_INSTANCES, {"name": name})
    if live:
        return f"{live} unfinished task instances are in it; wait for their runs to end, or cancel them"
    for dag_id, document in connection.execute(_naming_dags(name)):
        parts = [document.get("default_args", {}), *document["tasks"].values()]
        if any(part.get("pool") == name for part in parts):
            return f"dag '{dag_id}' names it; save that DAG with another pool first"
    return None


def _naming_dags(name: str) -> Select[Any]:
    """DAGs whose current version holds the words `"pool":"name"` (documents are stored as compact JSON); more than
    those that name the pool, as the words may stand in a text."""
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
# Literal states, so that the partial indexes serve and history costs nothing.
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
        # Slots are held in running runs only.
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
