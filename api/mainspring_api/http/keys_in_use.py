"""Idempotency keys of the requests in this process."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from mainspring_store.access.idempotency import Call, KeyInUse

__all__ = ["KeysInUse"]


class KeysInUse:
    """Keys of running requests of this process. The database knows the keys of other processes."""

    def __init__(self) -> None:
        self._held: set[tuple[str, str]] = set()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._held)

    @contextmanager
    def holding(self, call: Call) -> Iterator[None]:
        """Raises KeyInUse when another thread holds it."""
        key = (call.principal_id, call.key_hash)
        with self._lock:
            if key in self._held:
                raise KeyInUse("a request with this Idempotency-Key is under way; send it again in a second")
            self._held.add(key)
        try:
            yield
        finally:
            with self._lock:
                self._held.discard(key)
