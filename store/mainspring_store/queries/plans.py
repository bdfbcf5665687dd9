"""What a change of definitions meets: other DAGs, secrets, pools, runs and clients. The queries read only."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, Text, bindparam, func, select, type_coerce

from mainspring.states import RUN_FINISHED, RunType
from mainspring_store.database.transactions import Database
from mainspring_store.database.types import UtcDateTime
from mainspring_store.tables import dag, dag_run, dag_version, pool, secret

__all__ = [
    "RunInFlight",
    "SentConf",
    "calling_dags",
    "current_versions",
    "existing_dags",
    "existing_secrets",
    "pool_sizes",
    "runs_in_flight",
    "sent_confs",
]

CALLERS_MAX = 1_000
CONFS_MAX = 500
"""Latest runs of a DAG whose `conf` is held against a new schema."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunInFlight:
    """A run that has not ended."""

    run_id: str
    version_number: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SentConf:
    """What a client sent with a trigger."""

    caller: str | None
    conf: Mapping[str, Any]
    at: datetime


def existing_secrets(database: Database, names: Iterable[str]) -> frozenset[str]:
    """The names with a secret."""
    return _existing(database, select(secret.c.name).where(secret.c.name.in_(_NAMES)), names)


def existing_dags(database: Database, dag_ids: Iterable[str]) -> frozenset[str]:
    """The ids with a DAG."""
    return _existing(database, select(dag.c.dag_id).where(dag.c.dag_id.in_(_NAMES)), dag_ids)


def pool_sizes(database: Database, names: Iterable[str]) -> Mapping[str, int]:
    """Name -> slots of the existing pools; -1 = unlimited."""
    with database.read() as connection:
        statement = select(pool.c.name, pool.c.slots).where(pool.c.name.in_(_NAMES))
        return {row.name: row.slots for row in connection.execute(statement, {"names": sorted(names)})}


def current_versions(database: Database, dag_ids: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
    """DAG id -> `id`, `version_number`, `content_hash`, `document` and `source` of the current version; and
    `bundle_name`, `is_stale` and `is_paused` of the DAG."""
    with database.read() as connection:
        rows = connection.execute(_CURRENT, {"names": list(dag_ids)})
        return {row.dag_id: row._asdict() for row in rows}


def runs_in_flight(database: Database, dag_id: str, *, limit: int) -> tuple[list[RunInFlight], int]:
    """The oldest unfinished runs of a DAG, and the number of all."""
    with database.read() as connection:
        rows = connection.execute(_IN_FLIGHT.limit(limit), {"dag_id": dag_id}).all()
        total = connection.scalar(_COUNT_IN_FLIGHT, {"dag_id": dag_id}) or 0
    return [RunInFlight(run_id=row.run_id, version_number=row.version_number) for row in rows], total


def sent_confs(database: Database, dag_id: str, *, since: datetime) -> list[SentConf]:
    """The `conf` of the latest triggered runs of a DAG, newest first, at most `CONFS_MAX`."""
    with database.read() as connection:
        rows = connection.execute(_CONFS, {"dag_id": dag_id, "since": since}).all()
    return [SentConf(caller=row.triggering_user_name, conf=row.conf or {}, at=row.run_after) for row in rows]


def calling_dags(database: Database, dag_id: str) -> Mapping[str, Mapping[str, Any]]:
    """DAG id -> document of the DAGs whose text names `dag_id` as a DAG to run, at most `CALLERS_MAX`.

    The result may hold DAGs that do not run it, because the text may be part of a command.
    """
    text = type_coerce(dag_version.c.document, Text)
    statement = (
        select(dag.c.dag_id, dag_version.c.document)
        .join(dag_version, dag_version.c.id == dag.c.version_id)
        .where(text.contains(f'"dag_id":"{dag_id}"', autoescape=True), dag.c.dag_id != dag_id)
        .order_by(dag.c.dag_id)
        .limit(CALLERS_MAX)
    )
    with database.read() as connection:
        return {row.dag_id: row.document for row in connection.execute(statement)}


def _existing(database: Database, statement: Select[str], names: Iterable[str]) -> frozenset[str]:
    chosen = sorted(names)
    if not chosen:
        return frozenset()
    with database.read() as connection:
        return frozenset(connection.scalars(statement, {"names": chosen}))


_NAMES: Any = bindparam("names", expanding=True)
_CURRENT = (
    select(
        dag.c.dag_id,
        dag_version.c.id,
        dag_version.c.version_number,
        dag_version.c.content_hash,
        dag_version.c.document,
        dag_version.c.source,
        dag.c.bundle_name,
        dag.c.is_stale,
        dag.c.is_paused,
    )
    .join(dag_version, dag_version.c.id == dag.c.version_id)
    .where(dag.c.dag_id.in_(_NAMES))
)
_OF_DAG_IN_FLIGHT = (dag_run.c.dag_id == bindparam("dag_id"), dag_run.c.state.not_in(RUN_FINISHED))
_IN_FLIGHT = (
    select(dag_run.c.run_id, dag_version.c.version_number)
    .join(dag_version, dag_version.c.id == dag_run.c.dag_version_id)
    .where(*_OF_DAG_IN_FLIGHT)
    .order_by(dag_run.c.id)
)
_COUNT_IN_FLIGHT = select(func.count()).select_from(dag_run).where(*_OF_DAG_IN_FLIGHT)
_CONFS = (
    select(dag_run.c.triggering_user_name, dag_run.c.conf, dag_run.c.run_after)
    .where(
        dag_run.c.dag_id == bindparam("dag_id"),
        dag_run.c.run_type == RunType.MANUAL,
        dag_run.c.run_after >= bindparam("since", type_=UtcDateTime),
    )
    .order_by(dag_run.c.id.desc())
    .limit(CONFS_MAX)
)
