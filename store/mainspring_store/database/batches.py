"""Rows as one parameter: a whole batch goes to the database as a single JSON text.

A set-based statement over the batch costs one round trip, and its `RETURNING` names the changed rows; `executemany`
cannot do both. SQLite reads the text by `json_each`, PostgreSQL by `json_to_recordset`.

PostgreSQL reads JSON slowly: a few rows as parameters of their own cost it a third. `inlined` gives the statement for
that.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import (
    BigInteger,
    Boolean,
    Integer,
    Subquery,
    TableValuedAlias,
    Text,
    bindparam,
    cast,
    column,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import JSON, TIMESTAMP
from sqlalchemy.types import TypeEngine

from mainspring_store.database.types import UtcDateTime, to_text

__all__ = ["Batch", "Fields", "as_rows", "dump_rows", "inlined", "spelled"]

Fields = Mapping[str, type]
"""Field name -> int, str, bool or datetime. Every field may be NULL."""

_SQLITE: Mapping[type, TypeEngine[Any]] = {int: Integer(), str: Text(), bool: Boolean(), datetime: UtcDateTime()}
_POSTGRESQL: Mapping[type, TypeEngine[Any]] = {
    int: BigInteger(),
    str: Text(),
    bool: Boolean(),
    datetime: TIMESTAMP(timezone=True),
}


def as_rows(fields: Fields, *, is_sqlite: bool, parameter: str = "rows") -> Subquery | TableValuedAlias:
    """A FROM item whose columns are `fields`, reading the batch bound to `parameter` (see `dump_rows`).

    Build the item once per statement, at import or when the database is opened; only the bound text changes. Two
    batches in one statement need parameters of different names.
    """
    alias = "r" if parameter == "rows" else f"r_{parameter}"
    if is_sqlite:
        items = func.json_each(bindparam(parameter, type_=Text())).table_valued("value").alias("each")
        return select(
            *(
                # Like `type_coerce`: the extracted value keeps its storage class; the type is for SQLAlchemy only.
                func.json_extract(items.c.value, literal_column(f"'$.{name}'"), type_=_SQLITE[kind]).label(name)
                for name, kind in fields.items()
            )
        ).subquery(alias)
    return (
        func.json_to_recordset(cast(bindparam(parameter, type_=Text()), JSON))
        .table_valued(*(column(name, _POSTGRESQL[kind]) for name, kind in fields.items()))
        .render_derived(name=alias, with_types=True)
    )


class Batch:
    """The rows of a batch, for the statements of a pass."""

    __slots__ = ("rows",)

    def __init__(self, rows: Iterable[Mapping[str, Any]]) -> None:
        self.rows = list(rows)

    @property
    def text(self) -> str:
        return dump_rows(self.rows)

    def values(self, names: Sequence[str]) -> list[Any]:
        """The values of these fields, row by row."""
        return [row[name] for row in self.rows for name in names]


def inlined(text: str, count: int, first: int) -> tuple[str, list[str]]:
    """The text of a statement on PostgreSQL whose batch has `count` rows, with a parameter for each value.

    text: a compiled statement with one batch, bound to `rows`. first: number of the first of these parameters.
    Returns the new text and the names of the fields in the order of the parameters of a row.
    """
    (source,) = _RECORDSET.finditer(text)
    kinds = [column.strip().split(" ", 1) for column in source["columns"].split(",")]
    rows = (
        ", ".join(f"${first + row * len(kinds) + index}::{kind}" for index, (_, kind) in enumerate(kinds))
        for row in range(count)
    )
    names = [name for name, _ in kinds]
    values = f"(VALUES {', '.join(f'({row})' for row in rows)}) AS {source['alias']}({', '.join(names)})"
    return text[: source.start()] + values + text[source.end() :], [name.strip('"') for name in names]


_RECORDSET = re.compile(
    r"json_to_recordset\(CAST\(%\(rows\)s::\w+ AS JSON\)\) AS (?P<alias>\w+)\((?P<columns>[^()]+)\)"
)


def dump_rows(rows: Iterable[Mapping[str, Any]]) -> str:
    """The text of a batch. Instants have the format of `to_text`; bools are JSON bools."""
    return orjson.dumps(list(rows), default=_plain, option=orjson.OPT_PASSTHROUGH_DATETIME).decode()


def spelled(value: Any) -> str:
    """A value as PostgreSQL reads it from text."""
    if isinstance(value, datetime):
        return to_text(value)
    if value is True or value is False:
        return "true" if value else "false"
    return str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return to_text(value)
    raise TypeError(f"{type(value).__name__} cannot be part of a batch")
