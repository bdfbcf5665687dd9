"""The history that is no run: versions without runs, rows of ended processes, and the audit log."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, ColumnElement, Connection, Integer, Table, bindparam, delete, exists, func, select

from mainspring_store.database.types import UtcDateTime
from mainspring_store.state.run_removal import Removed
from mainspring_store.tables import audit_event, backfill, dag, dag_run, dag_version, service, task_try

__all__ = ["OTHERS", "Other"]

_before = bindparam("before", type_=UtcDateTime)


@dataclass(frozen=True, kw_only=True, slots=True)
class Other:
    """A kind of history whose rows are deleted one by one."""

    name: str
    """The field of `Policy`."""
    field: str
    """The field of `Removed`."""
    key: Column[object]
    conditions: tuple[ColumnElement[bool], ...]

    def count(self, connection: Connection, before: datetime) -> int:
        """The number of rows that may be deleted."""
        statement = select(func.count()).select_from(self._table).where(*self.conditions)
        return connection.scalar(statement, {"before": before}) or 0

    def delete(self, connection: Connection, before: datetime, limit: int) -> int:
        """Delete up to `limit` rows, oldest first; returns their number."""
        oldest = select(self.key).where(*self.conditions).order_by(self.key).limit(bindparam("limit_", type_=Integer()))
        statement = delete(self._table).where(self.key.in_(oldest))
        return connection.execute(statement, {"before": before, "limit_": limit}).rowcount

    def removed(self, count: int) -> Removed:
        return Removed(**{self.field: count})

    @property
    def _table(self) -> Table:
        return self.key.table


OTHERS: Sequence[Other] = (
    Other(
        name="versions",
        field="versions",
        key=dag_version.c.id,
        conditions=(
            dag_version.c.created_at < _before,
            ~exists().where(dag.c.version_id == dag_version.c.id),
            ~exists().where(dag_run.c.dag_version_id == dag_version.c.id),
            # The deletion of a version would delete its backfills.
            ~exists().where(backfill.c.dag_version_id == dag_version.c.id),
        ),
    ),
    Other(
        name="services",
        field="services",
        key=service.c.incarnation,
        conditions=(
            service.c.heartbeat_at < _before,
            # Rescue asks for the owner of an attempt whose process may still run.
            ~exists().where(task_try.c.owner == service.c.incarnation, task_try.c.stopped_at.is_(None)),
        ),
    ),
    Other(name="audit", field="audit_events", key=audit_event.c.id, conditions=(audit_event.c.at < _before,)),
)
