"""What this process counts for monitoring, added to the shared totals every few seconds.

Other processes show a count only after it was added, so every process shows the same totals, and no total goes back.
"""

import logging
from collections import Counter
from threading import Event, Lock, Thread

from mainspring.errors import StoreUnavailable
from mainspring.metric_buckets import LATENCY_BOUNDS, bucket_name
from mainspring_store import Database
from mainspring_store.queries.events import SettledEvents
from mainspring_store.resources.metric_totals import add_totals, count_events

__all__ = ["MetricTotals"]

ADD_SECONDS = 10.0
_SERIES_MAX = 10_000

log = logging.getLogger(__name__)


class MetricTotals:
    """Counts of this process that are not added yet. For many threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._settled = SettledEvents(database)
        self._lock = Lock()
        self._adding = Lock()
        self._counts: Counter[tuple[str, tuple[str, ...]]] = Counter()
        self._sums: dict[tuple[str, tuple[str, ...]], float] = {}
        self._thread: Thread | None = None
        self._is_closed = Event()

    def count(self, name: str, labels: tuple[str, ...] = ()) -> None:
        with self._lock:
            self._counts[name, labels] += 1
            self._start()

    def note_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request. route: the rule, never the path of a request."""
        with self._lock:
            self._counts["http_requests", (method, route, str(status))] += 1
            self._counts["http_request_duration_seconds_bucket", (route, bucket_name(LATENCY_BOUNDS, seconds))] += 1
            key = "http_request_duration_seconds_sum", (route,)
            self._sums[key] = self._sums.get(key, 0.0) + seconds
            self._start()

    def add(self, *, parts_max: int | None = None) -> None:
        """Add the counts at least once, and count the new events. Counts that cannot be added now stay for the next
        time; after a commit of unknown outcome they may be added twice.

        parts_max: of the new events, so that a request is answered in time; None = all, until `close`.
        """
        with self._adding:
            with self._lock:
                counts, sums = self._counts, self._sums
                self._counts, self._sums = Counter(), {}
            try:
                if counts:
                    add_totals(self._database, {**counts, **sums})
            except StoreUnavailable as exc:
                log.debug("totals are added later: cause=%s", exc)
                self._restore(counts, sums)
                return
            except BaseException:
                self._restore(counts, sums)
                raise
            try:
                self._count_events(parts_max)
            except StoreUnavailable as exc:
                log.debug("events are counted later: cause=%s", exc)

    def close(self) -> None:
        """Add the counts once more, and end the thread. Idempotent."""
        if self._is_closed.is_set():
            return
        self._is_closed.set()
        if self._thread is not None:
            self._thread.join(timeout=5)
            self.add()

    def _count_events(self, parts_max: int | None) -> None:
        parts = 0
        while count_events(self._database, self._settled) and not self._is_closed.is_set():
            parts += 1
            if parts == parts_max:
                return

    def _restore(
        self, counts: Counter[tuple[str, tuple[str, ...]]], sums: dict[tuple[str, tuple[str, ...]], float]
    ) -> None:
        with self._lock:
            if len(self._counts) > _SERIES_MAX:
                return
            self._counts.update(counts)
            for key, value in sums.items():
                self._sums[key] = self._sums.get(key, 0.0) + value

    def _start(self) -> None:
        if self._thread is None and not self._is_closed.is_set():
            self._thread = Thread(target=self._run, name="metric-totals", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while not self._is_closed.wait(ADD_SECONDS):
            try:
                self.add()
            except Exception:  # counting must not end for a fault of one time
                log.exception("totals were not added")
