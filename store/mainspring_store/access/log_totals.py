"""How much log is kept for each principal.

Every attempt must be looked at to know that, and nobody waits for it: whoever finds the last count old has it made anew
in the background, and goes by the last one until then. Counted are attempts that have ended; one that runs is held by
the bound of its own log.
"""

import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock

from sqlalchemy import func, select

from mainspring.errors import StoreUnavailable
from mainspring_store.database.transactions import Database, lift_time_limit
from mainspring_store.tables import dag_run, task_instance, task_try

__all__ = ["LogTotals"]

_AGE_SECONDS_MIN = 60.0
_REST = 100.0
"""Times what a count took, until the next one: a hundredth of one connection's time at most."""

log = logging.getLogger(__name__)


class LogTotals:
    """Bytes by principal, as of about a minute ago. Safe to use from many threads."""

    def __init__(self, database: Database, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._monotonic = monotonic
        self._totals: Mapping[str, int] = {}
        self._next_at = float("-inf")
        self._lock = Lock()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="log-totals")

    def of(self, principal_id: str) -> int:
        """Bytes; 0 until they were counted for the first time."""
        self.refresh()
        return self._totals.get(principal_id, 0)

    def refresh(self) -> "Future[None] | None":
        """Have them counted anew if that was long ago; `None` = it was not, or is being done."""
        with self._lock:
            if self._monotonic() < self._next_at:
                return None
            self._next_at = float("inf")
        return self._worker.submit(self._count)

    def close(self) -> None:
        self._worker.shutdown(wait=True, cancel_futures=True)

    def _count(self) -> None:
        begun = self._monotonic()
        try:
            with self._database.read() as connection:
                lift_time_limit(connection)
                self._totals = {row.principal_id: int(row.total) for row in connection.execute(_TOTALS)}
        except StoreUnavailable as exc:
            log.warning("the logs were not counted: %s", exc)
        finally:
            now = self._monotonic()
            self._next_at = now + max(_AGE_SECONDS_MIN, _REST * (now - begun))


_TOTALS = (
    select(dag_run.c.principal_id, func.sum(task_try.c.log_bytes).label("total"))
    .join(task_instance, task_instance.c.dag_run_id == dag_run.c.id)
    .join(task_try, task_try.c.task_instance_id == task_instance.c.id)
    .where(dag_run.c.principal_id.is_not(None), task_try.c.log_bytes > 0)
    .group_by(dag_run.c.principal_id)
)
