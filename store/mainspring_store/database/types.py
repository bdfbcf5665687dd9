"""Column types with the same meaning on SQLite and PostgreSQL."""

from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import BigInteger, DateTime, Dialect, Integer, Text
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeDecorator, TypeEngine

__all__ = ["Json", "Key", "UtcDateTime", "from_text", "to_text"]

Key = BigInteger().with_variant(Integer, "sqlite")
"""Integer keys: SQLite gives automatic row ids only to a column declared INTEGER."""


def to_text(value: datetime) -> str:
    """The format of an instant in SQLite: fixed width, so that the order of texts is the order of time."""
    if value.tzinfo is None:
        raise ValueError(f"instant {value!r} has no time zone; the store keeps aware UTC instants only")
    return f"{value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def from_text(value: str) -> datetime:
    """Inverse of `to_text`."""
    return datetime.fromisoformat(value)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware instant. Values from the database are in UTC; naive values raise ValueError."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(Text())
        return dialect.type_descriptor(postgresql.TIMESTAMP(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if dialect.name == "sqlite":
            return to_text(value)
        if value.tzinfo is None:
            raise ValueError(f"instant {value!r} has no time zone; the store keeps aware UTC instants only")
        return value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if isinstance(value, str):
            return from_text(value)
        instant: datetime = value.astimezone(UTC)
        return instant


class Json(TypeDecorator[Any]):
    """A JSON value, stored as text with its order of members. Python `None` is stored as SQL NULL, not JSON null."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else orjson.dumps(value).decode()

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else orjson.loads(value)
