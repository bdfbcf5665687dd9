"""Where logs of ended tries lie outside the database: a folder, or object storage.

An object is written once, whole, and never changed. The rows of the database say which bytes of which object are a
block. A store is slow, full or away at times: each operation on object storage ends after seconds, and says so. A
folder has no time limit: a mounted share that hangs blocks the thread that uses it.
"""

import os
import re
import secrets
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import Any, Protocol

from mainspring.errors import LogStoreUnavailable, MainspringError
from mainspring.private_files import sync_folder

__all__ = ["CachedLogStore", "InvalidLogStore", "LogStore", "is_litter", "open_log_store"]

_OPERATION_SECONDS_MAX = 5
_PIECE_BYTES = 4 * 1024 * 1024
"""Bytes that one read fetches, aligned: most logs come whole."""
_CACHE_BYTES = 64 * 1024 * 1024
_FAILS_FAST_SECONDS = 2.0
"""After a failure, reads fail at once for so long, so that threads of the API do not all wait for a store."""
_LIST_PAGE = 1_000
_SCHEMES = ("s3://", "gs://", "az://")
_CHECK = "check-[0-9a-f]{16}"
_LITTER = re.compile(rf"{_CHECK}|(?:[^/]+/)?\.(?:[^/]+\.zst|{_CHECK}|mainspring-owner)\.[0-9a-f]{{8}}")

Listed = tuple[str, datetime]
"""Key of an object, and when it was written."""


class InvalidLogStore(MainspringError):
    """The setting names no store that can be used."""


class LogStore(Protocol):
    """Objects by key. A key is a relative path of ASCII letters, digits, `-`, `.` and `/`.

    Each method raises LogStoreUnavailable when the store cannot do it now.
    """

    def put(self, key: str, data: bytes) -> None:
        """Write an object, durably. A second call with the same key replaces it."""

    def get(self, key: str, start: int, length: int) -> bytes:
        """Bytes of an object; fewer at its end."""

    def find(self, key: str) -> bytes | None:
        """All bytes of a small object; None = there is no such object."""

    def delete(self, keys: Sequence[str]) -> None:
        """Delete objects. An absent one is no error."""

    def pages(self) -> Iterator[Sequence[Listed]]:
        """All objects, in pages."""


def open_log_store(setting: str) -> "CachedLogStore":
    """The store of a setting: the absolute path of a folder, or `s3://`, `gs://` or `az://` with bucket and prefix.

    Object storage takes credentials and addresses from its usual environment variables (`AWS_...`, `GOOGLE_...`,
    `AZURE_...`). The function does not connect.

    Raises:
        InvalidLogStore: The setting is none of these, or the extra `s3` is not installed.
    """
    if setting.startswith(_SCHEMES):
        return CachedLogStore(_CloudLogStore(setting))
    if not setting.startswith("/"):
        raise InvalidLogStore(f"log_store: '{setting}' is no absolute path and none of {', '.join(_SCHEMES)}")
    return CachedLogStore(_FolderLogStore(Path(setting)))


def is_litter(key: str) -> bool:
    """Whether an object is a half-written file or that of a check. When it is old, the process that wrote it was
    killed."""
    return _LITTER.fullmatch(key) is not None


class CachedLogStore:
    """A store whose reads are kept in memory. Safe to use from many threads."""

    def __init__(self, store: LogStore) -> None:
        self._store = store
        self._pieces: OrderedDict[tuple[str, int], bytes] = OrderedDict()
        self._size = 0
        self._lock = Lock()
        self._failed: tuple[float, LogStoreUnavailable] | None = None

    def put(self, key: str, data: bytes) -> None:
        """Write an object and read it again.

        Raises:
            LogStoreUnavailable: The store could not do it, or has other bytes than were written.
        """
        self._store.put(key, data)
        # In pieces, because each read has its time limit. The byte behind a piece shows an object that is too long.
        for begin in range(0, len(data), _PIECE_BYTES):
            if self._store.get(key, begin, _PIECE_BYTES + 1) != data[begin : begin + _PIECE_BYTES + 1]:
                raise LogStoreUnavailable(f"{key}: the store has other bytes than were written")

    def get(self, key: str, start: int, length: int) -> bytes:
        """Bytes of an object.

        Raises:
            LogStoreUnavailable: Also when the object is absent or shorter.
        """
        data = bytearray()
        while len(data) < length:
            position = start + len(data)
            piece = self._piece(key, position // _PIECE_BYTES)
            part = piece[position % _PIECE_BYTES :][: length - len(data)]
            if not part:
                raise LogStoreUnavailable(f"{key}: ends at byte {position}, before {start + length}")
            data += part
        return bytes(data)

    def find(self, key: str) -> bytes | None:
        """All bytes of a small object, as the store has them now; None = there is no such object.

        Raises:
            LogStoreUnavailable: The store cannot tell.
        """
        return self._store.find(key)

    def delete(self, keys: Sequence[str]) -> None:
        self._store.delete(keys)

    def pages(self) -> Iterator[Sequence[Listed]]:
        return self._store.pages()

    def check(self) -> None:
        """Write, read and delete an object. Raises LogStoreUnavailable."""
        key = f"check-{secrets.token_hex(8)}"
        self.put(key, key.encode())
        self._store.delete([key])

    def _piece(self, key: str, number: int) -> bytes:
        with self._lock:
            piece = self._pieces.get((key, number))
            if piece is not None:
                self._pieces.move_to_end((key, number))
                return piece
            if self._failed is not None and monotonic() - self._failed[0] < _FAILS_FAST_SECONDS:
                raise LogStoreUnavailable(str(self._failed[1]))
        try:
            piece = self._store.get(key, number * _PIECE_BYTES, _PIECE_BYTES)
        except LogStoreUnavailable as exc:
            with self._lock:
                self._failed = monotonic(), exc
            raise
        with self._lock:
            self._failed = None
            if (key, number) not in self._pieces:
                self._pieces[key, number] = piece
                self._size += len(piece)
            while self._size > _CACHE_BYTES:
                _, oldest = self._pieces.popitem(last=False)
                self._size -= len(oldest)
        return piece


class _FolderLogStore:
    """Files below a folder, which may be a mounted share. Mode 0600."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, key: str, data: bytes) -> None:
        path = self._folder / key
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            if not path.parent.exists():
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                sync_folder(path.parent.parent)
            try:
                descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
                with os.fdopen(descriptor, "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(descriptor)
                draft.replace(path)
            finally:
                draft.unlink(missing_ok=True)
            sync_folder(path.parent)
        except OSError as exc:
            raise _of_file(path, exc) from exc

    def get(self, key: str, start: int, length: int) -> bytes:
        path = self._folder / key
        try:
            with path.open("rb") as file:
                file.seek(start)
                return file.read(length)
        except OSError as exc:
            raise _of_file(path, exc) from exc

    def find(self, key: str) -> bytes | None:
        try:
            return (self._folder / key).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise _of_file(self._folder / key, exc) from exc

    def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            try:
                (self._folder / key).unlink(missing_ok=True)
            except OSError as exc:
                raise _of_file(self._folder / key, exc) from exc

    def pages(self) -> Iterator[Sequence[Listed]]:
        if not self._folder.is_dir():
            raise LogStoreUnavailable(f"{self._folder}: no such folder")
        for folder, _, names in os.walk(self._folder):
            page = []
            for name in names:
                path = Path(folder, name)
                try:
                    written_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
                except OSError:
                    continue  # another scheduler has deleted it
                page.append((path.relative_to(self._folder).as_posix(), written_at))
            yield page


class _CloudLogStore:
    """Object storage, by the library obstore."""

    def __init__(self, url: str) -> None:
        """Raises InvalidLogStore."""
        try:
            from obstore.exceptions import BaseError
            from obstore.store import from_url
        except ImportError as exc:
            raise InvalidLogStore("log_store: object storage needs the extra `s3`: pip install mainspring[s3]") from exc
        self._errors: tuple[type[Exception], ...] = (BaseError, OSError, ValueError)
        limit = timedelta(seconds=_OPERATION_SECONDS_MAX)
        options: Any = {"timeout": limit, "connect_timeout": limit / 2}
        # A server of one's own, without a certificate, is named by an address with http.
        if os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://"):
            options["allow_http"] = True
        retries: Any = {"max_retries": 2, "retry_timeout": limit}
        try:
            self._store: Any = from_url(url, client_options=options, retry_config=retries)
        except self._errors as exc:
            raise InvalidLogStore(f"log_store: {url} cannot be used: {_first_line(exc)}") from exc
        self._url = url

    def put(self, key: str, data: bytes) -> None:
        try:
            self._store.put(key, data, use_multipart=False)
        except self._errors as exc:
            raise self._unavailable(key, exc) from exc

    def get(self, key: str, start: int, length: int) -> bytes:
        try:
            return bytes(self._store.get_range(key, start=start, length=length))
        except self._errors as exc:
            raise self._unavailable(key, exc) from exc

    def find(self, key: str) -> bytes | None:
        try:
            return bytes(self._store.get(key).bytes())
        except FileNotFoundError:
            return None
        except self._errors as exc:
            raise self._unavailable(key, exc) from exc

    def delete(self, keys: Sequence[str]) -> None:
        try:
            for begin in range(0, len(keys), _LIST_PAGE):
                self._store.delete(list(keys[begin : begin + _LIST_PAGE]))
        except FileNotFoundError:
            return
        except self._errors as exc:
            raise self._unavailable(keys[0], exc) from exc

    def pages(self) -> Iterator[Sequence[Listed]]:
        try:
            for page in self._store.list(chunk_size=_LIST_PAGE):
                yield [(item["path"], item["last_modified"]) for item in page]
        except self._errors as exc:
            raise self._unavailable("", exc) from exc

    def _unavailable(self, key: str, exc: Exception) -> LogStoreUnavailable:
        return LogStoreUnavailable(f"{self._url.rstrip('/')}/{key}: {_first_line(exc)}")


def _of_file(path: Path, exc: OSError) -> LogStoreUnavailable:
    return LogStoreUnavailable(f"{path}: {exc.strerror}")


def _first_line(exc: Exception) -> str:
    return (str(exc).splitlines() or [type(exc).__name__])[0][:300]
