"""Passwords: hashed by argon2id. Each hash takes 64 MiB and a third of a second on purpose, so few run at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from threading import BoundedSemaphore
from typing import TYPE_CHECKING

from mainspring_api.http.limits import TooManyRequests

if TYPE_CHECKING:
    from argon2 import PasswordHasher

__all__ = ["HASHES_AT_ONCE_MAX", "NO_PASSWORD_HASH", "hash_password", "is_password"]

HASHES_AT_ONCE_MAX = 4
"""In one process. A further request is refused at once, as a waiting one would take a thread from the others."""
_RETRY_SECONDS = 1
NO_PASSWORD_HASH = "$argon2id$v=19$m=65536,t=3,p=4$sXOh9PRQtGQCdfB0hfevMA$/MRZCj8v948MTyhxlK31ll49sT8p4GEinvMNz6IF8I4"  # noqa: S105
"""Of random bytes that were thrown away. Checking against this takes as long as against the hash of a user, from the
first check on. Users without a password have this hash."""

_turns = BoundedSemaphore(HASHES_AT_ONCE_MAX)


def hash_password(password: str) -> str:
    """What is stored of a password; differs each time.

    Raises:
        TooManyRequests: `HASHES_AT_ONCE_MAX` passwords are being hashed.
    """
    with _turn():
        return _hasher().hash(password)


def is_password(password: str, stored: str | None) -> bool:
    """Whether this is the password. `stored` None takes equal time and returns False, so that no client learns the
    names of users.

    Raises:
        TooManyRequests: `HASHES_AT_ONCE_MAX` passwords are being hashed.
    """
    from argon2.exceptions import VerifyMismatchError

    with _turn():
        try:
            return _hasher().verify(stored or NO_PASSWORD_HASH, password) and stored is not None
        except VerifyMismatchError:
            return False


@contextmanager
def _turn() -> Iterator[None]:
    if not _turns.acquire(blocking=False):
        raise TooManyRequests("logins at once", _RETRY_SECONDS)
    try:
        yield
    finally:
        _turns.release()


@lru_cache(maxsize=1)
def _hasher() -> "PasswordHasher":
    from argon2 import PasswordHasher

    # The second choice of RFC 9106: 64 MiB, 3 passes.
    return PasswordHasher(time_cost=3, memory_cost=65536, parallelism=4)
