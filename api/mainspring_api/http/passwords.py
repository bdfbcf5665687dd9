"""Passwords: hashed by argon2id. Each check takes memory and time on purpose, so only a few run at once."""

from functools import lru_cache
from threading import BoundedSemaphore
from typing import TYPE_CHECKING

from mainspring_api.http.limits import TooManyRequests

if TYPE_CHECKING:
    from argon2 import PasswordHasher

__all__ = ["hash_password", "is_password"]

_AT_ONCE = 2
_WAIT_SECONDS_MAX = 5.0
_turns = BoundedSemaphore(_AT_ONCE)


def hash_password(password: str) -> str:
    """What is stored of a password; differs each time."""
    with _turns:
        return _hasher().hash(password)


def is_password(password: str, stored: str | None) -> bool:
    """Whether this is the password. `stored` None takes as long and is False, so that nobody learns who exists.

    Raises:
        TooManyRequests: Too many others wait for their turn.
    """
    from argon2.exceptions import VerifyMismatchError

    if not _turns.acquire(timeout=_WAIT_SECONDS_MAX):
        raise TooManyRequests("logins at once", 5)
    try:
        return _hasher().verify(stored or _nobodys(), password) and stored is not None
    except VerifyMismatchError:
        return False
    finally:
        _turns.release()


@lru_cache(maxsize=1)
def _hasher() -> "PasswordHasher":
    from argon2 import PasswordHasher

    # The second choice of RFC 9106: 64 MiB, 3 passes.
    return PasswordHasher(time_cost=3, memory_cost=65536, parallelism=4)


@lru_cache(maxsize=1)
def _nobodys() -> str:
    return _hasher().hash("nobody has this password")
