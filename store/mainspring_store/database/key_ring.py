"""The encryption keys of secrets: from the settings, else from a private file of the home folder.

The cipher is Fernet (AES-CBC with HMAC) of the `cryptography` library. A ciphertext contains the name of the secret
and the value, so decryption refuses a ciphertext that was moved to a different name in the database.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from mainspring.errors import MainspringError
from mainspring.private_files import keep, replace

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

__all__ = ["CannotOpen", "InvalidKeys", "KeyRing", "key_file"]


class CannotOpen(MainspringError):
    """No key decrypts the ciphertext, or the ciphertext belongs to a secret of a different name."""


class InvalidKeys(MainspringError):
    """Keys that cannot be used."""


def key_file(home: Path) -> Path:
    """The file with the keys, newest first, when no setting gives keys."""
    return home / "secret-keys"


class KeyRing:
    """The first key encrypts; all keys decrypt. Safe to use from many threads.

    The key ring reads a changed file again, so a rotation needs no restart.
    """

    def __init__(self, file: Path, keys: Sequence[str] = ()) -> None:
        """`keys`, newest first, replace the file unless empty. The first encryption or decryption reads the file."""
        self._file = file
        self._setting_keys = tuple(keys)
        self._loaded: tuple[object, MultiFernet] | None = None

    @property
    def is_in_file(self) -> bool:
        return not self._setting_keys

    @property
    def keys(self) -> Sequence[str]:
        """The keys, newest first; empty = there is no key yet."""
        if not self.is_in_file:
            return self._setting_keys
        try:
            return tuple(self._file.read_text(encoding="ascii").split())
        except FileNotFoundError:
            return ()

    @property
    def fingerprints(self) -> Sequence[str]:
        """A fingerprint of each key, newest first. A fingerprint reveals nothing: the keys are random."""
        return [hashlib.sha256(f"mainspring-key:{key}".encode()).hexdigest()[:16] for key in self.keys]

    def encrypt(self, name: str, value: str) -> bytes:
        """The ciphertext of a secret. Creates the file when it is missing."""
        return self._ring(is_made=True).encrypt(orjson.dumps({"name": name, "value": value}))

    def decrypt(self, name: str, ciphertext: bytes) -> str:
        """The value of the secret of this name.

        Raises:
            CannotOpen: The message names the cure.
        """
        from cryptography.fernet import InvalidToken

        try:
            content = orjson.loads(self._ring().decrypt(ciphertext))
        except (InvalidToken, FileNotFoundError):
            place = self._file if self.is_in_file else "MAINSPRING_SECRET_KEYS"
            raise CannotOpen(
                f"secret '{name}' cannot be opened with the keys of {place}; give every service the same keys, "
                "or put the secret again"
            ) from None
        if content["name"] != name:
            raise CannotOpen(f"what is stored as secret '{name}' is another secret; put it again")
        value: str = content["value"]
        return value

    def reencrypt(self, ciphertext: bytes) -> bytes:
        """The same secret under the first key.

        Raises:
            CannotOpen: No key decrypts the ciphertext.
        """
        from cryptography.fernet import InvalidToken

        try:
            return self._ring().rotate(ciphertext)
        except InvalidToken:
            raise CannotOpen(
                "a stored secret cannot be opened with any of the keys; add the key it was written with"
            ) from None

    @contextmanager
    def rotating(self) -> Iterator[None]:
        """Put a new key first in the file, let the caller encrypt all secrets again, then drop outdated keys.

        The previous key stays until the next rotation, because a service may be encrypting with it right now. When
        the caller fails, all keys stay. Keys of the settings stay unchanged: the administrator rotates them.
        """
        if not self.is_in_file:
            yield
            return
        from cryptography.fernet import Fernet

        self._ring(is_made=True)
        with self._file.with_name(f"{self._file.name}.lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            keys = self._file.read_text(encoding="ascii").split()
            fresh = Fernet.generate_key().decode()
            replace(self._file, "\n".join([fresh, *keys]))
            yield
            replace(self._file, "\n".join([fresh, *keys[:1]]))

    def _ring(self, *, is_made: bool = False) -> "MultiFernet":
        """The loaded keys. Without a key file: create the file if `is_made`, else raise FileNotFoundError."""
        from cryptography.fernet import Fernet

        if self.is_in_file and is_made and not self._file.exists():
            keep(self._file, Fernet.generate_key().decode())
        version = _version(self._file) if self.is_in_file else None
        if self._loaded is None or self._loaded[0] != version:
            keys = self._setting_keys or tuple(self._file.read_text(encoding="ascii").split())
            self._loaded = (version, _multi(keys, self._file if self.is_in_file else None))
        return self._loaded[1]


def _version(file: Path) -> object:
    status = os.stat(file)
    return status.st_ino, status.st_mtime_ns, status.st_size


def _multi(keys: Sequence[str], file: Path | None) -> "MultiFernet":
    from cryptography.fernet import Fernet, MultiFernet

    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError:
        place = "MAINSPRING_SECRET_KEYS" if file is None else str(file)
        raise InvalidKeys(f"{place} must hold keys of 32 bytes in URL-safe base64; one of them is not") from None
