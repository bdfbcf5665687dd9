"""Backfills: the runs of a past range, made a few at a time, in Airflow's words."""

from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from flask import Response, g, request
from marshmallow import fields, validate

from mainspring.definition import Definition
from mainspring.errors import InvalidInput, Problem
from mainspring.states import RunState
from mainspring.timetables import Slot, Timetable, slots_between, timetable_of
from mainspring_api.answers import answer
from mainspring_api.context import context
from mainspring_api.dag_runs import DagRunCollection, RunList, params_of, runs_body
from mainspring_api.fields import Answer, Body, Choice, Instant, JsonObject, list_arguments, list_query
from mainspring_api.operations import Resource
from mainspring_store.backfills import (
    NewBackfill,
    ReprocessBehavior,
    cancel_backfill,
    create_backfill,
    pause_backfill,
    run_dates,
)
from mainspring_store.questions import backfills as questions
from mainspring_store.runs import VersionRef
from mainspring_store.tokens import Role

__all__ = ["blueprint"]

blueprint = Resource("backfills", "Backfills: the runs of a past range")

SLOTS_MAX = 20_000
"""Of one backfill; what is more must be asked for in parts."""
ACTIVE_RUNS_MAX = 1_000
ID_MAX = 2**31 - 1
_ID = f"<int(max={ID_MAX}):backfill_id>"


class BackfillProgress(Answer):
    """How far a backfill has come."""

    slots_total = fields.Integer(metadata={"description": "Slots in the range"})
    slots_done = fields.Integer(metadata={"description": "Of these, how many were looked at"})
    slots_skipped = fields.Integer(metadata={"description": "Of these, how many had a run that was left as it is"})
    runs_queued = fields.Integer()
    runs_running = fields.Integer()
    runs_success = fields.Integer()
    runs_failed = fields.Integer()


class Backfill(Answer):
    """One backfill."""

    id = fields.Integer()
    dag_id = fields.String()
    dag_display_name = fields.String()
    from_date = Instant(metadata={"description": "Earliest logical date"})
    to_date = Instant(metadata={"description": "Latest logical date"})
    dag_run_conf = JsonObject(allow_none=True)
    is_paused = fields.Boolean()
    reprocess_behavior = Choice(ReprocessBehavior)
    max_active_runs = fields.Integer()
    run_backwards = fields.Boolean()
    run_on_latest_version = fields.Boolean()
    created_at = Instant()
    completed_at = Instant(allow_none=True)
    updated_at = Instant()
    message = fields.String(allow_none=True, metadata={"description": "Why it paused by itself"})
    progress = fields.Nested(BackfillProgress)


class BackfillCollection(Answer):
    """A page of backfills."""

    backfills = fields.List(fields.Nested(Backfill))
    total_entries = fields.Integer()


class DryRunBackfill(Answer):
    """A run that a backfill would make."""

    logical_date = Instant(allow_none=True)
    partition_key = fields.String(allow_none=True)
    partition_date = Instant(allow_none=True)


class DryRunBackfillCollection(Answer):
    """All the runs that a backfill would make, in order."""

    backfills = fields.List(fields.Nested(DryRunBackfill))
    total_entries = fields.Integer()


class BackfillBody(Body):
    """What to fill. A slot belongs to it when its logical date is in the range and its interval has ended."""

    dag_id = fields.String(required=True)
    from_date = Instant(required=True)
    to_date = Instant(required=True)
    run_backwards = fields.Boolean(load_default=False, truthy={True}, falsy={False})
    dag_run_conf = JsonObject(load_default=None, allow_none=True)
    reprocess_behavior = Choice(
        ReprocessBehavior,
        load_default=ReprocessBehavior.NONE.value,
        metadata={"description": "Which slots run again that have a run already"},
    )
    max_active_runs = fields.Integer(
        load_default=10,
        strict=True,
        validate=validate.Range(min=1, max=ACTIVE_RUNS_MAX),
        metadata={"description": "Unfinished runs at one time, apart from the DAG's own limit"},
    )
    run_on_latest_version = fields.Boolean(
        load_default=None,
        allow_none=True,
        truthy={True},
        falsy={False},
        metadata={"description": "New runs are made from what is current then; else from what is current now"},
    )


BackfillList = list_arguments("BackfillList", questions.BACKFILLS, dag_id=fields.String(required=True))


@blueprint.operation(
    "POST",
    "/backfills",
    "create_backfill",
    role=Role.OPERATOR,
    answer=Backfill,
    body=BackfillBody,
    errors=(404, 409),
)
def post_backfill(body: Mapping[str, Any]) -> Response:
    """Start a backfill. A DAG has one at a time."""
    here = context()
    now = datetime.now(UTC)
    version, slots = _slots(body, now)
    new = NewBackfill(
        dag_id=body["dag_id"],
        version_id=version.id,
        from_date=body["from_date"],
        to_date=body["to_date"],
        slots_total=len(slots),
        run_backwards=body["run_backwards"],
        conf=body["dag_run_conf"],
        reprocess_behavior=ReprocessBehavior(body["reprocess_behavior"]),
        max_active_runs=body["max_active_runs"],
        run_on_latest_version=bool(body["run_on_latest_version"]),
        user=g.user.name,
    )
    key = create_backfill(here.database, new, now=now)
    here.ringer.ring()
    return _answer(key)


@blueprint.operation(
    "POST",
    "/backfills/dry_run",
    "create_backfill_dry_run",
    role=Role.VIEWER,
    answer=DryRunBackfillCollection,
    body=BackfillBody,
    errors=(404,),
)
def post_backfill_dry_run(body: Mapping[str, Any]) -> Response:
    """Which runs a backfill would make or run again now. Slots whose runs it would leave alone are left out."""
    _, slots = _slots(body, datetime.now(UTC))
    behavior = ReprocessBehavior(body["reprocess_behavior"])
    left_alone = run_dates(context().database, body["dag_id"], body["from_date"], body["to_date"], behavior)
    dates = [slot.logical_date for slot in slots if slot.logical_date not in left_alone]
    rows = [{"logical_date": date, "partition_key": None, "partition_date": None} for date in dates]
    return answer({"backfills": rows, "total_entries": len(rows)})


@blueprint.operation(
    "GET",
    "/backfills",
    "list_backfills",
    role=Role.VIEWER,
    answer=BackfillCollection,
    query=BackfillList,
    errors=(400, 404),
)
def get_backfills(query: Mapping[str, Any]) -> Response:
    """List the backfills of a DAG."""
    listed = questions.list_backfills(context().database, list_query(query), dag_id=query["dag_id"])
    return answer({"backfills": [_backfill(row) for row in listed.rows], "total_entries": listed.total})


@blueprint.operation("GET", f"/backfills/{_ID}", "get_backfill", role=Role.VIEWER, answer=Backfill, errors=(404,))
def get_backfill(backfill_id: int) -> Response:
    """One backfill and how far it has come."""
    return _answer(backfill_id)


@blueprint.operation(
    "GET",
    f"/backfills/{_ID}/dagRuns",
    "get_backfill_dag_runs",
    role=Role.VIEWER,
    answer=DagRunCollection,
    query=RunList,
    errors=(400, 404),
)
def get_backfill_runs(query: Mapping[str, Any], backfill_id: int) -> Response:
    """List the runs that a backfill made or had run again."""
    cursor = request.args.get("cursor")
    listed = questions.list_backfill_runs(context().database, list_query(query, cursor=cursor), key=backfill_id)
    return answer(runs_body(listed, cursor))


def pause(backfill_id: int) -> Response:
    """Pause a backfill: nothing of it is made or started; what runs goes on."""
    return _set_paused(backfill_id, True)


def unpause(backfill_id: int) -> Response:
    """Let a paused backfill go on."""
    return _set_paused(backfill_id, False)


def cancel(backfill_id: int) -> Response:
    """End a backfill: its queued runs become failed, those that run go on to their end."""
    here = context()
    cancel_backfill(here.database, _possible(backfill_id), by=g.user.name, now=datetime.now(UTC))
    here.ringer.ring()
    return _answer(backfill_id)


for _name, _view in (("pause", pause), ("unpause", unpause), ("cancel", cancel)):
    # Airflow's command line sends POST where its API says PUT.
    for _method, _operation_id in (("PUT", f"{_name}_backfill"), ("POST", f"{_name}_backfill_by_post")):
        blueprint.operation(
            _method,
            # Two methods of one path: werkzeug answers 405 where the bound of a converter fails, so the view checks it.
            f"/backfills/<int:backfill_id>/{_name}",
            _operation_id,
            role=Role.OPERATOR,
            answer=Backfill,
            errors=(404, 409),
        )(_view)


def _set_paused(backfill_id: int, is_paused: bool) -> Response:
    here = context()
    pause_backfill(here.database, _possible(backfill_id), is_paused, now=datetime.now(UTC))
    here.ringer.ring()
    return _answer(backfill_id)


def _possible(key: int) -> int:
    """Raises NotFound when there can be no such id."""
    if key > ID_MAX:
        raise questions.backfill_not_found(key)
    return key


def _slots(body: Mapping[str, Any], now: datetime) -> tuple[VersionRef, list[Slot]]:
    """The DAG's version and the slots that are meant, in the order of their runs.

    Raises:
        InvalidInput: There is no such backfill; with every reason that is known before the slots are looked for.
    """
    version = context().versions.current(body["dag_id"])
    definition = version.definition
    timetable = timetable_of(definition.schedule) if definition.schedule else None
    problems = _problems(body, definition, timetable, now)
    if timetable is None or problems:
        raise InvalidInput(problems)
    params_of(definition, body["dag_run_conf"] or {}, member="dag_run_conf")
    first, last = body["from_date"], body["to_date"]
    found = slots_between(timetable, first, last, due_by=now, is_backwards=body["run_backwards"])
    slots = list(islice(found, SLOTS_MAX + 1))
    if not slots:
        raise InvalidInput([_problem("from_date", "no interval of the schedule begins in this range and has ended")])
    if len(slots) > SLOTS_MAX:
        raise InvalidInput([_problem("to_date", f"the range holds more than {SLOTS_MAX} intervals; fill it in parts")])
    return version, slots


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
    elif body["from_date"] > now:
        problems.append(_problem("from_date", "the range lies in the future; only what is past can be filled"))
    if any(task.depends_on_past for task in definition.tasks.values()):
        why = "tasks of the DAG depend on their past"
        if body["run_backwards"]:
            problems.append(_problem("run_backwards", f"{why}, so it can only be run forwards"))
        if behavior is ReprocessBehavior.NONE:
            problems.append(_problem("reprocess_behavior", f"{why}; use failed or completed"))
    if body["run_on_latest_version"] and behavior is not ReprocessBehavior.NONE:
        message = "a run that exists goes on with its version; leave it out, or use reprocess_behavior none"
        problems.append(_problem("run_on_latest_version", message, "not_supported_yet"))
    return problems


def _problem(member: str, message: str, code: str = "invalid_value") -> Problem:
    return Problem(pointer=f"/{member}", message=message, code=code)


def _answer(key: int) -> Response:
    return answer(_backfill(questions.get_backfill(context().database, key)))


def _backfill(row: Mapping[str, Any]) -> dict[str, Any]:
    copied = ("id", "dag_id", "from_date", "to_date", "dag_run_conf", "is_paused", "reprocess_behavior",
              "max_active_runs", "run_backwards", "run_on_latest_version", "created_at", "completed_at", "updated_at",
              "message")  # fmt: skip
    return {
        **{name: row[name] for name in copied},
        "dag_display_name": row["display_name"],
        "progress": {
            "slots_total": row["slots_total"],
            "slots_done": row["slots_done"],
            "slots_skipped": row["slots_skipped"],
            **{f"runs_{state}": row["runs"].get(state, 0) for state in RunState},
        },
    }
