"""Reading large values: outputs that are kept by reference."""

from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, bindparam, select

from mainspring.errors import LogStoreUnavailable
from mainspring.large_values import LargeValue, opened
from mainspring_store.database.transactions import Database
from mainspring_store.database.value_pieces import decompress_piece
from mainspring_store.tables import large_value, large_value_piece, task_try

__all__ = ["ValueMissing", "read_piece", "read_value", "value_pieces", "values_of_attempt", "whole_values"]


class ValueMissing(Exception):
    """The value was deleted together with its output, or is damaged."""


def values_of_attempt(database: Database, attempt_id: str, *, token_hash: str) -> frozenset[str] | None:
    """Ids of the values that a claimed attempt is handed; `None` = the token does not match."""
    with database.read() as connection:
        row = connection.execute(_PAYLOAD, {"me": attempt_id, "hash": token_hash}).first()
    if row is None:
        return None
    _, values = opened(row.payload)
    return frozenset(value.id for value in values.values())


def read_piece(database: Database, value_id: str, position: int) -> bytes:
    """One piece of the JSON text of a value.

    Raises:
        ValueMissing: There is no such piece.
        LogStoreUnavailable: The log store has it and is away.
    """
    with database.read() as connection:
        row = connection.execute(_PIECE, {"value_id": value_id, "at_position": position}).first()
    if row is None:
        raise ValueMissing(value_id)
    return decompress_piece(_stored(database, row))


def value_pieces(database: Database, reference: LargeValue) -> Iterator[bytes]:
    """The pieces of the JSON text of a value, in order. Raises as `read_piece`."""
    for position in range(reference.pieces):
        yield read_piece(database, reference.id, position)


def read_value(database: Database, reference: LargeValue) -> bytes:
    """The whole JSON text of a value.

    Raises:
        ValueMissing: The value was deleted, or is not what was stored.
        LogStoreUnavailable: The log store has it and is away.
    """
    text = b"".join(value_pieces(database, reference))
    if sha256(text).hexdigest() != reference.sha256:
        raise ValueMissing(f"{reference.id}: the stored bytes have another digest")
    return text


def whole_values(connection: Connection, references: Iterable[LargeValue]) -> frozenset[str]:
    """Ids of these values of which every piece is stored."""
    expected = {reference.id: reference for reference in references}
    rows = connection.execute(_SIZES, {"ids": list(expected)}).all()
    sizes: dict[str, list[int]] = {}
    heads: dict[str, str] = {}
    for row in rows:
        sizes.setdefault(row.id, []).append(row.raw_bytes)
        heads[row.id] = row.sha256
    return frozenset(
        value_id
        for value_id, reference in expected.items()
        if len(sizes.get(value_id, ())) == reference.pieces
        and sum(sizes[value_id]) == reference.bytes
        and heads[value_id] == reference.sha256
    )


def _stored(database: Database, row: Any) -> bytes:
    if row.object_key is None:
        data: bytes = row.data
        return data
    if database.log_store is None:
        raise LogStoreUnavailable(f"{row.object_key}: this process has no log_store; set it as before")
    return database.log_store.get(row.object_key, row.object_start, row.object_bytes)


_PAYLOAD = select(task_try.c.payload).where(
    task_try.c.attempt_id == bindparam("me"), task_try.c.token_hash == bindparam("hash")
)
_PIECE = (
    select(
        large_value_piece.c.data,
        large_value_piece.c.object_start,
        large_value_piece.c.object_bytes,
        large_value.c.object_key,
    )
    .join(large_value, large_value.c.id == large_value_piece.c.value_id)
    .where(large_value_piece.c.value_id == bindparam("value_id"))
    .where(large_value_piece.c.position == bindparam("at_position"))
)
_SIZES = (
    select(large_value.c.id, large_value.c.sha256, large_value_piece.c.raw_bytes)
    .join(large_value_piece, large_value_piece.c.value_id == large_value.c.id)
    .where(large_value.c.id.in_(bindparam("ids", expanding=True)))
)
