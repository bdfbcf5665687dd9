"""A schedule in parts, for clients that word it in their language."""

from typing import Any

from marshmallow import fields

from mainspring.definition.model import MatchRule, Schedule, ScheduleAlias
from mainspring.definition.schedules import CRON_ALIASES
from mainspring_api.http.fields import Answer, Choice

__all__ = ["ScheduleParts", "schedule_parts"]


class ScheduleParts(Answer):
    """When runs are due: one of `crons`, `interval_seconds`, `instants`, `upstream` and `alias`."""

    crons = fields.List(
        fields.String(),
        metadata={
            "description": "Cron lines of five or six fields, the seconds last; names such as `@daily` are spelled out"
        },
    )
    interval_seconds = fields.Float(
        allow_none=True, metadata={"description": "Seconds from one run to the next; null = not by elapsed time"}
    )
    instants = fields.Integer(metadata={"description": "Number of listed instants"})
    upstream = fields.List(
        fields.String(), metadata={"description": "DAGs whose ends make runs, each once, in the order written"}
    )
    match = Choice(MatchRule, metadata={"description": "Whether all DAGs of `upstream` must end, or any"})
    alias = Choice(
        ScheduleAlias,
        allow_none=True,
        metadata={"description": "Name of a schedule that is no cron line; null = another schedule"},
    )
    timezone = fields.String(metadata={"description": "IANA zone of the cron lines"})
    excluded_dates = fields.Integer(metadata={"description": "Number of listed days without a run"})
    excluded_calendars = fields.List(
        fields.String(), metadata={"description": "Calendars of holidays, which have no run"}
    )


def schedule_parts(schedule: Schedule | None) -> dict[str, Any] | None:
    """The members of `ScheduleParts`; None = no schedule."""
    if schedule is None:
        return None
    return {
        "crons": [CRON_ALIASES.get(line, line) for line in schedule.crons],
        "interval_seconds": None if schedule.interval is None else schedule.interval.total_seconds(),
        "instants": len(set(schedule.at)),
        "upstream": list(dict.fromkeys(item.dag_id for item in schedule.upstream)),
        "match": schedule.match,
        "alias": schedule.alias,
        "timezone": schedule.timezone,
        "excluded_dates": len(set(schedule.excluded_dates)),
        "excluded_calendars": list(schedule.excluded_calendars),
    }
