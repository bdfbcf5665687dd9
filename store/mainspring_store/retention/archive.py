"""The archive of pruned runs: files with a JSON object a line (NDJSON), written before the rows are deleted.

The lines are on the disk before the transaction that deletes the rows commits. So a crash may archive a run twice, and
loses none: `archived_at` tells the copies apart. `FIELDS` is the schema of the lines; docs/operations.md explains it.
"""

import fcntl
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, Select, bindparam, select

from mainspring.errors import MainspringError
from mainspring.instants import format_instant
from mainspring.private_files import sync_folder
from mainspring_store.tables import dag_run, dag_version, feed_event, task_instance, task_try

__all__ = ["FIELDS", "Archive", "ArchiveUnavailable"]

FORMAT = 1
_OF_ALL = ("type", "format", "archived_at", "dag_id", "run_id")
FIELDS: Mapping[str, Sequence[str]] = {
    "run": (
        *_OF_ALL, "version_number", "run_type", "state", "state_reason", "message", "logical_date",
        "data_interval_start", "data_interval_end", "run_after", "queued_at", "start_date", "end_date", "triggered_by",
        "triggering_user_name", "conf", "note",
    ),
    "try": (
        *_OF_ALL, "task_id", "map_index", "generation", "try_number", "state", "state_reason", "message", "executor",
        "hostname", "queued_at", "start_date", "end_date", "exit_code", "log_bytes",
    ),
    "event": (
        *_OF_ALL, "seq", "kind", "at", "task_id", "map_index", "try_number", "state", "state_reason",
    ),
}  # fmt: skip
"""Type of a line -> its fields, in their order. Instants are RFC 3339 in UTC; a value may be null."""


class ArchiveUnavailable(MainspringError):
    """The folder of the archive cannot be written, so nothing is pruned."""


class Archive:
    """Appends to `runs-<date>.ndjson` in a folder: a file for each day on which runs are pruned, in UTC. Mode 0600."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, connection: Connection, keys: Sequence[int], *, now: datetime) -> None:
        """Archive runs with their tries and events; returns when the lines are on the disk.

        Raises:
            ArchiveUnavailable: The message names the file and the cause. Some lines may have been written.
        """
        if not keys:
            return
        lines = b"".join(orjson.dumps(line) + b"\n" for line in _lines(connection, keys, now))
        path = self._folder / f"runs-{now:%Y-%m-%d}.ndjson"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                # Another sweep may append at the same time, and a half-written line of it is no torn line.
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                if os.fstat(descriptor).st_size == 0:
                    sync_folder(self._folder)
                _end_torn_line(path, descriptor)
                file.write(lines)
                file.flush()
                os.fsync(descriptor)
        except OSError as exc:
            raise ArchiveUnavailable(
                f"retention_archive: {path} cannot be written: {exc.strerror}; nothing is pruned meanwhile"
            ) from exc


def _end_torn_line(path: Path, descriptor: int) -> None:
    """End a line that a full disk or a crash cut off, so that it spoils no other line."""
    size = os.fstat(descriptor).st_size
    if size:
        with path.open("rb") as file:
            file.seek(size - 1)
            if file.read() != b"\n":
                os.write(descriptor, b"\n")


def _lines(connection: Connection, keys: Sequence[int], now: datetime) -> Iterator[dict[str, Any]]:
    common = {"format": FORMAT, "archived_at": format_instant(now)}
    for kind, statement in _STATEMENTS.items():
        for row in connection.execute(statement, {"keys": list(keys)}):
            values = {"type": kind, **common, **row._mapping}
            yield {name: _plain(values[name]) for name in FIELDS[kind]}


def _plain(value: Any) -> Any:
    return format_instant(value) if isinstance(value, datetime) else value


_run, _try, _event, _instance = dag_run.c, task_try.c, feed_event.c, task_instance.c
_ARE_PRUNED = _run.id.in_(bindparam("keys", expanding=True))
_NAMES = (_run.dag_id, _run.run_id)
_STATEMENTS: Mapping[str, Select[Any]] = {
    "run": select(
        *_NAMES,
        dag_version.c.version_number,
        *(_run[name] for name in FIELDS["run"] if name in _run and name not in ("dag_id", "run_id")),
    )
    .join(dag_version, dag_version.c.id == _run.dag_version_id)
    .where(_ARE_PRUNED)
    .order_by(_run.id),
    "try": select(
        *_NAMES,
        _instance.task_id,
        _instance.map_index,
        *(_try[name] for name in FIELDS["try"] if name in _try),
    )
    .select_from(task_try)
    .join(task_instance, _instance.id == _try.task_instance_id)
    .join(dag_run, _run.id == _instance.dag_run_id)
    .where(_ARE_PRUNED)
    .order_by(_run.id, _instance.task_index, _instance.map_index, _try.queued_at, _try.attempt_id),
    "event": select(
        *_NAMES,
        _instance.task_id,
        _instance.map_index,
        *(_event[name] for name in FIELDS["event"] if name in _event and name != "dag_id"),
    )
    .select_from(feed_event)
    .join(dag_run, _run.id == _event.dag_run_id)
    .outerjoin(task_instance, _instance.id == _event.task_instance_id)
    .where(_ARE_PRUNED)
    .order_by(_run.id, _event.id),
}
