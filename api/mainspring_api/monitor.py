"""Whether the parts of the service are alive."""

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Response
from marshmallow import fields

from mainspring.errors import StoreUnavailable
from mainspring_api.answers import answer
from mainspring_api.context import context
from mainspring_api.fields import Answer, Instant
from mainspring_api.operations import Resource
from mainspring_store.questions.services import latest_heartbeat

__all__ = ["blueprint"]

blueprint = Resource("monitor", "Whether the service is alive")

HEARTBEAT_AGE_MAX = timedelta(seconds=30)


class DatabaseHealth(Answer):
    """The database."""

    status = fields.String(allow_none=True)


class SchedulerHealth(Answer):
    """The scheduler; the latest one that gave a sign of life."""

    status = fields.String(allow_none=True)
    latest_scheduler_heartbeat = Instant(allow_none=True)


class TriggererHealth(Answer):
    """A part of Airflow that has no counterpart here."""

    status = fields.String(allow_none=True)
    latest_triggerer_heartbeat = Instant(allow_none=True)


class Health(Answer):
    """The parts, each `healthy`, `unhealthy` or null."""

    metadatabase = fields.Nested(DatabaseHealth)
    scheduler = fields.Nested(SchedulerHealth)
    triggerer = fields.Nested(TriggererHealth)


@blueprint.operation("GET", "/monitor/health", "get_health", role=None, answer=Health)
def get_health() -> Response:
    """How the parts are. Always 200: read the `status` of each."""
    database, scheduler, heartbeat = "healthy", "unhealthy", None
    try:
        heartbeat = latest_heartbeat(context().database, "scheduler")
    except StoreUnavailable:
        database = "unhealthy"
    if heartbeat is not None and datetime.now(UTC) - heartbeat <= HEARTBEAT_AGE_MAX:
        scheduler = "healthy"
    content: dict[str, Any] = {
        "metadatabase": {"status": database},
        "scheduler": {"status": scheduler, "latest_scheduler_heartbeat": heartbeat},
        "triggerer": {"status": None, "latest_triggerer_heartbeat": None},
    }
    return answer(content)
