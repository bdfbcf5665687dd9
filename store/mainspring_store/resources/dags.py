"""Saving DAGs."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, LargeBinary, Row, bindparam, delete, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from uuid_utils import uuid7

from mainspring.definition import load_stored
from mainspring.definition.changes import summarise
from mainspring.definition.groups import flatten
from mainspring.definition.model import Definition
from mainspring.errors import Conflict, InvalidDag, PreconditionFailed, Problem
from mainspring.events import EventKind
from mainspring.timetables import timetable_of
from mainspring_store.access.quotas import Owner, Quota
from mainspring_store.database.transactions import Database
from mainspring_store.queries.dags import stored_document
from mainspring_store.resources.awaited_dags import cycle_problems, lock_awaited_dags, store_awaited_dags
from mainspring_store.resources.pools import pool_problems
from mainspring_store.state.events import write_event
from mainspring_store.state.runs import VersionRef
from mainspring_store.tables import dag, dag_tag, dag_version, task_display_name

__all__ = ["Bundle", "Expected", "Saved", "Source", "bundle_problem", "check_dag", "insert_inline_version", "save_dag"]


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
    planned: Mapping[str, Collection[str]] = MappingProxyType({}),
    now: datetime,
) -> Saved:
    """Make `definition` the current version of its DAG. Creates a missing DAG.

    owner: the principal whose quotas a new DAG and the source count for.
    source: the text of the definition. A changed text of equal content replaces the text of the current version.
    message: the reason of the save, kept with a new version.
    bundle: the bundle of the definition; `None` = the DAG keeps its bundle.
    expected: the state that the DAG must have; `None` = any state.
    planned: DAG -> the DAGs for which its schedule waits, of the definitions that the same transaction saves.

    Existing runs keep their version. `is_paused_upon_creation` applies to new DAGs only. A stale DAG is current again.

    Raises:
        InvalidDag: The definition names pools that do not exist, its schedule waits for a DAG that waits for this DAG,
            or the DAG belongs to another bundle.
        Conflict: The DAG was deleted concurrently; saving again creates the DAG.
        PreconditionFailed: The DAG is not in the expected state.
        QuotaExceeded: The DAG is new, and the owner would exceed the quota of DAGs; or the sources of the owner's
            versions exceed the quota.
    """
    if owner is not None:
        owner.check_definitions()
    with database.write() as connection:
        lock_awaited_dags(connection, definition)
        _check_references(connection, definition, planned)
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
    store_awaited_dags(connection, definition)
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


def check_dag(
    database: Database, definition: Definition, planned: Mapping[str, Collection[str]] = MappingProxyType({})
) -> None:
    """Raises InvalidDag where `save_dag` would."""
    with database.read() as connection:
        _check_references(connection, definition, planned)


def _check_references(connection: Connection, definition: Definition, planned: Mapping[str, Collection[str]]) -> None:
    problems = [*pool_problems(connection, definition), *cycle_problems(connection, definition, planned)]
    if problems:
        raise InvalidDag(problems)


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
    old = None if old_id is None else stored_document(connection, old_id)
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
    document = stored_document(connection, version_id)
    assert document is not None  # the row of the DAG is locked
    has_same_order = list(flatten(document).tasks) == list(definition.tasks)
    return definition if has_same_order else load_stored(document)


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
