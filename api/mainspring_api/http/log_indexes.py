"""The indexes of the logs that were read lately.

An index is made when a log is read first and kept in memory, because a finished log never changes. The index of a log
that lies outside the database is stored beside its row, so that the first reader does not read the whole log.
"""

from collections import OrderedDict
from threading import Lock

from mainspring.log_index import LogIndex
from mainspring_store import Database
from mainspring_store.queries.logs import read_log, stored_index

__all__ = ["LogIndexes"]

_PIECE_BYTES = 1024 * 1024
"""Bytes that are read at a time."""
_KEPT_MAX = 256


class LogIndexes:
    """The indexes of the logs that were read lately. Safe to use from many threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: OrderedDict[str, tuple[LogIndex, Lock]] = OrderedDict()
        self.telling_lines: OrderedDict[str, tuple[int, str]] = OrderedDict()
        """Attempt -> the line that says why the attempt failed; for attempts whose log is complete."""
        self._lock = Lock()

    def read(self, attempt_id: str, *, bytes_max: int | None = None) -> LogIndex:
        """The index of a log up to its present end. Callers only read it.

        bytes_max: reading stops there; `None` = at the end.
        """
        with self._lock:
            index, lock = self._kept.setdefault(attempt_id, (LogIndex(), Lock()))
            self._kept.move_to_end(attempt_id)
            while len(self._kept) > _KEPT_MAX:
                self._kept.popitem(last=False)
        with lock:
            if index.size == 0:
                index = self._stored(attempt_id, lock) or index
            while bytes_max is None or index.size < bytes_max:
                pieces = read_log(self._database, attempt_id, offset=index.size, bytes_max=_PIECE_BYTES)
                if not pieces:
                    break
                index.feed(b"".join(piece.data for piece in pieces))
        return index

    def _stored(self, attempt_id: str, lock: Lock) -> LogIndex | None:
        """The stored index, in the place of the empty one that the caller has locked; None = none is stored."""
        stored = stored_index(self._database, attempt_id)
        if stored is not None:
            with self._lock:
                self._kept[attempt_id] = (stored, lock)
        return stored
