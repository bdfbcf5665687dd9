"""Saving, pausing and deleting DAGs, and a cache of definitions by version."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from time import monotonic, sleep
from typing import Any

from sqlalchemy import (
    Connection,
    Integer,
    LargeBinary,
    Row,
    Text,
    bindparam,
    case,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from uuid_utils import uuid7

from mainspring.definition import load_stored
from mainspring.definition.changes import summarise
from mainspring.definition.model import Definition
from mainspring.errors import Conflict, InvalidDag, NotFound, PreconditionFailed, Problem
from mainspring.events import EventKind
from mainspring.states import RUN_FINISHED, TASK_ACTIVE, RunState, StateReason
from mainspring.timetables import timetable_of
from mainspring_store.access.quotas import Owner, Quota
from mainspring_store.database.transactions import Database, commit_before_the_flush, lift_time_limit
from mainspring_store.database.types import UtcDateTime
from mainspring_store.queries.dags import dag_not_found, get_version
from mainspring_store.resources.pools import give_back_deferred, pool_problems
from mainspring_store.state.effects import Effects, lock_runs
from mainspring_store.state.events import write_event
from mainspring_store.state.run_removal import remove_instances, remove_runs
from mainspring_store.state.runs import VersionRef, end_run, wake_waiting
from mainspring_store.tables import dag, dag_run, dag_tag, dag_version, pruned_run, task_display_name, task_instance

__all__ = [
    "Bundle",
    "Expected",
    "Saved",
    "Source",
    "Versions",
    "bundle_problem",
    "check_dag",
    "delete_dag",
    "insert_inline_version",
    "save_dag",
    "set_all_paused",
    "set_paused",
]

_CACHED_TASKS_MAX = 50_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A definition as the client sent it."""

    text: bytes
    media_type: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Bundle:
    """A named set of definitions, such as a folder under version control, that a save belongs to."""

    name: str
    takes_over: bool = False
    """Whether the save may take a DAG of another bundle."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Expected:
    """The state that a DAG must have for a save."""

    content_hash: str | None
    """Content hash of the current version; `None` = there is no DAG."""
    source: bytes | None = None
    """Source of the current version; `None` = no source is stored."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Saved:
    """The result of saving a definition."""

    is_new_dag: bool
    is_new_version: bool
    """False: the current version has the same content."""
    is_adopted: bool
    """The existing DAG got another bundle, or is no longer stale."""
    version_number: int
    version: VersionRef


def save_dag(
    database: Database,
    definition: Definition,
    *,
    by: str | None,
    owner: Owner | None = None,
    source: Source | None = None,
    message: str | None = None,
    bundle: Bundle | None = None,
    expected: Expected | None = None,
    now: datetime,
) -> Saved:
    """Make `definition` the current version of its DAG. Creates a missing DAG.

    owner: the principal whose quotas a new DAG and the source count for.
    source: the text of the definition. A changed text of equal content replaces the text of the current version.
    message: the reason of the save, kept with a new version.
    bundle: the bundle of the definition; `None` = the DAG keeps its bundle.
    expected: the state that the DAG must have; `None` = any state.

    Existing runs keep their version. `is_paused_upon_creation` applies to new DAGs only. A stale DAG is current again.

    Raises:
        InvalidDag: The definition names pools that do not exist, or the DAG belongs to another bundle.
        Conflict: The DAG was deleted concurrently; saving again creates the DAG.
        PreconditionFailed: The DAG is not in the expected state.
        QuotaExceeded: The DAG is new, and the owner would exceed the quota of DAGs; or the sources of the owner's
            versions exceed the quota.
    """
    if owner is not None:
        owner.check_definitions()
    with database.write() as connection:
        problems = pool_problems(connection, definition)
        if problems:
            raise InvalidDag(problems)
        current = _locked_dag(connection, definition, by, owner, now)
        is_new = current.version_id == 0
        if expected is not None:
            _check_expected(connection, definition.dag_id, None if is_new else current, expected)
        is_adopted = not is_new and _changes_bundle(definition.dag_id, current, bundle)
        if current.content_hash == definition.content_hash:
            if is_adopted:
                _adopt(connection, definition, current, bundle, now)
            return _kept_version(connection, definition, current, source, is_adopted=is_adopted)
        columns = {"created_by": by, "created_at": now, "message": message, **_source_columns(source, owner)}
        number, version = _make_current(connection, definition, current, bundle, columns)
    return Saved(is_new_dag=is_new, is_new_version=True, is_adopted=is_adopted, version_number=number, version=version)


def _make_current(
    connection: Connection,
    definition: Definition,
    current: "_Current",
    bundle: Bundle | None,
    columns: Mapping[str, Any],
) -> tuple[int, VersionRef]:
    """Insert a version and make it the current one; returns its number and the version.

    columns: `created_by`, `created_at`, `message` and the columns of the source.
    """
    number, by, now = current.last_version_number + 1, columns["created_by"], columns["created_at"]
    version = _insert_version(connection, definition, number=number, old_id=current.version_id or None, **columns)
    data = {"version_number": number}
    write_event(connection, EventKind.DAG, "saved", at=now, dag_id=definition.dag_id, data=data)
    copied = {"version_id": version.id, "last_version_number": number, **_bundle_columns(current, bundle)}
    if current.version_id == 0:
        copied |= _paused_columns(definition, by, now)
    _copy_from_version(connection, definition, copied, now)
    return number, version


def insert_inline_version(
    connection: Connection, definition: Definition, *, by: str, owner: Owner | None, source: Source, now: datetime
) -> VersionRef:
    """Add a version that the DAG never uses for other runs, in the transaction that creates its run.

    A missing DAG becomes a stale DAG without a saved definition, a schedule and tags.

    owner: the principal whose quotas a new DAG and the source count for.

    Raises:
        InvalidDag: The definition names pools that do not exist.
        Conflict: The DAG was deleted concurrently.
        QuotaExceeded: See `save_dag`.
    """
    if owner is not None:
        owner.check_definitions()
    problems = pool_problems(connection, definition)
    if problems:
        raise InvalidDag(problems)
    current = _locked_dag(connection, definition, by, owner, now)
    number = current.last_version_number + 1
    columns = {"created_by": by, "created_at": now, **_source_columns(source, owner)}
    version = _insert_version(
        connection, definition, number=number, old_id=current.version_id or None, is_inline=True, **columns
    )
    changed: dict[str, Any] = {"last_version_number": number}
    if current.version_id == 0:
        unscheduled = {"next_run_after": None, "is_periodic": False}
        changed |= {"is_stale": True, **_copied(definition, now), **unscheduled}
    connection.execute(update(dag).where(dag.c.dag_id == definition.dag_id), changed)
    return version


def check_dag(database: Database, definition: Definition) -> None:
    """Raises InvalidDag where `save_dag` would."""
    with database.read() as connection:
        problems = pool_problems(connection, definition)
    if problems:
        raise InvalidDag(problems)


def set_paused(database: Database, dag_id: str, is_paused: bool, *, by: str | None = None, now: datetime) -> None:
    """Pause or unpause a DAG. No run of a paused DAG starts.

    by: name of the user or token.

    Raises:
        NotFound: There is no such DAG.
    """
    if not set_all_paused(database, [dag_id], is_paused, by=by, now=now):
        raise dag_not_found(dag_id)


def set_all_paused(
    database: Database, dag_ids: Iterable[str], is_paused: bool, *, by: str | None = None, now: datetime
) -> list[str]:
    """As `set_paused`, for several DAGs; returns the ids of existing DAGs, sorted."""
    state = "paused" if is_paused else "unpaused"
    statement, values = (_PAUSE, {"by": by}) if is_paused else (_UNPAUSE, {})
    with database.write() as connection:
        changed = [
            dag_id
            for dag_id in sorted(dag_ids)
            if connection.execute(statement, {"id": dag_id, "paused": is_paused, "now": now, **values}).rowcount
        ]
        for dag_id in changed:
            write_event(connection, EventKind.DAG, state, at=now, dag_id=dag_id)
    return changed


def delete_dag(database: Database, dag_id: str, *, now: datetime) -> None:
    """Delete a DAG with its versions, runs, logs and outputs. `dag` tasks that wait for its runs fail.

    A long history goes first, in short transactions, so that other writers hardly wait; the DAG is paused meanwhile. If
    the call breaks off, the DAG stays with fewer runs, and a further call goes on.

    Raises:
        NotFound: There is no such DAG.
        Conflict: Task instances of the DAG are queued or running.
    """
    _delete_long_history(database, dag_id, now=now)
    with database.write() as connection:
        _lock_idle(connection, dag_id)
        awaited = connection.execute(_AWAITED_RUNS, {"dag_id": dag_id})
        wake_waiting(connection, [(row.id, row.parent_attempt_id) for row in awaited], now=now)
        give_back_deferred(connection, dag_id)
        lift_time_limit(connection)
        connection.execute(_DELETE_RUNS, {"dag_id": dag_id})
        if connection.execute(_DELETE_DAG, {"dag_id": dag_id}).rowcount == 0:
            raise dag_not_found(dag_id)
        write_event(connection, EventKind.DAG, "deleted", at=now, dag_id=dag_id)


_ROWS_AT_ONCE = 300
"""Most runs and task instances that one transaction deletes. With more, runs that are not running go first."""
_ROWS_AT_ONCE_MIN = 10
_DELETION_SECONDS = 0.02
"""Aim for the length of one transaction."""
_REST_SECONDS_MIN = 0.002
"""Between two transactions, so that each writer that waits gets a turn."""
_ENDED = "the DAG was being deleted"


def _delete_long_history(database: Database, dag_id: str, *, now: datetime) -> None:
    """Delete the runs of a DAG that are not running in short transactions, unless they are few. Raises Conflict."""
    with database.read() as connection:
        runs, instances = connection.execute(_HISTORY, {"dag_id": dag_id}).one()
        pruned = connection.scalar(_COUNT_PRUNED, {"dag_id": dag_id}) or 0
        if runs + (instances or 0) + pruned <= _ROWS_AT_ONCE:
            return
        _refuse_active(connection, dag_id)
    with database.write() as connection:
        connection.execute(_SET_PAUSED, {"id": dag_id, "paused": True, "now": now})
    rows_max, last_key, is_left = _ROWS_AT_ONCE // 4, 0, True
    while is_left:
        with database.write() as connection:
            began = monotonic()
            last_key, is_left = _delete_oldest(connection, dag_id, last_key, rows_max, now=now)
            # Without the commit: a slow disk takes as long for few rows as for many.
            seconds = monotonic() - began
        fitting = int(rows_max * _DELETION_SECONDS / max(seconds, _DELETION_SECONDS / 2))
        rows_max = max(_ROWS_AT_ONCE_MIN, min(_ROWS_AT_ONCE, fitting))
        sleep(max(_REST_SECONDS_MIN, min(seconds, _DELETION_SECONDS) / 4))


def _delete_oldest(
    connection: Connection, dag_id: str, last_key: int, rows_max: int, *, now: datetime
) -> tuple[int, bool]:
    """Delete the oldest runs of a DAG behind a key that are not running, then the small rows of its pruned runs.

    Returns the key behind which to go on, and whether rows may be left.
    """
    parameters = {"dag_id": dag_id, "after": last_key, "limit_": rows_max}
    keys = _first_of(connection.execute(_OLDEST_IDLE, parameters).all(), rows_max)
    if not keys:
        return last_key, connection.execute(_DELETE_PRUNED, {"dag_id": dag_id, "limit_": rows_max}).rowcount > 0
    lock_runs(connection, keys)
    # The scheduler or a user may have started some of them before this transaction locked them.
    idle = connection.execute(_STILL_IDLE, {"keys": keys}).all()
    wake_waiting(connection, [(row.id, row.parent_attempt_id) for row in idle], now=now)
    if len(idle) == 1 and idle[0].tasks_total > rows_max:
        if idle[0].state == RunState.QUEUED:
            # If the call breaks off, no scheduler may start what is left of the run.
            effects = Effects()
            end_run(connection, idle[0].id, effects, now=now, reason=StateReason.CANCELLED, message=_ENDED)
            effects.apply(connection)
        remove_instances(connection, idle[0].id, rows_max)
        return last_key, True
    remove_runs(connection, [row.id for row in idle], keeps_dag=True)
    if all(row.state in RUN_FINISHED and row.parent_attempt_id is None for row in idle):
        # The last transaction of the deletion is flushed, and all before it with it.
        commit_before_the_flush(connection)
    return keys[-1], True


def _first_of(rows: Sequence[Any], rows_max: int) -> list[int]:
    """Keys of the first runs that have `rows_max` rows together; at least one run."""
    keys: list[int] = []
    total = 0
    for row in rows:
        total += 1 + row.tasks_total
        if keys and total > rows_max:
            break
        keys.append(row.id)
    return keys


def _lock_idle(connection: Connection, dag_id: str) -> None:
    """Lock the unfinished runs of a DAG. Raises Conflict when task instances are queued or running."""
    # Lock runs before their DAG, in the order of the scheduler.
    lock_runs(connection, connection.scalars(_UNFINISHED_RUNS, {"dag_id": dag_id}).all())
    _refuse_active(connection, dag_id)


def _refuse_active(connection: Connection, dag_id: str) -> None:
    active = connection.scalar(_ACTIVE_INSTANCES, {"dag_id": dag_id})
    if active:
        raise Conflict(
            f"dag '{dag_id}' has {active} task instances queued or running; cancel its runs first, "
            "by PATCH .../dagRuns/{run_id} with state failed"
        )


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
        if version_id == 0:
            raise _never_saved(dag_id)
        return VersionRef(id=version_id, definition=self.definition(version_id))

    def numbered(self, dag_id: str, version_number: int) -> VersionRef:
        """A saved version of a DAG.

        Raises:
            NotFound: There is no such DAG or version.
            Conflict: The version was sent with a run and not saved.
        """
        version = get_version(self._database, dag_id, version_number)
        if version["is_inline"]:
            raise Conflict(
                f"version {version_number} of dag '{dag_id}' was not saved and belongs to its runs; restore it first"
            )
        return VersionRef(id=version["id"], definition=self.definition(version["id"]))

    def for_new_run(self, dag_id: str) -> VersionRef:
        """The current version of a DAG that may start runs.

        Raises:
            NotFound: There is no such DAG, or its bundle no longer has it.
        """
        with self._database.read() as connection:
            row = connection.execute(_CURRENT_STATE, {"dag_id": dag_id}).one_or_none()
        if row is None:
            raise dag_not_found(dag_id)
        if row.version_id == 0:
            raise _never_saved(dag_id)
        if row.is_stale:
            raise NotFound(f"dag '{dag_id}' is stale: bundle '{row.bundle_name}' no longer has it; save it again")
        return VersionRef(id=row.version_id, definition=self.definition(row.version_id))

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


def _never_saved(dag_id: str) -> NotFound:
    return NotFound(f"dag '{dag_id}' has runs of definitions that were not saved; save one to run it by name")


def _insert_dag(
    connection: Connection, definition: Definition, by: str | None, owner: Owner | None, now: datetime
) -> None:
    """Insert the row of a new DAG, without a version. Waits for concurrent requests that save the DAG."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    inserted = connection.scalar(
        dialect.insert(dag).on_conflict_do_nothing(index_elements=["dag_id"]).returning(dag.c.dag_id),
        {
            "dag_id": definition.dag_id,
            "is_paused": False,
            "version_id": 0,
            "is_stale": False,
            "principal_id": owner and owner.principal_id,
            "created_at": now,
            **_copied(definition, now),
        },
    )
    if inserted is not None and owner is not None:
        owner.admit(connection, Quota.DAGS, is_written=True)


def _paused_columns(definition: Definition, by: str | None, now: datetime) -> dict[str, Any]:
    is_paused = definition.is_paused_upon_creation
    return {
        "is_paused": is_paused,
        "paused_by": by if is_paused else None,
        "paused_at": now if is_paused else None,
    }


_Current = Row[int, str, int, int, str | None, bool]
"""Id, content hash and number of the current version of a DAG; the highest number of a version; the bundle of the DAG,
and whether the DAG is stale. The id is 0 when no client has saved the DAG."""


def _locked_dag(
    connection: Connection, definition: Definition, by: str | None, owner: Owner | None, now: datetime
) -> _Current:
    """Insert a missing DAG and lock its row; returns its current version."""
    _insert_dag(connection, definition, by, owner, now)
    # `_CURRENT` locks the row, so that concurrent requests cannot create equal version numbers.
    current = connection.execute(_CURRENT, {"dag_id": definition.dag_id}).one_or_none()
    if current is None:
        raise Conflict(f"dag '{definition.dag_id}' was deleted at this moment; send it again to create it")
    return current


def _check_expected(connection: Connection, dag_id: str, current: _Current | None, expected: Expected) -> None:
    """current: the locked row of the DAG; `None` = the transaction created the DAG."""
    if current is None:
        is_expected = expected.content_hash is None
    else:
        source = connection.scalar(_SOURCE, {"id": current.version_id})
        is_expected = (current.content_hash, source) == (expected.content_hash, expected.source)
    if not is_expected:
        raise PreconditionFailed(
            f"dag '{dag_id}' was changed at this moment; nothing was saved",
            version_number=None if current is None else current.version_number,
        )


def bundle_problem(dag_id: str, current_name: str | None, bundle: Bundle | None) -> Problem | None:
    """The fault of a save that must not take a DAG of another bundle; `None` = the save may."""
    if bundle is None or bundle.takes_over or current_name in (None, bundle.name):
        return None
    return Problem(
        pointer="",
        message=f"dag '{dag_id}' belongs to bundle '{current_name}'",
        hint="apply it there, or take the DAG over: --take-over, take_over: true",
        code="other_bundle",
    )


def _changes_bundle(dag_id: str, current: _Current, bundle: Bundle | None) -> bool:
    """Raises InvalidDag when the DAG belongs to another bundle."""
    problem = bundle_problem(dag_id, current.bundle_name, bundle)
    if problem is not None:
        raise InvalidDag([problem])
    return current.is_stale or (bundle is not None and bundle.name != current.bundle_name)


def _bundle_columns(current: _Current, bundle: Bundle | None) -> dict[str, Any]:
    return {"is_stale": False, "bundle_name": current.bundle_name if bundle is None else bundle.name}


def _adopt(
    connection: Connection, definition: Definition, current: _Current, bundle: Bundle | None, now: datetime
) -> None:
    """Give a DAG of equal content to a bundle. The schedule of a stale DAG begins again."""
    columns = _bundle_columns(current, bundle)
    if current.is_stale:
        columns |= _copied(definition, now)
    connection.execute(update(dag).where(dag.c.dag_id == definition.dag_id), {**columns, "updated_at": now})


def _kept_version(
    connection: Connection, definition: Definition, current: _Current, source: Source | None, *, is_adopted: bool
) -> Saved:
    """The current version, which has the same content; only the text may be new."""
    if source is not None:
        values = {"version": current.version_id, "text": source.text, "media_type": source.media_type}
        connection.execute(_REPLACE_SOURCE, values)
    version = VersionRef(id=current.version_id, definition=_as_stored(connection, current.version_id, definition))
    return Saved(
        is_new_dag=False,
        is_new_version=False,
        is_adopted=is_adopted,
        version_number=current.version_number,
        version=version,
    )


def _insert_version(
    connection: Connection, definition: Definition, *, number: int, old_id: int | None, **columns: Any
) -> VersionRef:
    """Insert the next version of a DAG, whose row is locked.

    old_id: the version to compare with; `None` = the DAG is new.
    """
    old = None if old_id is None else connection.scalar(_DOCUMENT, {"id": old_id})
    version_id = connection.scalar(
        _INSERT_VERSION,
        {
            "uuid": str(uuid7()),
            "dag_id": definition.dag_id,
            "version_number": number,
            "content_hash": definition.content_hash,
            "document": definition.document,
            "summary": summarise(old, definition.document),
            **columns,
        },
    )
    assert version_id is not None
    _store_display_names(connection, definition, version_id)
    return VersionRef(id=version_id, definition=definition)


def _source_columns(source: Source | None, owner: Owner | None) -> dict[str, Any]:
    return {
        "source": source and source.text,
        "source_media_type": source and source.media_type,
        "principal_id": owner and owner.principal_id,
    }


def _as_stored(connection: Connection, version_id: int, definition: Definition) -> Definition:
    """The stored definition of the same content: task indexes follow the stored order of tasks."""
    document = connection.execute(_DOCUMENT, {"id": version_id}).scalar_one()
    return definition if list(document["tasks"]) == list(definition.tasks) else load_stored(document)


def _copy_from_version(
    connection: Connection, definition: Definition, columns: Mapping[str, Any], now: datetime
) -> None:
    connection.execute(
        update(dag).where(dag.c.dag_id == definition.dag_id),
        {**columns, **_copied(definition, now)},
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
        "retention": definition.retention and dict(definition.retention),
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
    select(
        dag.c.version_id,
        dag_version.c.content_hash,
        dag_version.c.version_number,
        dag.c.last_version_number,
        dag.c.bundle_name,
        dag.c.is_stale,
    )
    .select_from(dag)
    .outerjoin(dag_version, dag_version.c.id == dag.c.version_id)
    .where(dag.c.dag_id == bindparam("dag_id"))
    .with_for_update(key_share=True, of=dag)
)
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
_PAUSE = _SET_PAUSED.values(
    # A second pause is no new pause.
    paused_by=case((dag.c.is_paused, dag.c.paused_by), else_=bindparam("by", type_=Text())),
    paused_at=case((dag.c.is_paused, dag.c.paused_at), else_=bindparam("now", type_=UtcDateTime)),
)
_UNPAUSE = _SET_PAUSED.values(paused_by=None, paused_at=None)
_CURRENT_ID = select(dag.c.version_id).where(dag.c.dag_id == bindparam("dag_id"))
_CURRENT_STATE = select(dag.c.version_id, dag.c.is_stale, dag.c.bundle_name).where(dag.c.dag_id == bindparam("dag_id"))
_SOURCE = select(dag_version.c.source).where(dag_version.c.id == bindparam("id"))
_REPLACE_SOURCE = (
    update(dag_version)
    .where(
        dag_version.c.id == bindparam("version"),
        or_(
            dag_version.c.source.is_distinct_from(bindparam("text", type_=LargeBinary)),
            dag_version.c.source_media_type.is_distinct_from(bindparam("media_type")),
        ),
    )
    .values(source=bindparam("text", type_=LargeBinary), source_media_type=bindparam("media_type"))
)
_DOCUMENT = select(dag_version.c.document).where(dag_version.c.id == bindparam("id"))
_UNFINISHED_RUNS = select(dag_run.c.id).where(
    dag_run.c.dag_id == bindparam("dag_id"), dag_run.c.state.not_in(RUN_FINISHED)
)
_AWAITED_RUNS = select(dag_run.c.id, dag_run.c.parent_attempt_id).where(
    dag_run.c.dag_id == bindparam("dag_id"), dag_run.c.parent_attempt_id.is_not(None)
)
_limit = bindparam("limit_", type_=Integer())
_OF_DAG = pruned_run.c.dag_id == bindparam("dag_id")
_COUNT_PRUNED = select(func.count()).select_from(pruned_run).where(_OF_DAG)
_DELETE_PRUNED = delete(pruned_run).where(
    _OF_DAG, pruned_run.c.run_id.in_(select(pruned_run.c.run_id).where(_OF_DAG).limit(_limit))
)
_HISTORY = select(func.count(), func.sum(dag_run.c.tasks_total)).where(dag_run.c.dag_id == bindparam("dag_id"))
# A queued run has no active instance and no deferred one, so its instances hold no slots.
_IDLE = select(dag_run.c.id, dag_run.c.state, dag_run.c.parent_attempt_id, dag_run.c.tasks_total).where(
    dag_run.c.state.in_({*RUN_FINISHED, RunState.QUEUED})
)
_OLDEST_IDLE = (
    _IDLE.where(dag_run.c.dag_id == bindparam("dag_id"), dag_run.c.id > bindparam("after"))
    .order_by(dag_run.c.id)
    .limit(_limit)
)
_STILL_IDLE = _IDLE.where(dag_run.c.id.in_(bindparam("keys", expanding=True))).order_by(dag_run.c.id)
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
