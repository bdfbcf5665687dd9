"""Pools, with their taken and requested slots by state of the task instances."""

from typing import Any

from sqlalchemy import and_, bindparam, case, func, literal_column, or_, select

from mainspring.errors import NotFound
from mainspring_store.database.transactions import Database
from mainspring_store.queries.filters import Kind, patterns
from mainspring_store.queries.listing import Listed, Listing, ListQuery, SortKey, list_rows
from mainspring_store.tables import dag_run, pool, task_instance

__all__ = ["POOLS", "get_pool", "list_pools"]

_ti = task_instance.c
_WAITING = and_(_ti.state == literal_column("'scheduled'"), _ti.ready)
_COUNTED = {
    "running_slots": _ti.state == literal_column("'running'"),
    "queued_slots": _ti.state == literal_column("'queued'"),
    "deferred_slots": _ti.state == literal_column("'deferred'"),
    "scheduled_slots": _WAITING,
}
"""Column -> the task instances whose slots the column sums up: instances that hold slots or wait for slots."""

_SLOTS = (
    select(
        _ti.pool,
        *(func.sum(case((state, _ti.pool_slots), else_=0)).label(name) for name, state in _COUNTED.items()),
    )
    # Only instances of running runs hold slots or are ready. The index of running runs keeps history out of the query.
    .where(_ti.dag_run_id.in_(select(dag_run.c.id).where(dag_run.c.state == literal_column("'running'"))))
    .where(or_(*_COUNTED.values()))
    .group_by(_ti.pool)
    .subquery("slots_by_pool")
)

_POOL = select(
    pool.c.name,
    pool.c.slots,
    pool.c.description,
    pool.c.include_deferred,
    *(func.coalesce(_SLOTS.c[name], 0).label(name) for name in _COUNTED),
).outerjoin(_SLOTS, _SLOTS.c.pool == pool.c.name)

POOLS = Listing(
    rows=_POOL,
    filters=patterns("pool_name", pool.c.name),
    sort_keys={
        "id": SortKey(column=pool.c.name, kind=Kind.TEXT, is_nullable=False),
        "pool": SortKey(column=pool.c.name, kind=Kind.TEXT, is_nullable=False),
        "name": SortKey(column=pool.c.name, kind=Kind.TEXT, is_nullable=False),
        "slots": SortKey(column=pool.c.slots, kind=Kind.INTEGER, is_nullable=False),
    },
    default_order=("name",),
    tie_breaker=("name",),
)


def get_pool(database: Database, name: str) -> dict[str, Any]:
    """A pool with `running_slots`, `queued_slots`, `deferred_slots` and `scheduled_slots`.

    Raises:
        NotFound: There is no such pool.
    """
    with database.read() as connection:
        row = connection.execute(_ONE, {"name": name}).one_or_none()
    if row is None:
        raise NotFound(f"The Pool with name: `{name}` was not found")
    return row._asdict()


def list_pools(database: Database, query: ListQuery) -> Listed:
    """A page of pools, with the columns of `get_pool`. Raises InvalidPage, see `list_rows`."""
    with database.read() as connection:
        return list_rows(connection, POOLS, query)


_ONE = _POOL.where(pool.c.name == bindparam("name"))
