"""Filters of lists as data: name, kind of value, and SQL condition.

The API derives its query parameters from the same tables, so each filter has one declaration. Values are bound
parameters, never spliced into SQL.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Float, Text, and_, cast, extract, false, func, or_, true, type_coerce
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

__all__ = [
    "Filter",
    "Kind",
    "all_of",
    "constant",
    "equal_to",
    "is_set",
    "json_list_holds",
    "one_of",
    "patterns",
    "ranges",
    "ranges_up_to_now",
    "seconds_between",
    "state_of",
    "text_contains",
]

_NO_STATE = ("no_status", "none")
"""Airflow's words for a null state; our states are never null."""


class Kind(StrEnum):
    """The type of the values of a filter or sort key."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    INSTANT = "instant"
    """An aware datetime."""
    BOOLEAN = "boolean"


@dataclass(frozen=True, kw_only=True, slots=True)
class Filter:
    """A query parameter of a list."""

    kind: Kind
    clause: Callable[[Any], ColumnElement[bool]]
    """Maps a value of `kind` (a list of values if `is_list`) to the condition on a row."""
    is_list: bool = False
    """Whether clients may repeat the parameter; a row must match at least one value."""
    choices: tuple[str, ...] = ()
    """The allowed values; empty = all."""


def ranges(name: str, column: ColumnElement[Any], kind: Kind) -> Mapping[str, Filter]:
    """`<name>_gte`, `_gt`, `_lte`, `_lt`."""
    return {
        f"{name}_gte": Filter(kind=kind, clause=lambda value: column >= value),
        f"{name}_gt": Filter(kind=kind, clause=lambda value: column > value),
        f"{name}_lte": Filter(kind=kind, clause=lambda value: column <= value),
        f"{name}_lt": Filter(kind=kind, clause=lambda value: column < value),
    }


def ranges_up_to_now(name: str, column: ColumnElement[Any]) -> Mapping[str, Filter]:
    """As `ranges`, for an instant in the past that is NULL until it occurs, like the end of a run.

    As in Airflow, a NULL stands for an unknown instant from now on: rows with NULL match all lower bounds, and upper
    bounds from now on.
    """

    def up_to(condition: ColumnElement[bool], bound: datetime) -> ColumnElement[bool]:
        return or_(condition, column.is_(None)) if bound >= datetime.now(UTC) else condition

    return {
        f"{name}_gte": Filter(kind=Kind.INSTANT, clause=lambda bound: or_(column >= bound, column.is_(None))),
        f"{name}_gt": Filter(kind=Kind.INSTANT, clause=lambda bound: or_(column > bound, column.is_(None))),
        f"{name}_lte": Filter(kind=Kind.INSTANT, clause=lambda bound: up_to(column <= bound, bound)),
        f"{name}_lt": Filter(kind=Kind.INSTANT, clause=lambda bound: up_to(column < bound, bound)),
    }


def patterns(name: str, column: ColumnElement[Any]) -> Mapping[str, Filter]:
    """`<name>_pattern`: a substring, case-insensitive, with the wildcards `%` and `_`. `<name>_prefix_pattern`: a
    prefix, case-sensitive, without wildcards. In both `|` separates alternatives and `~` matches all rows."""
    return {
        f"{name}_pattern": Filter(kind=Kind.TEXT, clause=lambda text: _any_part(text, lambda p: _like(column, p))),
        f"{name}_prefix_pattern": Filter(
            kind=Kind.TEXT, clause=lambda text: _any_part(text, lambda p: func.substr(column, 1, len(p)) == p)
        ),
    }


def search(name: str, column: ColumnElement[Any]) -> Mapping[str, Filter]:
    """`<name>_search`: as `<name>_pattern` of `patterns`."""
    return {f"{name}_search": Filter(kind=Kind.TEXT, clause=lambda text: _any_part(text, lambda p: _like(column, p)))}


def one_of(column: ColumnElement[Any], kind: Kind = Kind.TEXT, choices: Sequence[str] = ()) -> Filter:
    """The column equals one of the values."""
    return Filter(kind=kind, clause=column.in_, is_list=True, choices=tuple(choices))


def state_of(column: ColumnElement[Any], states: type[StrEnum], *foreign_states: str) -> Filter:
    """As `one_of` for states. Also accepts states of Airflow that match no row: `foreign_states`, and "no state"."""
    return one_of(column, choices=(*states, *foreign_states, *_NO_STATE))


def equal_to(column: ColumnElement[Any], kind: Kind = Kind.TEXT) -> Filter:
    return Filter(kind=kind, clause=lambda value: column == value)


def is_set(column: ColumnElement[Any]) -> Filter:
    """True = the column has a value; false = it is NULL."""
    return Filter(kind=Kind.BOOLEAN, clause=lambda value: column.is_not(None) if value else column.is_(None))


def text_contains(column: ColumnElement[Any]) -> Filter:
    """The stored text contains the value, case-insensitive, without wildcards."""
    return Filter(kind=Kind.TEXT, clause=lambda text: type_coerce(column, Text).icontains(text, autoescape=True))


def json_list_holds(column: ColumnElement[Any]) -> Filter:
    """The column contains a JSON list of strings; an item contains one of the values, case-insensitive."""

    def clause(values: Sequence[str]) -> ColumnElement[bool]:
        text = type_coerce(column, Text)
        parts = (orjson.dumps(value).decode()[1:-1] for value in values)
        return or_(false(), *(text.icontains(part, autoescape=True) for part in parts))

    return Filter(kind=Kind.TEXT, clause=clause, is_list=True)


def constant(kind: Kind, matches: Callable[[Any], bool], *, is_list: bool = False) -> Filter:
    """A filter on a property with the same value in all rows: the filter keeps all rows or none."""
    return Filter(kind=kind, clause=lambda value: true() if matches(value) else false(), is_list=is_list)


def _any_part(text: str, condition: Callable[[str], ColumnElement[bool]]) -> ColumnElement[bool]:
    parts = [part.strip() for part in text.split("|")]
    if text == "~" or not any(parts):
        return true()
    return or_(*(condition(part) for part in parts if part))


def _like(column: ColumnElement[Any], pattern: str) -> ColumnElement[bool]:
    # Escape the escape character, so that only % and _ are special on both databases.
    return column.ilike("%" + pattern.replace("\\", "\\\\") + "%", escape="\\")


class seconds_between(FunctionElement[float]):  # noqa: N801 - reads as a function of SQL
    """Seconds from a start to an end, as a float; NULL when the start or the end is NULL."""

    type = Float()
    inherit_cache = True
    name = "seconds_between"


@compiles(seconds_between, "postgresql")
def _seconds_on_postgresql(element: Any, compiler: Any, **kwargs: Any) -> str:
    start, end = element.clauses
    return str(compiler.process(cast(extract("epoch", end - start), Float), **kwargs))


@compiles(seconds_between, "sqlite")
def _seconds_on_sqlite(element: Any, compiler: Any, **kwargs: Any) -> str:
    start, end = (compiler.process(func.julianday(part), **kwargs) for part in element.clauses)
    return f"(({end} - {start}) * 86400.0)"


class json_text(FunctionElement[str]):  # noqa: N801 - reads as a function of SQL
    """The text at a path of keys in a column of JSON text; NULL when a part of the path is missing.

    `json_text(column, key, ...)`: a key is a column or a literal.
    """

    type = Text()
    inherit_cache = True
    name = "json_text"


@compiles(json_text, "postgresql")
def _json_on_postgresql(element: Any, compiler: Any, **kwargs: Any) -> str:
    column, *keys = (compiler.process(cast(part, Text), **kwargs) for part in element.clauses)
    *parents, last = keys
    return f"({''.join([f'CAST({column} AS JSON)', *(f' -> {key}' for key in parents)])} ->> {last})"


@compiles(json_text, "sqlite")
def _json_on_sqlite(element: Any, compiler: Any, **kwargs: Any) -> str:
    column, *keys = (compiler.process(part, **kwargs) for part in element.clauses)
    path = " || ".join(["'$'", *(f"""'."' || {key} || '"'""" for key in keys)])
    return f"json_extract({column}, {path})"


def all_of(table: Mapping[str, Filter], values: Mapping[str, Any]) -> ColumnElement[bool] | None:
    """The conjunction of the filters of `table` with a value; `None` = `values` contains no filter of `table`."""
    clauses = [entry.clause(values[name]) for name, entry in table.items() if name in values]
    return and_(*clauses) if clauses else None
