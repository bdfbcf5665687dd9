"""Whether the parts of the service are alive, and whether this one can work."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from flask import Response
from marshmallow import fields

from mainspring.errors import StoreUnavailable
from mainspring_api.http import event_feed
from mainspring_api.http.answers import answer
from mainspring_api.http.context import context
from mainspring_api.http.fields import Answer, Instant
from mainspring_api.http.middleware import is_sent_by_admin
from mainspring_api.http.operations import Resource
from mainspring_api.http.problems import NotReady
from mainspring_store.access.installation import holds_schedules
from mainspring_store.database.postgres_sessions import session_facts
from mainspring_store.queries.services import (
    SILENT_AFTER,
    LogStoreSeen,
    Presence,
    log_store_seen,
    presence,
    refused_starts,
    refusing_workers,
    retention_policy,
)
from mainspring_store.resources.heartbeats import CLOCK_OFFSET_MAX
from mainspring_store.schema.database_roles import RoleRights, role_rights
from mainspring_store.schema.migrate import current_revision, head_revision

__all__ = ["HEARTBEAT_AGE_MAX", "Health", "blueprint", "health", "ready_blueprint"]

blueprint = Resource("monitor", "Health: whether the service is alive")
ready_blueprint = Resource("ready", "Readiness: whether this process can work", url_prefix=None)

HEARTBEAT_AGE_MAX = SILENT_AFTER


class DatabaseHealth(Answer):
    """The database."""

    status = fields.String(allow_none=True, metadata={"description": "`healthy` or `unhealthy`"})


class SchedulerHealth(Answer):
    """The schedulers; one that lives is enough."""

    status = fields.String(allow_none=True, metadata={"description": "`healthy` or `unhealthy`"})
    latest_scheduler_heartbeat = Instant(
        allow_none=True, metadata={"description": "Latest heartbeat of a scheduler; null = none yet"}
    )
    alive = fields.Integer(metadata={"description": "Number of schedulers that are alive"})
    clock_offset_seconds = fields.Float(
        allow_none=True,
        metadata={
            "description": "How far the clock that is furthest off is from the database's; null = nobody has looked. "
            "A scheduler whose clock is off by 30 or more creates no runs, and is unhealthy"
        },
    )
    refused_starts = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        metadata={
            "description": "Executors whose machine has no room for another task at present (disk, processes, "
            "descriptors, memory), each with the cause. Tasks wait there, and pay no try"
        },
    )
    retention = fields.String(
        allow_none=True,
        metadata={"description": "Policy by which a living scheduler deletes history; null = no scheduler is alive"},
    )
    schedules_held = fields.Boolean(
        metadata={
            "description": "Whether schedules and backfills make no runs, because the instance was restored from a "
            "backup; `mainspring restore --resume` ends that"
        },
    )


class ExecutionApiHealth(Answer):
    """The processes of the execution API; no status where there never was one."""

    status = fields.String(
        allow_none=True, metadata={"description": "`healthy` or `unhealthy`; null = no process was ever started"}
    )
    latest_execution_api_heartbeat = Instant(
        allow_none=True, metadata={"description": "Latest heartbeat of an execution API; null = none yet"}
    )
    alive = fields.Integer(metadata={"description": "Number of execution APIs that are alive"})


class WorkerHealth(Answer):
    """The remote workers; no status where there never was one."""

    status = fields.String(
        allow_none=True, metadata={"description": "`healthy` or `unhealthy`; null = no worker was ever started"}
    )
    latest_worker_heartbeat = Instant(
        allow_none=True, metadata={"description": "Latest heartbeat of a worker; null = none yet"}
    )
    alive = fields.Integer(metadata={"description": "Number of workers that are alive"})
    refused_starts = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        metadata={
            "description": "Why machines of workers have no room for another task at present, each cause with the "
            "number of workers. Tasks wait there or go to another worker, and pay no try"
        },
    )


class EventFeedHealth(Answer):
    """The event feed of the process that answers."""

    status = fields.String(metadata={"description": "`unhealthy` when events are more than 5 seconds late"})
    lag_seconds = fields.Float(metadata={"description": "For how long a foreign transaction has kept events back"})


class LogStoreHealth(Answer):
    """The store of old logs outside the database."""

    status = fields.String(
        allow_none=True,
        metadata={
            "description": "`unhealthy` when a scheduler could not use it lately: old logs cannot be read, and newer "
            "ones stay in the database; null = logs stay in the database, or no scheduler has used the store yet, or "
            "the instance is held after a restore"
        },
    )
    cause = fields.String(
        allow_none=True,
        metadata={
            "description": "Why it is unhealthy: `unavailable` (away, full or read-only), `foreign` (it belongs to "
            "another instance, and is not used) or `stuck` (a scheduler has waited for it for two minutes); "
            "null = it is not unhealthy"
        },
    )
    logs_failing = fields.Integer(
        metadata={
            "description": "Number of ended tries whose logs a scheduler could not compress or move, and tries again "
            "within an hour; they can be read"
        }
    )


class TriggererHealth(Answer):
    """A part of Airflow that has no counterpart here."""

    status = fields.String(allow_none=True, metadata={"description": "Always null: the server has no triggerer"})
    latest_triggerer_heartbeat = Instant(
        allow_none=True, metadata={"description": "Always null: the server has no triggerer"}
    )


class Health(Answer):
    """The parts, each `healthy`, `unhealthy` or null."""

    metadatabase = fields.Nested(DatabaseHealth)
    scheduler = fields.Nested(SchedulerHealth)
    triggerer = fields.Nested(TriggererHealth)
    execution_api = fields.Nested(ExecutionApiHealth)
    worker = fields.Nested(WorkerHealth)
    event_feed = fields.Nested(EventFeedHealth)
    log_store = fields.Nested(LogStoreHealth)


class SecurityFacts(Answer):
    """The protection of this process, a sentence for each fact."""

    address = fields.String(
        metadata={"description": "Address that the server listens on, and who can reach the address"}
    )
    authentication = fields.String(metadata={"description": "Tokens and logins that the server accepts"})
    transport = fields.String(metadata={"description": "Encryption of the connections of clients"})
    database = fields.String(
        metadata={"description": "Place of the database, the server's role there, and the encryption on the way"}
    )
    database_role = fields.String(
        allow_none=True,
        metadata={"description": "Rights of the server's role in the database; null = the database has no roles"},
    )
    database_sessions = fields.String(
        allow_none=True,
        metadata={
            "description": "Limits of each database session, and defaults that a session did not take; null on SQLite"
        },
    )
    redis = fields.String(
        metadata={"description": "Protection of Redis, as far as this process knows the settings of the schedulers"}
    )
    executors = fields.String(metadata={"description": "Executors, and the isolation of the code of users"})


class Readiness(Answer):
    """That this process can work."""

    status = fields.String(metadata={"description": "Always `ready`: another state is answered with 503"})
    security = fields.Nested(
        SecurityFacts,
        allow_none=True,
        metadata={"description": "Facts about the protection of the server; null = the client is not an administrator"},
    )


@blueprint.operation("GET", "/monitor/health", "get_health", role=None, answer=Health)
def get_health() -> Response:
    """How the parts are, each by the latest heartbeat of its processes. Always 200: read the `status` of each."""
    return answer(health())


def health() -> dict[str, Any]:
    """The members of `Health`."""
    database, presences, refused, refusing = "healthy", dict[str, Presence](), dict[str, str](), dict[str, int]()
    retention, log_store, is_held = None, LogStoreSeen(status=None, cause=None, logs_failing=0), False
    since = datetime.now(UTC) - HEARTBEAT_AGE_MAX
    try:
        presences = dict(presence(context().database, since=since))
        refused = dict(refused_starts(context().database, since=since))
        refusing = dict(refusing_workers(context().database, since=since))
        retention = retention_policy(context().database, since=since)
        log_store = log_store_seen(context().database, since=since)
        is_held = holds_schedules(context().database)
    except StoreUnavailable:
        database = "unhealthy"
    offset = presences["scheduler"].clock_offset if "scheduler" in presences else None
    scheduler = _health(presences.get("scheduler"), "latest_scheduler_heartbeat")
    if offset is not None and offset >= CLOCK_OFFSET_MAX:
        scheduler["status"] = "unhealthy"
    lag = context().feed.lag_seconds
    return {
        "event_feed": {"status": "unhealthy" if lag > event_feed.LAG_SECONDS_MAX else "healthy", "lag_seconds": lag},
        "log_store": asdict(log_store),
        "metadatabase": {"status": database},
        "scheduler": {
            **scheduler,
            "status": scheduler["status"] or "unhealthy",
            "clock_offset_seconds": None if offset is None else offset.total_seconds(),
            "refused_starts": refused,
            "retention": retention,
            "schedules_held": is_held,
        },
        "triggerer": {"status": None, "latest_triggerer_heartbeat": None},
        "execution_api": _health(presences.get("execution"), "latest_execution_api_heartbeat"),
        "worker": {**_health(presences.get("worker"), "latest_worker_heartbeat"), "refused_starts": refusing},
    }


@ready_blueprint.operation("GET", "/ready", "get_ready", role=None, answer=Readiness)
def get_ready() -> Response:
    """Whether this process can work: the database answers and has the tables of this version; 503 says what is missing.

    A process stays ready when a later version upgrades the tables under it, until it is stopped.

    An administrator also sees the protection of the service.
    """
    try:
        revision = current_revision(context().database)
    except StoreUnavailable as exc:
        raise NotReady("the database cannot be used now") from exc
    if revision is None or revision < head_revision():
        raise NotReady(f"the tables are of revision {revision}, this version needs {head_revision()}")
    return answer({"status": "ready", "security": _security()})


def _security() -> Mapping[str, Any] | None:
    facts = context().settings.security_facts
    if facts is None or not is_sent_by_admin():
        return None
    rights, sessions = role_rights(context().database), session_facts(context().database)
    return {
        **facts,
        "database_role": None if rights is None else _told(rights),
        "database_sessions": None if sessions is None else str(sessions),
    }


def _told(rights: RoleRights) -> str:
    could = "may change tables, which it need not: docs/running.md" if rights.may_change_tables else "only uses tables"
    return f"'{rights.name}' {could}"


def _health(service: Presence | None, heartbeat: str) -> dict[str, Any]:
    if service is None:
        return {"status": None, heartbeat: None, "alive": 0}
    return {
        "status": "healthy" if service.alive else "unhealthy",
        heartbeat: service.latest_heartbeat,
        "alive": service.alive,
    }
