"""DAGs and their versions."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, bindparam, exists, func, or_, select, text

from mainspring.errors import NotFound
from mainspring.states import RunState
from mainspring_store.database.transactions import Database
from mainspring_store.queries.filters import (
    Filter,
    Kind,
    all_of,
    constant,
    equal_to,
    json_list_holds,
    patterns,
    ranges,
    state_of,
)
from mainspring_store.queries.listing import Listed, Listing, ListQuery, SortKey, always_null, list_rows, matching
from mainspring_store.tables import dag, dag_run, dag_tag, dag_version

__all__ = [
    "DAGS",
    "DAG_RUN_FILTERS",
    "VERSIONS",
    "add_tags",
    "dag_conditions",
    "dag_not_found",
    "describe_version",
    "find_dag_ids",
    "get_dag",
    "get_dags",
    "get_source",
    "get_version",
    "list_dags",
    "list_versions",
    "require_dag",
    "stored_document",
]

_last_run = select(func.max(dag_run.c.id)).where(dag_run.c.dag_id == dag.c.dag_id).correlate(dag).scalar_subquery()


def _of_last_run(column: Any) -> Any:
    return select(column).where(dag_run.c.id == _last_run).correlate(dag).scalar_subquery()


_last_state = _of_last_run(dag_run.c.state)

_running_runs = (
    select(func.count())
    .where(dag_run.c.dag_id == dag.c.dag_id, text("dag_run.state = 'running'"))
    .correlate(dag)
    .scalar_subquery()
)

_DAG = select(
    dag.c.dag_id,
    dag.c.is_paused,
    dag.c.display_name,
    dag.c.description,
    dag.c.owners,
    dag.c.max_active_runs,
    dag.c.max_active_tasks,
    _running_runs.label("running_runs"),
    dag.c.version_id,
    dag.c.next_logical_date,
    dag.c.next_data_interval_end,
    dag.c.next_run_after,
    dag.c.schedule_error,
    dag.c.timetable_summary,
    dag.c.timetable_description,
    dag.c.is_periodic,
    dag.c.bundle_name,
    dag.c.is_stale,
    dag.c.created_at,
    dag.c.updated_at,
)

DAGS = Listing(
    rows=_DAG,
    filters={
        "owners": json_list_holds(dag.c.owners),
        **patterns("dag_id", dag.c.dag_id),
        **patterns("dag_display_name", dag.c.display_name),
        "paused": equal_to(dag.c.is_paused, Kind.BOOLEAN),
        "last_dag_run_state": Filter(
            kind=Kind.TEXT, clause=lambda state: _last_state == state, choices=tuple(RunState)
        ),
        "bundle_name": equal_to(dag.c.bundle_name, Kind.TEXT),
        "exclude_stale": constant(Kind.BOOLEAN, lambda _: True),
        # Parameters of Airflow without a counterpart: stored DAGs are never broken and use no assets or favourites.
        "has_import_errors": constant(Kind.BOOLEAN, lambda flag: not flag),
        "bundle_version": constant(Kind.TEXT, lambda _: False),
        "asset_dependency": constant(Kind.TEXT, lambda _: False),
        "has_asset_schedule": constant(Kind.BOOLEAN, lambda flag: not flag),
        "is_favorite": constant(Kind.BOOLEAN, lambda flag: not flag),
        # In Airflow the value is a Python class; our timetables are no classes.
        "timetable_type": constant(Kind.TEXT, lambda _: False, is_list=True),
    },
    sort_keys={
        "dag_id": SortKey(column=dag.c.dag_id, kind=Kind.TEXT, is_nullable=False),
        "dag_display_name": SortKey(column=dag.c.display_name, kind=Kind.TEXT, is_nullable=False),
        "next_dagrun": SortKey(column=dag.c.next_logical_date, kind=Kind.INSTANT),
        "state": SortKey(column=_last_state, kind=Kind.TEXT),
        "last_run_state": SortKey(column=_last_state, kind=Kind.TEXT),
        "start_date": SortKey(column=_of_last_run(dag_run.c.start_date), kind=Kind.INSTANT),
        "last_run_start_date": SortKey(column=_of_last_run(dag_run.c.start_date), kind=Kind.INSTANT),
    },
    default_order=("dag_id",),
    tie_breaker=("dag_id",),
    dag_id=dag.c.dag_id,
)

DAG_RUN_FILTERS = {
    **ranges("dag_run_start_date", dag_run.c.start_date, Kind.INSTANT),
    **ranges("dag_run_end_date", dag_run.c.end_date, Kind.INSTANT),
    "dag_run_state": state_of(dag_run.c.state, RunState),
}
"""Filters on runs: a list keeps a DAG when at least one run of the DAG passes all given filters."""

_runs_of_version = (
    select(func.count()).where(dag_run.c.dag_version_id == dag_version.c.id).correlate(dag_version).scalar_subquery()
)

_VERSION = select(
    dag_version.c.id,
    dag_version.c.dag_id,
    dag.c.display_name,
    dag_version.c.uuid.label("version_uuid"),
    dag_version.c.version_number,
    dag_version.c.content_hash,
    dag_version.c.created_at.label("version_created_at"),
    dag_version.c.created_by,
    dag_version.c.message,
    dag_version.c.summary,
    dag_version.c.source_media_type,
    dag_version.c.is_inline,
).join(dag, dag.c.dag_id == dag_version.c.dag_id)

_COUNTED_VERSION = _VERSION.add_columns(_runs_of_version.label("run_count"))

VERSIONS = Listing(
    rows=_COUNTED_VERSION,
    filters={
        "version_number": equal_to(dag_version.c.version_number, Kind.INTEGER),
        "bundle_name": equal_to(dag.c.bundle_name, Kind.TEXT),
        "bundle_version": constant(Kind.TEXT, lambda _: False),
    },
    sort_keys={
        "id": SortKey(column=dag_version.c.id, kind=Kind.INTEGER, is_nullable=False),
        "version_number": SortKey(column=dag_version.c.version_number, kind=Kind.INTEGER, is_nullable=False),
        "dag_id": SortKey(column=dag_version.c.dag_id, kind=Kind.TEXT, is_nullable=False),
        "created_at": SortKey(column=dag_version.c.created_at, kind=Kind.INSTANT, is_nullable=False),
        "bundle_name": always_null(Kind.TEXT),
        "bundle_version": always_null(Kind.TEXT),
    },
    default_order=("id",),
    tie_breaker=("id",),
    dag_id=dag_version.c.dag_id,
)


def get_dag(database: Database, dag_id: str) -> dict[str, Any]:
    """A DAG; `tags` is the sorted list of tag names.

    Raises:
        NotFound: There is no such DAG.
    """
    for row in get_dags(database, [dag_id]):
        return row
    raise dag_not_found(dag_id)


def get_dags(database: Database, dag_ids: Sequence[str]) -> list[dict[str, Any]]:
    """DAGs sorted by id, with the members of `get_dag`; skips missing DAGs."""
    with database.read() as connection:
        dags = [row._asdict() for row in connection.execute(_SOME_DAGS, {"dag_ids": list(dag_ids)})]
        add_tags(connection, dags)
    return dags


def stored_document(connection: Connection, version_id: int) -> dict[str, Any] | None:
    """The definition of a version as it is stored; None = there is no such version."""
    document: dict[str, Any] | None = connection.scalar(_DOCUMENT, {"id": version_id})
    return document


def list_dags(database: Database, query: ListQuery, *, tags: list[str] | None = None, all_tags: bool = False) -> Listed:
    """A page of DAGs, with the members of `get_dag`.

    tags: list only DAGs with at least one of these tags, or with all tags if `all_tags`; None or empty = all DAGs.

    Raises:
        InvalidPage: See `list_rows`.
    """
    with database.read() as connection:
        listed = list_rows(connection, DAGS, query, *dag_conditions(query, tags, all_tags=all_tags))
        add_tags(connection, listed.rows)
    return listed


def find_dag_ids(
    database: Database, query: ListQuery, *, tags: list[str] | None = None, all_tags: bool = False
) -> list[str]:
    """Sorted ids of the DAGs on all pages of `list_dags`."""
    rows = matching(DAGS, query, *dag_conditions(query, tags, all_tags=all_tags))
    with database.read() as connection:
        return list(connection.scalars(rows.with_only_columns(dag.c.dag_id).order_by(dag.c.dag_id)))


def get_version(database: Database, dag_id: str, version_number: int | None = None) -> dict[str, Any]:
    """A version of a DAG with its `document`; `version_number` None = the current version.

    Raises:
        NotFound: There is no such DAG or version.
    """
    with database.read() as connection:
        if version_number is None:
            row = connection.execute(_CURRENT_VERSION, {"dag_id": dag_id}).one_or_none()
            if row is None:
                raise dag_not_found(dag_id)
        else:
            row = connection.execute(_ONE_VERSION, {"dag_id": dag_id, "number": version_number}).one_or_none()
            if row is None:
                require_dag(connection, dag_id)
                raise version_not_found(dag_id, version_number)
    return row._asdict()


def describe_version(database: Database, dag_id: str, version_number: int) -> dict[str, Any]:
    """A version of a DAG with `run_count` in place of its document.

    Raises:
        NotFound: There is no such DAG or version.
    """
    with database.read() as connection:
        row = connection.execute(_DESCRIBED_VERSION, {"dag_id": dag_id, "number": version_number}).one_or_none()
        if row is None:
            require_dag(connection, dag_id)
            raise version_not_found(dag_id, version_number)
    return row._asdict()


def get_source(database: Database, dag_id: str, version_number: int | None = None) -> dict[str, Any]:
    """A version of a DAG with its `document` and its `source`, the bytes as sent; `source` None = none is stored.

    Raises:
        NotFound: There is no such DAG or version.
    """
    version = get_version(database, dag_id, version_number)
    with database.read() as connection:
        source = connection.scalar(_SOURCE, {"id": version["id"]})
    return {**version, "source": source}


def list_versions(database: Database, query: ListQuery, *, dag_id: str | None, includes_inline: bool = False) -> Listed:
    """A page of the versions of one DAG, or of all DAGs (`None`), without documents.

    includes_inline: list also versions that were sent with a run and not saved.

    Raises:
        NotFound: There is no such DAG.
        InvalidPage: See `list_rows`.
    """
    where = [] if includes_inline else [~dag_version.c.is_inline]
    with database.read() as connection:
        if dag_id is None:
            return list_rows(connection, VERSIONS, query, *where)
        require_dag(connection, dag_id)
        return list_rows(connection, VERSIONS, query, dag_version.c.dag_id == dag_id, *where)


def require_dag(connection: Connection, dag_id: str) -> None:
    """Raises NotFound unless the DAG exists."""
    if connection.scalar(_EXISTS, {"dag_id": dag_id}) is None:
        raise dag_not_found(dag_id)


def dag_not_found(dag_id: str) -> NotFound:
    return NotFound(f"The DAG with dag_id: '{dag_id}' was not found")


def version_not_found(dag_id: str, version_number: int) -> NotFound:
    return NotFound(f"The DagVersion with dag_id: '{dag_id}' and version: {version_number} was not found")


def dag_conditions(query: ListQuery, tags: list[str] | None, *, all_tags: bool) -> list[ColumnElement[bool]]:
    """The conditions of a list of DAGs on tags and runs; stale DAGs are there for `exclude_stale` false alone."""
    where: list[ColumnElement[bool]] = [] if query.filters.get("exclude_stale") is False else [~dag.c.is_stale]
    if tags:
        has = [exists().where(dag_tag.c.dag_id == dag.c.dag_id, dag_tag.c.name == tag) for tag in tags]
        where += has if all_tags else [or_(*has)]
    run_fits = all_of(DAG_RUN_FILTERS, query.filters)
    if run_fits is not None:
        where.append(exists().where(dag_run.c.dag_id == dag.c.dag_id, run_fits))
    return where


def add_tags(connection: Connection, rows: Any) -> None:
    """Add `tags`, the sorted tag names, to rows of DAGs."""
    by_dag: dict[str, list[str]] = {row["dag_id"]: [] for row in rows}
    if by_dag:
        for dag_id, name in connection.execute(_TAGS, {"dag_ids": list(by_dag)}):
            by_dag[dag_id].append(name)
    for row in rows:
        row["tags"] = by_dag[row["dag_id"]]


_EXISTS = select(dag.c.dag_id).where(dag.c.dag_id == bindparam("dag_id"))
_SOME_DAGS = _DAG.where(dag.c.dag_id.in_(bindparam("dag_ids", expanding=True))).order_by(dag.c.dag_id)
_TAGS = (
    select(dag_tag.c.dag_id, dag_tag.c.name)
    .where(dag_tag.c.dag_id.in_(bindparam("dag_ids", expanding=True)))
    .order_by(dag_tag.c.dag_id, dag_tag.c.name)
)
_WITH_DOCUMENT: Select[Any] = _VERSION.add_columns(dag_version.c.document)
_CURRENT_VERSION = _WITH_DOCUMENT.where(
    dag_version.c.dag_id == bindparam("dag_id"), dag_version.c.id == dag.c.version_id
)
_ONE_VERSION = _WITH_DOCUMENT.where(
    dag_version.c.dag_id == bindparam("dag_id"), dag_version.c.version_number == bindparam("number")
)
_SOURCE = select(dag_version.c.source).where(dag_version.c.id == bindparam("id"))
_DESCRIBED_VERSION = _COUNTED_VERSION.where(
    dag_version.c.dag_id == bindparam("dag_id"), dag_version.c.version_number == bindparam("number")
)
_DOCUMENT = select(dag_version.c.document).where(dag_version.c.id == bindparam("id"))
