"""Bounds for answers that last: streams of events, and waits."""

from collections import Counter
from threading import Lock

from mainspring.errors import MainspringError

__all__ = ["Places", "TooManyWaits"]


class TooManyWaits(MainspringError):
    """Every place for a waiting request or a stream is taken."""


class Places:
    """Places of one kind, of all principals together and of each. For many threads."""

    def __init__(self, kind: str, total: int, per_principal: int) -> None:
        """kind: plural noun for messages."""
        self.kind = kind
        self.total = total
        self.per_principal = per_principal
        self._taken: Counter[str] = Counter()
        self._count = 0
        self._lock = Lock()

    @property
    def count(self) -> int:
        return self._count

    def take(self, principal_id: str) -> None:
        """Take a place, to be given back by `give_back`.

        Raises:
            TooManyWaits: No place is free, or the principal has its share.
        """
        with self._lock:
            own_places = self._taken[principal_id]
            if self._count >= self.total or own_places >= self.per_principal:
                raise TooManyWaits(
                    f"you have {own_places} {self.kind} open of at most {self.per_principal}, all clients have"
                    f" {self._count} of at most {self.total} in this process; try again in a few seconds"
                )
            self._taken[principal_id] += 1
            self._count += 1

    def give_back(self, principal_id: str) -> None:
        with self._lock:
            self._count -= 1
            self._taken[principal_id] -= 1
            if not self._taken[principal_id]:
                del self._taken[principal_id]
