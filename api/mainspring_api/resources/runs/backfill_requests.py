"""What a backfill is asked to fill: the body of the request, and the slots that it means."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from marshmallow import fields, validate

from mainspring.definition import Definition
from mainspring.errors import InvalidParams, Problem
from mainspring.instants import SCHEDULES_BEGIN
from mainspring.timetables import Slot, Timetable, slots_between, timetable_of
from mainspring_api.http.context import context
from mainspring_api.http.fields import Body, Choice, Flag, Instant, JsonObject
from mainspring_api.http.problems import Refused
from mainspring_api.resources.runs.triggers import params_of
from mainspring_store.resources.backfills import ReprocessBehavior
from mainspring_store.state.runs import VersionRef

__all__ = ["BackfillBody", "require_slots", "slots_of"]

SLOTS_MAX = 20_000
"""Of one backfill; what is more must be asked for in parts."""
ACTIVE_RUNS_MAX = 1_000


class BackfillBody(Body):
    """What to fill. A slot belongs to it when its logical date is in the range and its interval has ended."""

    dag_id = fields.String(required=True)
    from_date = Instant(required=True, metadata={"description": "Earliest logical date"})
    to_date = Instant(required=True, metadata={"description": "Latest logical date"})
    run_backwards = Flag(load_default=False)
    dag_run_conf = JsonObject(load_default=None, allow_none=True)
    reprocess_behavior = Choice(
        ReprocessBehavior,
        load_default=ReprocessBehavior.NONE.value,
        metadata={"description": "Slots with a run that run again"},
    )
    max_active_runs = fields.Integer(
        load_default=10,
        strict=True,
        validate=validate.Range(min=1, max=ACTIVE_RUNS_MAX),
        metadata={"description": "Limit of unfinished runs at a time, apart from the DAG's own limit"},
    )
    max_failed_runs = fields.Integer(
        load_default=None,
        allow_none=True,
        strict=True,
        validate=validate.Range(min=1, max=SLOTS_MAX),
        metadata={
            "description": "Number of failed runs that pauses the backfill, with the cause in `message`; null = never"
        },
    )
    run_on_latest_version = Flag(
        load_default=None,
        allow_none=True,
        metadata={
            "description": "Runs go by the version that is current when it is their turn; otherwise new ones by the "
            "current one of now, and those that exist by their own"
        },
    )


def slots_of(body: Mapping[str, Any], now: datetime) -> tuple[VersionRef, list[Slot]]:
    """The DAG's version and the slots that are meant, in the order of their runs; there may be none.

    Raises:
        Refused: There is no such backfill; with every reason that is known before the slots are looked for.
    """
    version = context().versions.for_new_run(body["dag_id"])
    definition = version.definition
    timetable = timetable_of(definition.schedule) if definition.schedule else None
    problems = _problems(body, definition, timetable, now)
    if timetable is None or problems:
        raise Refused(problems)
    _check_conf(body, definition)
    first, last = body["from_date"], body["to_date"]
    slots_found = slots_between(timetable, first, last, due_by=now, is_backwards=body["run_backwards"])
    slots = list(islice(slots_found, SLOTS_MAX + 1))
    if len(slots) > SLOTS_MAX:
        raise Refused([_problem("to_date", f"the range holds more than {SLOTS_MAX} intervals; fill it in parts")])
    return version, slots


def require_slots(slots: Sequence[Slot]) -> None:
    """Raises Refused for a range without slots."""
    if not slots:
        raise Refused([_problem("from_date", "no interval of the schedule begins in this range and has ended")])


def _check_conf(body: Mapping[str, Any], definition: Definition) -> None:
    try:
        params_of(definition, body["dag_run_conf"] or {}, member="dag_run_conf")
    except InvalidParams as exc:
        raise Refused(exc.problems) from exc


def _problems(
    body: Mapping[str, Any], definition: Definition, timetable: Timetable | None, now: datetime
) -> list[Problem]:
    problems = []
    behavior = ReprocessBehavior(body["reprocess_behavior"])
    if timetable is None or not timetable.is_periodic:
        message = f"dag '{definition.dag_id}' has no schedule with intervals; trigger single runs instead"
        problems.append(_problem("dag_id", message))
    if body["from_date"] > body["to_date"]:
        problems.append(_problem("to_date", "lies before from_date"))
    elif body["from_date"] < SCHEDULES_BEGIN:
        message = (
            f"lies before {SCHEDULES_BEGIN:%Y-%m-%d}, where all schedules begin; no earlier interval can be filled"
        )
        problems.append(_problem("from_date", message))
    elif body["from_date"] > now:
        problems.append(_problem("from_date", "the range lies in the future; only what is past can be filled"))
    if any(task.depends_on_past for task in definition.tasks.values()):
        why = "tasks of the DAG depend on their past"
        if body["run_backwards"]:
            problems.append(_problem("run_backwards", f"{why}, so it can only be run forwards"))
        if behavior is ReprocessBehavior.NONE:
            problems.append(_problem("reprocess_behavior", f"{why}; use failed or completed"))
    return problems


def _problem(member: str, message: str) -> Problem:
    return Problem(pointer=f"/{member}", message=message)
