"""Remembers hashes of passwords: the API hashes each password for a third of a second on purpose."""

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

__all__ = ["RememberingHasher"]


class RememberingHasher:
    """Gives a password the same real hash each time, and hashes once for each pair that is compared."""

    def __init__(self, hasher: PasswordHasher) -> None:
        self._hasher = hasher
        self._hashes: dict[str, str] = {}
        self._is_equal: dict[tuple[str, str], bool] = {}

    def hash(self, password: str) -> str:
        if password not in self._hashes:
            self._hashes[password] = self._hasher.hash(password)
        return self._hashes[password]

    def verify(self, stored: str, password: str) -> bool:
        if (stored, password) not in self._is_equal:
            self._is_equal[stored, password] = self._verify(stored, password)
        if not self._is_equal[stored, password]:
            raise VerifyMismatchError
        return True

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except VerifyMismatchError:
            return False
