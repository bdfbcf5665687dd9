"""Pieces of large values, compressed with zstd (RFC 8878). Each piece is a frame of its own."""

import sys

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["compress_piece", "decompress_piece"]

_LEVEL = 3


def compress_piece(data: bytes) -> bytes:
    return zstd.compress(data, _LEVEL)


def decompress_piece(data: bytes) -> bytes:
    """Inverse of `compress_piece`."""
    return zstd.decompress(data)
