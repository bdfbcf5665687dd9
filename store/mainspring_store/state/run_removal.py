"""Removing runs with everything under them, counted: task instances, tries, logs, outputs and events."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    Connection,
    Integer,
    LargeBinary,
    Select,
    Update,
    and_,
    bindparam,
    cast,
    delete,
    exists,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import Delete, ReturningDelete

from mainspring.events import EventKind
from mainspring.states import TaskState
from mainspring_store.access.stored_totals import ROW_BYTES
from mainspring_store.database.batches import as_rows, dump_rows
from mainspring_store.database.types import UtcDateTime
from mainspring_store.tables import (
    dag,
    dag_run,
    dag_version,
    feed_event,
    large_value,
    pruned_run,
    task_instance,
    task_try,
    xcom,
)

__all__ = [
    "Removed",
    "announce_removal",
    "count_rows",
    "is_remembered",
    "remember_runs",
    "remove_instances",
    "remove_runs",
    "remove_unused_inline",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Removed:
    """Rows that were removed, or would be."""

    runs: int = 0
    instances: int = 0
    tries: int = 0
    outputs: int = 0
    events: int = 0
    versions: int = 0
    services: int = 0
    audit_events: int = 0
    log_bytes: int = 0
    output_bytes: int = 0

    def __add__(self, other: "Removed") -> "Removed":
        theirs = asdict(other)
        return Removed(**{name: value + theirs[name] for name, value in asdict(self).items()})

    @property
    def rows(self) -> int:
        return sum(value for name, value in asdict(self).items() if not name.endswith("_bytes"))

    @property
    def bytes(self) -> int:
        """Approximate bytes in the database, with index entries."""
        return self.rows * ROW_BYTES + self.log_bytes + self.output_bytes

    def describe(self) -> dict[str, int]:
        """Kind -> number, without kinds of which there are none; and the sums `rows` and `bytes`."""
        kinds = {name: value for name, value in asdict(self).items() if value}
        return {**kinds, "rows": self.rows, "bytes": self.bytes}


def count_rows(connection: Connection, keys: Sequence[int]) -> Removed:
    """The rows of these runs and of everything under them."""
    is_sqlite, rows = connection.dialect.name == "sqlite", _rows_of(keys)
    runs, events = connection.execute(_count_runs(is_sqlite), rows).one()
    tries, log_bytes = connection.execute(_count_tries(is_sqlite), rows).one()
    outputs, output_bytes = connection.execute(_count_outputs(is_sqlite), rows).one()
    return Removed(
        runs=runs,
        instances=connection.scalar(_count_instances(is_sqlite), rows) or 0,
        tries=tries,
        outputs=outputs,
        events=int(events or 0),
        log_bytes=int(log_bytes or 0),
        output_bytes=int(output_bytes or 0),
    )


def remember_runs(connection: Connection, keys: Sequence[int]) -> None:
    """Write the small rows that remember pruned runs. Idempotent."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    connection.execute(_remember(dialect.insert), {"keys": list(keys)})


def is_remembered(connection: Connection, key: int) -> bool:
    """Whether a run has its small row already, because a part of the run is gone."""
    return connection.scalar(_REMEMBERED, {"key": key}) is not None


def announce_removal(connection: Connection, keys: Sequence[int], *, now: datetime) -> None:
    """Write an event for each of these runs into the feed: the run is deleted."""
    runs = connection.execute(_select_ends(connection.dialect.name == "sqlite"), _rows_of(keys)).all()
    events = [
        {
            "kind": EventKind.RUN,
            "at": now,
            "state": "deleted",
            "dag_id": run.dag_id,
            "data": {"dag_run_id": run.run_id, "seq": run.event_seq + 1},
        }
        for run in runs
    ]
    if events:
        connection.execute(insert(feed_event), events)


def remove_runs(connection: Connection, keys: Sequence[int], *, keeps_dag: bool = False) -> None:
    """Delete runs with everything under them. The caller has locked the runs.

    An inline version goes with its last run, and a DAG that no client has saved goes with its last version.

    keeps_dag: the caller deletes the DAG afterwards.
    """
    is_sqlite = connection.dialect.name == "sqlite"
    version_ids = connection.scalars(_select_inline_versions(is_sqlite), _rows_of(keys)).all()
    connection.execute(_delete_runs(is_sqlite), _rows_of(keys))
    if version_ids and not keeps_dag:
        remove_unused_inline(connection, version_ids)


def remove_unused_inline(connection: Connection, version_ids: Sequence[int]) -> None:
    """Delete the inline versions among these that no run executes any more, and DAGs that are left without a version.

    The caller has locked, or deleted, the runs that executed them.
    """
    is_sqlite = connection.dialect.name == "sqlite"
    dag_ids = sorted(set(connection.scalars(_delete_unused_inline(is_sqlite), _rows_of(version_ids))))
    if not dag_ids:
        return
    # A client that adds an inline version holds the lock of the DAG; the statement after the wait sees the version.
    connection.execute(_LOCK_UNSAVED, {"dag_ids": dag_ids})
    connection.execute(_DELETE_UNSAVED, {"dag_ids": dag_ids})


def remove_instances(connection: Connection, key: int, limit: int) -> Removed:
    """Delete up to `limit` task instances of an ended run, with everything under them and their events.

    For runs that are too large for one short transaction. From the first call on, no user can change the run, because
    the run has its small row already (`interventions.targets.load_runs`).
    """
    remember_runs(connection, [key])
    is_sqlite = connection.dialect.name == "sqlite"
    ids = connection.scalars(_select_instances(), {"key": key, "limit_": limit}).all()
    rows = _rows_of(ids)
    tries, log_bytes = connection.execute(_count_tries_of_instances(is_sqlite), rows).one()
    outputs, output_bytes = connection.execute(_count_outputs_of_instances(is_sqlite), rows).one()
    events = connection.execute(_delete_events(is_sqlite), {**rows, "key": key}).rowcount
    deleted = connection.execute(_delete_instances(is_sqlite), rows).all()
    connection.execute(_recount(), {"key": key})
    return Removed(
        instances=len(deleted),
        tries=tries,
        outputs=outputs,
        events=events,
        log_bytes=int(log_bytes or 0),
        output_bytes=int(output_bytes or 0),
    )


def _rows_of(keys: Sequence[int]) -> dict[str, str]:
    return {"rows": dump_rows({"id": key} for key in keys)}


def _ids(is_sqlite: bool) -> Select[Any]:
    return select(as_rows({"id": int}, is_sqlite=is_sqlite).c.id)


@cache
def _remember(dialect_insert: Any) -> Any:
    run, pruned = dag_run.c, pruned_run.c
    moment = func.coalesce(run.logical_date, run.run_after, type_=UtcDateTime)
    names = ["dag_id", "run_id", "state", "logical_date", "moment", "end_date", "backfill_id"]
    # On SQLite, the parser takes ON CONFLICT for a join condition unless the SELECT has a WHERE.
    rows = select(run.dag_id, run.run_id, run.state, run.logical_date, moment, run.end_date, run.backfill_id).where(
        run.id.in_(bindparam("keys", expanding=True))
    )
    statement = dialect_insert(pruned_run).from_select(names, rows)
    return statement.on_conflict_do_nothing(index_elements=[pruned.dag_id, pruned.run_id])


@cache
def _select_ends(is_sqlite: bool) -> Select[Any]:
    run = dag_run.c
    return select(run.dag_id, run.run_id, run.event_seq).where(run.id.in_(_ids(is_sqlite))).order_by(run.id)


@cache
def _count_runs(is_sqlite: bool) -> Select[int, Any]:
    return select(func.count(), func.sum(dag_run.c.event_seq + 1)).where(dag_run.c.id.in_(_ids(is_sqlite)))


@cache
def _count_instances(is_sqlite: bool) -> Select[int]:
    return select(func.count()).where(task_instance.c.dag_run_id.in_(_ids(is_sqlite)))


def _tries() -> Select[int, Any]:
    return select(func.count(), func.sum(task_try.c.log_bytes)).select_from(task_try)


def _outputs(*, is_sqlite: bool) -> Select[int, Any]:
    # A cast to bytes would read the backslashes of JSON as escapes on PostgreSQL.
    own_size = func.length(cast(xcom.c.value, LargeBinary)) if is_sqlite else func.octet_length(xcom.c.value)
    size = own_size + func.coalesce(large_value.c.raw_bytes, 0)
    referred = large_value.c.id == xcom.c.large_id
    return select(func.count(), func.sum(size)).select_from(xcom.outerjoin(large_value, referred))


def _instances_of_runs(is_sqlite: bool) -> Select[int]:
    return select(task_instance.c.id).where(task_instance.c.dag_run_id.in_(_ids(is_sqlite)))


@cache
def _count_tries(is_sqlite: bool) -> Select[int, Any]:
    return _tries().where(task_try.c.task_instance_id.in_(_instances_of_runs(is_sqlite)))


@cache
def _count_outputs(is_sqlite: bool) -> Select[int, Any]:
    return _outputs(is_sqlite=is_sqlite).where(xcom.c.task_instance_id.in_(_instances_of_runs(is_sqlite)))


@cache
def _count_tries_of_instances(is_sqlite: bool) -> Select[int, Any]:
    return _tries().where(task_try.c.task_instance_id.in_(_ids(is_sqlite)))


@cache
def _count_outputs_of_instances(is_sqlite: bool) -> Select[int, Any]:
    return _outputs(is_sqlite=is_sqlite).where(xcom.c.task_instance_id.in_(_ids(is_sqlite)))


@cache
def _delete_runs(is_sqlite: bool) -> Delete:
    return delete(dag_run).where(dag_run.c.id.in_(_ids(is_sqlite)))


@cache
def _select_instances() -> Select[Any]:
    table = task_instance.c
    return (
        select(table.id)
        .where(table.dag_run_id == bindparam("key"))
        .order_by(table.task_index.desc(), table.map_index.desc())
        .limit(bindparam("limit_", type_=Integer()))
    )


@cache
def _delete_events(is_sqlite: bool) -> Delete:
    return delete(feed_event).where(
        feed_event.c.dag_run_id == bindparam("key"), feed_event.c.task_instance_id.in_(_ids(is_sqlite))
    )


@cache
def _delete_instances(is_sqlite: bool) -> ReturningDelete[Any]:
    return delete(task_instance).where(task_instance.c.id.in_(_ids(is_sqlite))).returning(task_instance.c.id)


@cache
def _recount() -> Update:
    counted = select(func.count()).select_from(task_instance).where(task_instance.c.dag_run_id == dag_run.c.id)
    failed = task_instance.c.state.in_([TaskState.FAILED, TaskState.UPSTREAM_FAILED])
    return (
        update(dag_run)
        .where(dag_run.c.id == bindparam("key"))
        .values(tasks_total=counted.scalar_subquery(), tasks_failed=counted.where(failed).scalar_subquery())
    )


@cache
def _select_inline_versions(is_sqlite: bool) -> Select[Any]:
    return (
        select(dag_version.c.id)
        .distinct()
        .join(dag_run, dag_run.c.dag_version_id == dag_version.c.id)
        .where(dag_run.c.id.in_(_ids(is_sqlite)), dag_version.c.is_inline)
    )


@cache
def _delete_unused_inline(is_sqlite: bool) -> ReturningDelete[Any]:
    return (
        delete(dag_version)
        .where(
            dag_version.c.id.in_(_ids(is_sqlite)),
            dag_version.c.is_inline,
            ~exists().where(dag_run.c.dag_version_id == dag_version.c.id),
        )
        .returning(dag_version.c.dag_id)
    )


_UNSAVED = and_(dag.c.dag_id.in_(bindparam("dag_ids", expanding=True)), dag.c.version_id == 0)
_LOCK_UNSAVED = select(dag.c.dag_id).where(_UNSAVED).order_by(dag.c.dag_id).with_for_update()
_DELETE_UNSAVED = delete(dag).where(_UNSAVED, ~exists().where(dag_version.c.dag_id == dag.c.dag_id))
_REMEMBERED = (
    select(pruned_run.c.run_id)
    .join(dag_run, and_(dag_run.c.dag_id == pruned_run.c.dag_id, dag_run.c.run_id == pruned_run.c.run_id))
    .where(dag_run.c.id == bindparam("key"))
)
