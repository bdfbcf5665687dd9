"""Rows as one parameter: a whole batch goes to the database as a single JSON text.

A set-based statement over the batch costs one round trip, and its `RETURNING` names the changed rows; `executemany`
cannot do both. SQLite reads the text by `json_each`, PostgreSQL by `json_to_recordset`.
"""

from collections.abc import Iterable, Mapping
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

__all__ = ["Fields", "as_rows", "dump_rows"]

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


def dump_rows(rows: Iterable[Mapping[str, Any]]) -> str:
    """The text of a batch. Instants have the format of `to_text`; bools are JSON bools."""
    return orjson.dumps(list(rows), default=_plain, option=orjson.OPT_PASSTHROUGH_DATETIME).decode()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return to_text(value)
    raise TypeError(f"{type(value).__name__} cannot be part of a batch")
