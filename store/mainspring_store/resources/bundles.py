"""Bundles: the DAGs that a named set of definitions applied, and DAGs that the set no longer has."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, case, select, update

from mainspring.events import EventKind
from mainspring_store.database.transactions import Database
from mainspring_store.state.events import write_event
from mainspring_store.tables import dag

__all__ = ["BundleMember", "bundle_members", "bundles_of", "make_stale"]


@dataclass(frozen=True, kw_only=True, slots=True)
class BundleMember:
    """A DAG of a bundle."""

    dag_id: str
    is_stale: bool


def bundle_members(database: Database, bundle_name: str) -> list[BundleMember]:
    """The DAGs of a bundle by id, stale DAGs included."""
    with database.read() as connection:
        rows = connection.execute(_MEMBERS, {"name": bundle_name})
        return [BundleMember(dag_id=row.dag_id, is_stale=row.is_stale) for row in rows]


def bundles_of(database: Database, dag_ids: Sequence[str]) -> dict[str, tuple[str | None, bool]]:
    """DAG id -> its bundle and whether the DAG is stale, of the existing DAGs."""
    with database.read() as connection:
        rows = connection.execute(_BUNDLES, {"names": list(dag_ids)})
        return {row.dag_id: (row.bundle_name, row.is_stale) for row in rows}


def make_stale(database: Database, bundle_name: str, dag_ids: Sequence[str], *, by: str, now: datetime) -> list[str]:
    """Pause DAGs of a bundle and mark them as stale; returns the ids that changed, sorted.

    Stale DAGs, and DAGs that another bundle took over in the meantime, stay as they are. A stale DAG has no schedule.
    """
    changed = []
    with database.write() as connection:
        for dag_id in sorted(dag_ids):
            values = {"id": dag_id, "name": bundle_name, "by": by, "now": now}
            if connection.execute(_MAKE_STALE, values).rowcount:
                changed.append(dag_id)
                write_event(connection, EventKind.DAG, "paused", at=now, dag_id=dag_id, data={"is_stale": True})
    return changed


_MEMBERS = select(dag.c.dag_id, dag.c.is_stale).where(dag.c.bundle_name == bindparam("name")).order_by(dag.c.dag_id)
_BUNDLES = select(dag.c.dag_id, dag.c.bundle_name, dag.c.is_stale).where(
    dag.c.dag_id.in_(bindparam("names", expanding=True))
)
_MAKE_STALE = (
    update(dag)
    .where(dag.c.dag_id == bindparam("id"), dag.c.bundle_name == bindparam("name"), ~dag.c.is_stale)
    .values(
        is_stale=True,
        is_paused=True,
        paused_by=case((dag.c.is_paused, dag.c.paused_by), else_=bindparam("by", type_=dag.c.paused_by.type)),
        paused_at=case((dag.c.is_paused, dag.c.paused_at), else_=bindparam("now", type_=dag.c.paused_at.type)),
        next_logical_date=None,
        next_data_interval_end=None,
        next_run_after=None,
        updated_at=bindparam("now", type_=dag.c.updated_at.type),
    )
)
