"""Facts about a run for deliveries: its state, its failed tasks, its outputs, and the rules of its definition."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, select

from mainspring.states import TaskState
from mainspring_store.database.transactions import Database
from mainspring_store.tables import dag_run, dag_version, secret, task_instance, task_try

__all__ = [
    "FAILED_TASKS_MAX",
    "FailedTask",
    "RunFacts",
    "ciphertexts_of",
    "document_of",
    "run_facts",
    "versions_of_runs",
]

FAILED_TASKS_MAX = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class FailedTask:
    """A failed task instance."""

    task_id: str
    map_index: int
    try_number: int
    message: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class RunFacts:
    """A run as it stands."""

    key: int
    dag_id: str
    run_id: str
    run_type: str
    version_id: int
    state: str
    state_reason: str | None
    message: str | None
    logical_date: datetime | None
    start_date: datetime | None
    end_date: datetime | None
    outputs: Mapping[str, Any] | None
    failed_total: int
    """Task instances in state failed or upstream_failed."""
    failed: tuple[FailedTask, ...]
    """Up to `FAILED_TASKS_MAX` instances in state failed, in the order of their ends."""


def run_facts(database: Database, keys: Iterable[int]) -> Mapping[int, RunFacts]:
    """Key -> run, without runs that are deleted. A statement for all runs, and one for each run with failed tasks."""
    with database.read() as connection:
        facts = {}
        for row in connection.execute(_RUNS, {"keys": sorted(set(keys))}):
            failed = connection.execute(_FAILED, {"key": row.key}).all() if row.failed_total else ()
            facts[row.key] = RunFacts(**row._asdict(), failed=tuple(FailedTask(**task._asdict()) for task in failed))
    return facts


def versions_of_runs(database: Database, keys: Iterable[int]) -> Mapping[int, int]:
    """Key of a run -> key of its version, without runs that are deleted."""
    with database.read() as connection:
        return {row.id: row.dag_version_id for row in connection.execute(_VERSIONS, {"keys": sorted(keys)})}


def document_of(database: Database, version_id: int) -> Mapping[str, Any]:
    """The document of a version; empty = the version is deleted."""
    with database.read() as connection:
        document: Mapping[str, Any] | None = connection.scalar(_DOCUMENT, {"key": version_id})
    return document or {}


def ciphertexts_of(database: Database, names: Iterable[str]) -> Mapping[str, bytes]:
    """Name -> ciphertext of the secrets that exist."""
    with database.read() as connection:
        return {row.name: row.ciphertext for row in connection.execute(_SECRETS, {"names": sorted(names)})}


_run = dag_run.c
_RUNS = select(
    _run.id.label("key"),
    _run.dag_id,
    _run.run_id,
    _run.run_type,
    _run.dag_version_id.label("version_id"),
    _run.state,
    _run.state_reason,
    _run.message,
    _run.logical_date,
    _run.start_date,
    _run.end_date,
    _run.outputs,
    _run.tasks_failed.label("failed_total"),
).where(_run.id.in_(bindparam("keys", expanding=True)))
_VERSIONS = select(_run.id, _run.dag_version_id).where(_run.id.in_(bindparam("keys", expanding=True)))
_FAILED = (
    select(task_instance.c.task_id, task_instance.c.map_index, task_instance.c.try_number, task_try.c.message)
    .outerjoin(task_try, task_try.c.attempt_id == task_instance.c.attempt_id)
    .where(task_instance.c.dag_run_id == bindparam("key"), task_instance.c.state == TaskState.FAILED.value)
    .order_by(func.coalesce(task_instance.c.end_date, task_instance.c.updated_at), task_instance.c.id)
    .limit(FAILED_TASKS_MAX)
)
_DOCUMENT = select(dag_version.c.document).where(dag_version.c.id == bindparam("key"))
_SECRETS = select(secret.c.name, secret.c.ciphertext).where(secret.c.name.in_(bindparam("names", expanding=True)))
