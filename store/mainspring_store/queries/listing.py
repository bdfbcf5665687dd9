"""Lists: total order, pages by offset, and pages by cursor.

A cursor contains the sort key of the row at the edge of a page. So all pages cost the same, and rows that appear or
disappear between requests shift no page. NULLs come last in both directions.
"""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    Text,
    and_,
    cast,
    false,
    func,
    literal_column,
    null,
    or_,
    select,
)
from sqlalchemy.sql.util import find_tables

from mainspring.errors import InvalidInput, Problem
from mainspring_store.database.types import UtcDateTime
from mainspring_store.queries.filters import Filter, Kind, all_of

__all__ = [
    "CURSOR_TOTAL_MAX",
    "InvalidPage",
    "ListQuery",
    "Listed",
    "Listing",
    "Seen",
    "SortKey",
    "always_null",
    "is_seen",
    "list_rows",
    "matching",
]

ORDER_KEYS_MAX = 10
CURSOR_TOTAL_MAX = 50_000
"""The largest total in cursor mode; an exact count would cost as much time as the cursor saves."""
_INTEGER_MAX = 2**63 - 1


Seen = tuple[tuple[str, ...], ...]
"""Groups of DAG ids and of prefixes followed by `*`. A DAG is visible when an entry of each group matches."""


class InvalidPage(InvalidInput):
    """The list has no such sort key, or did not issue the cursor."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SortKey:
    """A column or expression for the order of a list."""

    column: ColumnElement[Any]
    kind: Kind
    is_nullable: bool = True


def always_null(kind: Kind) -> SortKey:
    """The sort key for a property of Airflow that our rows lack."""
    types: Mapping[Kind, Any] = {Kind.INSTANT: UtcDateTime(), Kind.TEXT: Text()}
    return SortKey(column=cast(null(), types[kind]), kind=kind)


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """The declaration of a list: rows, filters and orders."""

    rows: Select[Any]
    """Columns and joins, without order."""
    filters: Mapping[str, Filter]
    sort_keys: Mapping[str, SortKey]
    default_order: tuple[str, ...]
    tie_breaker: tuple[str, ...]
    """Names in `sort_keys` that make the order total; unique together and never NULL."""
    counted: tuple[FromClause, ...] = ()
    """FROM clauses with as many rows as `rows` but fewer joins, fewest joins first.

    A count uses the first clause that contains all tables of the conditions.
    """
    dag_id: ColumnElement[Any] | None = None
    """The DAG of a row; `None` = only principals that see all DAGs see the rows."""

    def with_filters(self, filters: Mapping[str, Filter]) -> "Listing":
        """The same list with these filters instead of its own."""
        return replace(self, filters=filters)


@dataclass(frozen=True, kw_only=True, slots=True)
class ListQuery:
    """A request for a page of a list."""

    filters: Mapping[str, Any] = field(default_factory=dict)
    """Filter name -> value of the filter's kind. The list ignores names of unknown filters."""
    order_by: tuple[str, ...] = ()
    """Sort keys; the prefix `-` means descending; empty = the default of the list."""
    limit: int = 50
    offset: int = 0
    cursor: str | None = None
    """`None` = page by offset; empty = the first page in cursor mode; else a cursor of an earlier page."""
    seen: Seen | None = None
    """The visible DAGs; `None` = all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """A page of a list."""

    rows: Sequence[dict[str, Any]]
    total: int
    """Rows in the whole list; in cursor mode at most `CURSOR_TOTAL_MAX`."""
    next_cursor: str | None = None
    previous_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class _Key:
    sort: SortKey
    is_descending: bool


def list_rows(connection: Connection, listing: Listing, query: ListQuery, *where: ColumnElement[bool]) -> Listed:
    """A page of a list, restricted by `where` and the filters of the query.

    Raises:
        InvalidPage: Unknown or too many sort keys, or a cursor of a different list or order.
    """
    names = _order_names(listing, query.order_by)
    keys = [_Key(listing.sort_keys[name.removeprefix("-")], name.startswith("-")) for name in names]
    conditions = _conditions(listing, query, where)
    rows = listing.rows.where(*conditions)
    counted = _countable(listing, conditions)
    if query.cursor is None:
        total = connection.scalar(_count(counted)) or 0
        page = rows.order_by(*_order(keys)).limit(query.limit).offset(query.offset)
        return Listed(rows=[row._asdict() for row in connection.execute(page)], total=total)
    total = connection.scalar(_count(counted.limit(CURSOR_TOTAL_MAX))) or 0
    return _cursor_page(connection, rows, names, keys, query, total)


def matching(listing: Listing, query: ListQuery, *where: ColumnElement[bool]) -> Select[Any]:
    """All rows of a list that match the query, without pages and order."""
    return listing.rows.where(*_conditions(listing, query, where))


def _conditions(
    listing: Listing, query: ListQuery, where: tuple[ColumnElement[bool], ...]
) -> tuple[ColumnElement[bool], ...]:
    filtered = all_of(listing.filters, query.filters)
    conditions = where if filtered is None else (*where, filtered)
    return conditions if query.seen is None else (*conditions, is_seen(listing.dag_id, query.seen))


def is_seen(dag_id: ColumnElement[Any] | None, seen: Seen) -> ColumnElement[bool]:
    """The condition that the DAG of a row is visible; `dag_id` is the column of the DAG, see `Listing`."""
    if dag_id is None:
        return false()
    return and_(*(or_(false(), *(_fits(dag_id, pattern) for pattern in group)) for group in seen))


def _fits(dag_id: ColumnElement[Any], pattern: str) -> ColumnElement[bool]:
    # Not LIKE, which ignores case on SQLite.
    prefix = pattern.removesuffix("*")
    return dag_id == pattern if prefix == pattern else func.substr(dag_id, 1, len(prefix)) == prefix


def _cursor_page(
    connection: Connection, rows: Select[Any], names: Sequence[str], keys: Sequence[_Key], query: ListQuery, total: int
) -> Listed:
    assert query.cursor is not None
    is_backwards = query.cursor.startswith("~")
    is_first = query.cursor == ""
    page = rows.add_columns(*(key.sort.column.label(f"_key{index}") for index, key in enumerate(keys)))
    if not is_first:
        edge = _decode(query.cursor.removeprefix("~"), names, keys)
        page = page.where(_beyond(keys, edge, is_backwards=is_backwards))
    page = page.order_by(*_order(keys, is_backwards=is_backwards)).limit(query.limit + 1)
    page_rows = [row._asdict() for row in connection.execute(page)]
    has_more = len(page_rows) > query.limit
    page_rows = page_rows[: query.limit]
    if is_backwards:
        page_rows.reverse()
    edges = [[row.pop(f"_key{index}") for index in range(len(keys))] for row in page_rows]
    if not page_rows:
        return Listed(rows=[], total=total)
    has_next, has_previous = (True, has_more) if is_backwards else (has_more, not is_first)
    return Listed(
        rows=page_rows,
        total=total,
        next_cursor=_encode(names, edges[-1]) if has_next else None,
        previous_cursor="~" + _encode(names, edges[0]) if has_previous else None,
    )


def _order_names(listing: Listing, order_by: Sequence[str]) -> list[str]:
    names = list(order_by or listing.default_order)
    if len(names) > ORDER_KEYS_MAX:
        raise _invalid("order_by", f"has {len(names)} keys; at most {ORDER_KEYS_MAX} are allowed")
    for name in names:
        if name.removeprefix("-") not in listing.sort_keys:
            sort_keys = ", ".join(listing.sort_keys)
            raise _invalid("order_by", f"'{name}' is not a sort key of this list; use one of: {sort_keys}")
    direction = "-" if names[0].startswith("-") else ""
    requested = {name.removeprefix("-") for name in names}
    return names + [direction + name for name in listing.tie_breaker if name not in requested]


def _order(keys: Sequence[_Key], *, is_backwards: bool = False) -> list[ColumnElement[Any]]:
    order: list[ColumnElement[Any]] = []
    for key in keys:
        if key.sort.is_nullable:
            is_null = key.sort.column.is_(None)
            order.append(is_null.desc() if is_backwards else is_null.asc())
        descending = key.is_descending != is_backwards
        order.append(key.sort.column.desc() if descending else key.sort.column.asc())
    return order


def _beyond(keys: Sequence[_Key], edge: Sequence[Any], *, is_backwards: bool) -> ColumnElement[bool]:
    """The condition for rows strictly after the edge row in the order; if `is_backwards`, strictly before."""
    alternatives: list[ColumnElement[bool]] = []
    ties: list[ColumnElement[bool]] = []
    for key, value in zip(keys, edge, strict=True):
        column = key.sort.column
        if value is None:
            # NULLs are last: no row is after a NULL, and all rows with a value are before a NULL.
            if is_backwards:
                alternatives.append(and_(*ties, column.is_not(None)))
            ties.append(column.is_(None))
            continue
        further = column < value if key.is_descending != is_backwards else column > value
        if key.sort.is_nullable and not is_backwards:
            further = or_(further, column.is_(None))
        alternatives.append(and_(*ties, further))
        ties.append(column == value)
    return or_(*alternatives)


def _countable(listing: Listing, conditions: Sequence[ColumnElement[bool]]) -> Select[Any]:
    """A query with as many rows as the list, with the fewest joins."""
    needed = {table for condition in conditions for table in find_tables(condition, check_columns=True)}
    for source in listing.counted:
        if needed <= set(find_tables(source, include_joins=False)):
            return select(literal_column("1")).select_from(source).where(*conditions)
    return listing.rows.where(*conditions)


def _count(rows: Select[Any]) -> Select[Any]:
    return select(func.count()).select_from(rows.subquery())


def _encode(names: Sequence[str], edge: Sequence[Any]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([names, edge])).rstrip(b"=").decode()


def _decode(token: str, names: Sequence[str], keys: Sequence[_Key]) -> list[Any]:
    try:
        content = orjson.loads(base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True))
        order, edge = content
        if order != list(names):
            raise _invalid("cursor", "belongs to another order_by; begin again with an empty cursor")
        return [_typed(value, key.sort) for value, key in zip(edge, keys, strict=True)]
    except (ValueError, TypeError, binascii.Error) as exc:
        raise _invalid("cursor", "is not one that this list gave out; begin again with an empty cursor") from exc


def _typed(value: Any, sort: SortKey) -> Any:
    """A value of a cursor, converted to the kind of its sort key. Raises ValueError or TypeError when impossible."""
    if value is None and sort.is_nullable:
        return None
    typed = _READERS[sort.kind](value)
    if isinstance(typed, int) and abs(typed) > _INTEGER_MAX:
        raise ValueError("integer out of range")
    return typed


def _text(value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise TypeError("not a text")
    return value


def _integer(value: Any) -> int:
    if not isinstance(value, int):
        raise TypeError("not an integer")
    return value


def _instant(value: Any) -> datetime:
    instant = datetime.fromisoformat(_text(value))
    if instant.tzinfo is None:
        raise ValueError("no time zone")
    return instant


_READERS: Mapping[Kind, Callable[[Any], Any]] = {
    Kind.TEXT: _text,
    Kind.INTEGER: _integer,
    Kind.NUMBER: float,
    Kind.INSTANT: _instant,
    Kind.BOOLEAN: bool,
}


def _invalid(parameter: str, message: str) -> InvalidPage:
    return InvalidPage([Problem(pointer=f"/{parameter}", message=message)])
