"""Saving, pausing and deleting DAGs, and a cache of definitions by version."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any

from sqlalchemy import Connection, bindparam, case, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from uuid_utils import uuid7

from mainspring.definition import load_stored
from mainspring.definition.model import Definition
from mainspring.errors import Conflict, InvalidDag, NotFound, PreconditionFailed
from mainspring.states import RUN_FINISHED, TASK_ACTIVE
from mainspring.timetables import timetable_of
from mainspring_store.access.quotas import Owner, Quota
from mainspring_store.database.transactions import Database, lift_time_limit
from mainspring_store.database.types import UtcDateTime
from mainspring_store.queries.dags import dag_not_found
from mainspring_store.resources.pools import give_back_deferred, pool_problems
from mainspring_store.state.effects import lock_runs
from mainspring_store.state.runs import VersionRef, wake_waiting
from mainspring_store.tables import dag, dag_run, dag_tag, dag_version, task_display_name, task_instance

__all__ = ["Saved", "Versions", "check_dag", "delete_dag", "save_dag", "set_all_paused", "set_paused"]

_CACHED_TASKS_MAX = 50_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Saved:
    """The result of saving a definition."""

    is_new_dag: bool
    is_new_version: bool
    """False: the current version has the same content, and no row was written."""
    version_number: int
    version: VersionRef


def save_dag(
    database: Database,
    definition: Definition,
    *,
    by: str | None,
    owner: Owner | None = None,
    replaces: str | None = None,
    now: datetime,
) -> Saved:
    """Make `definition` the current version of its DAG. Creates a missing DAG.

    owner: the principal whose quota a new DAG counts for.
    replaces: the content hash that the current version must have; `None` = any version, or no DAG.

    Existing runs keep their version. `is_paused_upon_creation` applies to new DAGs only.

    Raises:
        InvalidDag: The definition names pools that do not exist.
        Conflict: The DAG was deleted concurrently; saving again creates the DAG.
        PreconditionFailed: `replaces` is not the content hash of the current version, or the DAG is new.
        QuotaExceeded: The DAG is new, and the owner would exceed the quota.
    """
    with database.write() as connection:
        problems = pool_problems(connection, definition)
        if problems:
            raise InvalidDag(problems)
        is_new = _insert_dag(connection, definition, owner, now)
        # `_CURRENT` locks the row, so that concurrent requests cannot create equal version numbers.
        current = connection.execute(_CURRENT, {"dag_id": definition.dag_id}).one_or_none()
        if current is None:
            raise Conflict(f"dag '{definition.dag_id}' was deleted at this moment; send it again to create it")
        if replaces is not None and (is_new or current.content_hash != replaces):
            raise PreconditionFailed(f"dag '{definition.dag_id}' was changed at this moment; nothing was saved")
        if current.content_hash == definition.content_hash:
            version = VersionRef(
                id=current.version_id, definition=_as_stored(connection, current.version_id, definition)
            )
            return Saved(is_new_dag=False, is_new_version=False, version_number=current.version_number, version=version)
        number, version = _insert_version(connection, definition, by, now)
        _copy_from_version(connection, definition, version.id, now)
    return Saved(is_new_dag=is_new, is_new_version=True, version_number=number, version=version)


def check_dag(database: Database, definition: Definition) -> None:
    """Raises InvalidDag where `save_dag` would."""
    with database.read() as connection:
        problems = pool_problems(connection, definition)
    if problems:
        raise InvalidDag(problems)


def set_paused(database: Database, dag_id: str, is_paused: bool, *, now: datetime) -> None:
    """Pause or unpause a DAG. No run of a paused DAG starts.

    Raises:
        NotFound: There is no such DAG.
    """
    if not set_all_paused(database, [dag_id], is_paused, now=now):
        raise dag_not_found(dag_id)


def set_all_paused(database: Database, dag_ids: Iterable[str], is_paused: bool, *, now: datetime) -> list[str]:
    """As `set_paused`, for several DAGs; returns the ids of existing DAGs, sorted."""
    with database.write() as connection:
        return [
            dag_id
            for dag_id in sorted(dag_ids)
            if connection.execute(_SET_PAUSED, {"id": dag_id, "paused": is_paused, "now": now}).rowcount
        ]


def delete_dag(database: Database, dag_id: str, *, now: datetime) -> None:
    """Delete a DAG with its versions, runs, logs and outputs. `dag` tasks that wait for its runs fail.

    Raises:
        NotFound: There is no such DAG.
        Conflict: Task instances of the DAG are queued or running.
    """
    with database.write() as connection:
        # Lock runs before their DAG, in the order of the scheduler.
        lock_runs(connection, connection.scalars(_UNFINISHED_RUNS, {"dag_id": dag_id}).all())
        active = connection.scalar(_ACTIVE_INSTANCES, {"dag_id": dag_id})
        if active:
            raise Conflict(
                f"dag '{dag_id}' has {active} task instances queued or running; cancel its runs first, "
                "by PATCH .../dagRuns/{run_id} with state failed"
            )
        awaited = connection.execute(_AWAITED_RUNS, {"dag_id": dag_id})
        wake_waiting(connection, [(row.id, row.parent_attempt_id) for row in awaited], now=now)
        give_back_deferred(connection, dag_id)
        lift_time_limit(connection)
        connection.execute(_DELETE_RUNS, {"dag_id": dag_id})
        if connection.execute(_DELETE_DAG, {"dag_id": dag_id}).rowcount == 0:
            raise dag_not_found(dag_id)


class Versions:
    """A cache of definitions by version. Versions are immutable, so cached definitions are never stale.

    The total number of tasks bounds the cache, because tasks take most of the memory. Safe to use from many threads.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._cache: OrderedDict[int, Definition] = OrderedDict()
        self._tasks = 0
        self._lock = Lock()

    def current(self, dag_id: str) -> VersionRef:
        """The current version of a DAG.

        Raises:
            NotFound: There is no such DAG.
        """
        with self._database.read() as connection:
            version_id = connection.scalar(_CURRENT_ID, {"dag_id": dag_id})
        if version_id is None:
            raise dag_not_found(dag_id)
        return VersionRef(id=version_id, definition=self.definition(version_id))

    def definition(self, version_id: int) -> Definition:
        """The definition of a version.

        Raises:
            NotFound: There is no such version, because its DAG was deleted.
        """
        with self._lock:
            cached = self._cache.get(version_id)
            if cached is not None:
                self._cache.move_to_end(version_id)
                return cached
        with self._database.read() as connection:
            document = connection.scalar(_DOCUMENT, {"id": version_id})
        if document is None:
            raise NotFound("the DAG was deleted at this moment")
        definition = load_stored(document)
        self.keep(VersionRef(id=version_id, definition=definition))
        return definition

    def keep(self, version: VersionRef) -> None:
        """Put a version into the cache."""
        with self._lock:
            if version.id in self._cache:
                return
            self._cache[version.id] = version.definition
            self._tasks += len(version.definition.tasks)
            while self._tasks > _CACHED_TASKS_MAX and len(self._cache) > 1:
                _, oldest = self._cache.popitem(last=False)
                self._tasks -= len(oldest.tasks)


def _insert_dag(connection: Connection, definition: Definition, owner: Owner | None, now: datetime) -> bool:
    """Insert the row of a new DAG; returns whether the DAG is new. Waits for concurrent requests that save the DAG."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    inserted = connection.scalar(
        dialect.insert(dag).on_conflict_do_nothing(index_elements=["dag_id"]).returning(dag.c.dag_id),
        {
            "dag_id": definition.dag_id,
            "is_paused": definition.is_paused_upon_creation,
            "version_id": 0,
            "principal_id": owner and owner.principal_id,
            "created_at": now,
            **_copied(definition, now),
        },
    )
    if inserted is not None and owner is not None:
        owner.admit(connection, Quota.DAGS, is_written=True)
    return inserted is not None


def _insert_version(
    connection: Connection, definition: Definition, by: str | None, now: datetime
) -> tuple[int, VersionRef]:
    """Insert the next version of a DAG, whose row is locked; returns the version number and the version."""
    number = (connection.scalar(_LATEST_NUMBER, {"dag_id": definition.dag_id}) or 0) + 1
    version_id = connection.scalar(
        _INSERT_VERSION,
        {
            "uuid": str(uuid7()),
            "dag_id": definition.dag_id,
            "version_number": number,
            "content_hash": definition.content_hash,
            "document": definition.document,
            "created_at": now,
            "created_by": by,
        },
    )
    assert version_id is not None
    _store_display_names(connection, definition, version_id)
    return number, VersionRef(id=version_id, definition=definition)


def _as_stored(connection: Connection, version_id: int, definition: Definition) -> Definition:
    """The stored definition of the same content: task indexes follow the stored order of tasks."""
    document = connection.execute(_DOCUMENT, {"id": version_id}).scalar_one()
    return definition if list(document["tasks"]) == list(definition.tasks) else load_stored(document)


def _copy_from_version(connection: Connection, definition: Definition, version_id: int, now: datetime) -> None:
    connection.execute(
        update(dag).where(dag.c.dag_id == definition.dag_id),
        {"version_id": version_id, **_copied(definition, now)},
    )
    connection.execute(_DELETE_TAGS, {"dag_id": definition.dag_id})
    if definition.tags:
        connection.execute(insert(dag_tag), [{"dag_id": definition.dag_id, "name": name} for name in definition.tags])


def _store_display_names(connection: Connection, definition: Definition, version_id: int) -> None:
    named = {task.task_id: task.display_name for task in definition.tasks.values() if task.display_name}
    if named:
        rows = [{"dag_version_id": version_id, "task_id": key, "display_name": name} for key, name in named.items()]
        connection.execute(insert(task_display_name), rows)


def _copied(definition: Definition, now: datetime) -> dict[str, Any]:
    """The columns of a DAG's row that copy fields of its current version."""
    timetable = timetable_of(definition.schedule) if definition.schedule else None
    return {
        "display_name": definition.display_name or definition.dag_id,
        "description": definition.description,
        "owners": list(definition.owners),
        "max_active_runs": definition.max_active_runs,
        "max_active_tasks": definition.max_active_tasks,
        # A due slot without a logical date makes the scheduler plan again.
        "next_logical_date": None,
        "next_data_interval_end": None,
        "next_run_after": now if definition.schedule else None,
        "schedule_error": None,
        "timetable_summary": timetable.summary if timetable else None,
        "timetable_description": timetable.description if timetable else None,
        "is_periodic": timetable is not None and timetable.is_periodic,
        "updated_at": now,
    }


_CURRENT = (
    select(dag.c.version_id, dag_version.c.content_hash, dag_version.c.version_number)
    .select_from(dag)
    .outerjoin(dag_version, dag_version.c.id == dag.c.version_id)
    .where(dag.c.dag_id == bindparam("dag_id"))
    .with_for_update(key_share=True, of=dag)
)
_LATEST_NUMBER = select(func.max(dag_version.c.version_number)).where(dag_version.c.dag_id == bindparam("dag_id"))
_INSERT_VERSION = insert(dag_version).returning(dag_version.c.id)
_DELETE_TAGS = delete(dag_tag).where(dag_tag.c.dag_id == bindparam("dag_id"))
_SET_PAUSED = (
    update(dag)
    .where(dag.c.dag_id == bindparam("id"))
    .values(
        is_paused=bindparam("paused"),
        # After a pause the scheduler must plan the next slot again.
        next_logical_date=None,
        next_data_interval_end=None,
        next_run_after=case((dag.c.next_run_after.is_not(None), bindparam("now", type_=UtcDateTime))),
        updated_at=bindparam("now"),
    )
)
_CURRENT_ID = select(dag.c.version_id).where(dag.c.dag_id == bindparam("dag_id"))
_DOCUMENT = select(dag_version.c.document).where(dag_version.c.id == bindparam("id"))
_UNFINISHED_RUNS = select(dag_run.c.id).where(
    dag_run.c.dag_id == bindparam("dag_id"), dag_run.c.state.not_in(RUN_FINISHED)
)
_AWAITED_RUNS = select(dag_run.c.id, dag_run.c.parent_attempt_id).where(
    dag_run.c.dag_id == bindparam("dag_id"), dag_run.c.parent_attempt_id.is_not(None)
)
_ACTIVE_INSTANCES = (
    select(func.count())
    .select_from(task_instance)
    .join(dag_run, dag_run.c.id == task_instance.c.dag_run_id)
    .where(
        dag_run.c.dag_id == bindparam("dag_id"),
        dag_run.c.state.not_in(RUN_FINISHED),
        task_instance.c.state.in_(TASK_ACTIVE),
    )
)
_DELETE_RUNS = delete(dag_run).where(dag_run.c.dag_id == bindparam("dag_id"))
_DELETE_DAG = delete(dag).where(dag.c.dag_id == bindparam("dag_id"))
