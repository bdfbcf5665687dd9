"""Blocks of a log: consecutive chunks with their instants, compressed with zstd (RFC 8878)."""

import struct
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["BLOCK_BYTES", "TimedBytes", "pack", "unpack"]

BLOCK_BYTES = 256 * 1024
"""Bytes of the log in one block, at least, except for the last block: a reader of a line unpacks one block."""
TimedBytes = tuple[datetime, bytes]
"""The instant at which a chunk arrived, and its bytes."""

_LEVEL = 3
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_COUNT = struct.Struct("!I")
_CHUNK = struct.Struct("!qI")
"""Microseconds since 1970, length."""


def pack(chunks: Sequence[TimedBytes]) -> bytes:
    """The block of these chunks, in their order."""
    heads = [_CHUNK.pack((at - _EPOCH) // timedelta(microseconds=1), len(data)) for at, data in chunks]
    return zstd.compress(b"".join([_COUNT.pack(len(chunks)), *heads, *(data for _, data in chunks)]), _LEVEL)


def unpack(block: bytes) -> Iterator[TimedBytes]:
    """Inverse of `pack`."""
    content = zstd.decompress(block)
    (count,) = _COUNT.unpack_from(content)
    heads = [_CHUNK.unpack_from(content, _COUNT.size + index * _CHUNK.size) for index in range(count)]
    position = _COUNT.size + count * _CHUNK.size
    for microseconds, length in heads:
        yield _EPOCH + timedelta(microseconds=microseconds), content[position : position + length]
        position += length
