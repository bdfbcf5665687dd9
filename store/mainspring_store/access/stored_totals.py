"""Stored bytes of logs, of runs and of definitions by principal.

A count reads all runs, instances and tries, so requests do not wait for a count. A request that finds the count
outdated starts a new count in the background and uses the previous count. The count covers logs of ended attempts; the
log of a running attempt has a separate limit.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, LargeBinary, Row, Select, cast, func, literal, select

from mainspring.errors import StoreUnavailable
from mainspring_store.database.transactions import Database
from mainspring_store.tables import (
    dag_run,
    dag_version,
    large_value,
    large_value_piece,
    task_instance,
    task_try,
    xcom,
)

__all__ = ["ROW_BYTES", "StoredTotals"]

ROW_BYTES = 500
"""Approximate bytes of a row of a run, instance, try or output with its index entries, without its values."""
_AGE_SECONDS_MIN = 60.0
_REST = 100.0
"""The pause after a count, as a multiple of its duration: counting uses at most 1 % of the time of a connection."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Totals:
    """Bytes by principal id."""

    log_bytes: Mapping[str, int] = field(default_factory=dict)
    run_bytes: Mapping[str, int] = field(default_factory=dict)
    definition_bytes: Mapping[str, int] = field(default_factory=dict)


class StoredTotals:
    """Bytes by principal, as of about a minute ago. Safe to use from many threads."""

    def __init__(self, database: Database, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._monotonic = monotonic
        self._totals = _Totals()
        self._next_at = float("-inf")
        self._lock = Lock()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="stored-totals")

    def log_bytes_of(self, principal_id: str) -> int:
        """Bytes of the logs of the principal's runs; 0 until the first count ends."""
        self.refresh()
        return self._totals.log_bytes.get(principal_id, 0)

    def run_bytes_of(self, principal_id: str) -> int:
        """Bytes of the principal's runs without logs: rows, `conf`, inputs, outputs, notes; 0 until the first count
        ends. On PostgreSQL large values count with their compressed size."""
        self.refresh()
        return self._totals.run_bytes.get(principal_id, 0)

    def definition_bytes_of(self, principal_id: str) -> int:
        """Bytes of the versions that the principal saved: text as sent and document; 0 until the first count ends."""
        self.refresh()
        return self._totals.definition_bytes.get(principal_id, 0)

    def refresh(self) -> "Future[None] | None":
        """Start a count in the background; `None` = the last count is recent, or a count is running."""
        with self._lock:
            if self._monotonic() < self._next_at:
                return None
            self._next_at = float("inf")
        return self._worker.submit(self._count)

    def close(self) -> None:
        self._worker.shutdown(wait=True, cancel_futures=True)

    def _count(self) -> None:
        started_at = self._monotonic()
        try:
            with self._database.read(is_long=True) as connection:
                log_bytes = {row.principal_id: int(row.total) for row in connection.execute(_LOG_TOTALS)}
                self._totals = _Totals(
                    log_bytes=log_bytes,
                    run_bytes=_run_bytes(connection),
                    definition_bytes=_definition_bytes(connection),
                )
        except StoreUnavailable as exc:
            log.warning("cannot count the stored bytes: error=%s", exc)
        finally:
            now = self._monotonic()
            self._next_at = now + max(_AGE_SECONDS_MIN, _REST * (now - started_at))


def _run_bytes(connection: Connection) -> Mapping[str, int]:
    totals: dict[str, int] = {}
    for statement in _run_totals(is_sqlite=connection.dialect.name == "sqlite"):
        rows: Iterator[Row[Any]] = iter(connection.execute(statement))
        for row in rows:
            totals[row.principal_id] = totals.get(row.principal_id, 0) + int(row.total)
    return totals


def _definition_bytes(connection: Connection) -> Mapping[str, int]:
    is_sqlite = connection.dialect.name == "sqlite"
    sizes = [_size(column, is_sqlite=is_sqlite) for column in (dag_version.c.document, dag_version.c.source)]
    size = sum((func.coalesce(column, 0) for column in sizes), start=literal(ROW_BYTES))
    saved = dag_version.c.principal_id
    statement = select(saved, func.sum(size).label("total")).where(saved.is_not(None)).group_by(saved)
    return {row.principal_id: int(row.total) for row in connection.execute(statement)}


def _run_totals(*, is_sqlite: bool) -> Iterator[Select[Any]]:
    """A statement for each table that sums up the bytes of its rows by principal."""

    def total(*columns: Column[Any]) -> Select[Any]:
        sizes = [func.coalesce(_size(column, is_sqlite=is_sqlite), 0) for column in columns]
        row: ColumnElement[int] = sum(sizes, start=literal(ROW_BYTES))
        of_principal = dag_run.c.principal_id.is_not(None)
        return select(dag_run.c.principal_id, func.sum(row).label("total")).where(of_principal)

    runs, tasks = dag_run.c, task_instance.c
    statements = (
        total(runs.conf, runs.params, runs.outputs, runs.note, runs.message).select_from(dag_run),
        total(tasks.map_value, tasks.map_key, tasks.note).select_from(task_instance.join(dag_run)),
        total(task_try.c.payload, task_try.c.message).select_from(task_try.join(task_instance).join(dag_run)),
        total(xcom.c.value).select_from(xcom.join(task_instance).join(dag_run)),
        total(large_value_piece.c.data).select_from(
            large_value_piece.join(large_value).join(task_instance).join(dag_run)
        ),
    )
    for statement in statements:
        yield statement.group_by(dag_run.c.principal_id)


def _size(column: Column[Any], *, is_sqlite: bool) -> ColumnElement[int]:
    """Bytes of a value. On PostgreSQL the size comes without reading large values, which lie outside of the row."""
    return func.length(cast(column, LargeBinary)) if is_sqlite else func.pg_column_size(column)


_LOG_TOTALS = (
    select(dag_run.c.principal_id, func.sum(task_try.c.log_bytes).label("total"))
    .join(task_instance, task_instance.c.dag_run_id == dag_run.c.id)
    .join(task_try, task_try.c.task_instance_id == task_instance.c.id)
    .where(dag_run.c.principal_id.is_not(None), task_try.c.log_bytes > 0)
    .group_by(dag_run.c.principal_id)
)
