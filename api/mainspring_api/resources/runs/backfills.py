"""Backfills: the runs of a past range, made a few at a time, in Airflow's words."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Response, g, request
from marshmallow import fields, validate

from mainspring.states import BackfillState, RunState
from mainspring_api.http.answers import answer
from mainspring_api.http.context import context
from mainspring_api.http.fields import Answer, Choice, Instant, JsonObject, Query, list_arguments, list_query
from mainspring_api.http.operations import Resource
from mainspring_api.http.owners import current_owner
from mainspring_api.http.paging import list_answer
from mainspring_api.http.permissions import Over, require_role_on
from mainspring_api.resources.runs.backfill_requests import BackfillBody, require_slots, slots_of
from mainspring_api.resources.runs.dag_runs import DagRunCollection, RunList, runs_body
from mainspring_api.resources.runs.slot_plans import slot_plan
from mainspring_store.access.roles import Role
from mainspring_store.queries import backfills as questions
from mainspring_store.resources.backfills import (
    NewBackfill,
    ReprocessBehavior,
    cancel_backfill,
    create_backfill,
    pause_backfill,
    run_dates,
)

__all__ = ["blueprint"]

blueprint = Resource("backfills", "Backfills: the runs of a past range")

ESTIMATE_MAX = timedelta(days=36_500)
"""Longer durations are shown as a century."""
ID_MAX = 2**31 - 1
_ID = f"<int(max={ID_MAX}):backfill_id>"


class BackfillProgress(Answer):
    """How far a backfill has come."""

    slots_total = fields.Integer(metadata={"description": "Slots in the range"})
    slots_done = fields.Integer(metadata={"description": "Slots that the scheduler has handled"})
    slots_skipped = fields.Integer(metadata={"description": "Slots whose existing run was left unchanged"})
    runs_queued = fields.Integer(metadata={"description": "Runs of the backfill that are queued"})
    runs_running = fields.Integer(metadata={"description": "Runs of the backfill that are running"})
    runs_success = fields.Integer(metadata={"description": "Runs of the backfill that have succeeded"})
    runs_failed = fields.Integer(metadata={"description": "Runs of the backfill that have failed"})
    estimated_completion_at = Instant(
        allow_none=True,
        metadata={"description": "Estimate from the pace of the latest runs; null = no estimate"},
    )


class Backfill(Answer):
    """One backfill."""

    id = fields.Integer(metadata={"description": "Identifier of the backfill"})
    dag_id = fields.String()
    dag_display_name = fields.String()
    from_date = Instant(metadata={"description": "Earliest logical date"})
    to_date = Instant(metadata={"description": "Latest logical date"})
    dag_run_conf = JsonObject(allow_none=True)
    state = Choice(
        BackfillState,
        metadata={"description": "State of the backfill; `waiting` while the backfill or its DAG is paused"},
    )
    is_paused = fields.Boolean(metadata={"description": "Pause of the backfill"})
    reprocess_behavior = Choice(ReprocessBehavior)
    max_active_runs = fields.Integer(
        metadata={"description": "Limit of unfinished runs at a time, apart from the DAG's own limit"}
    )
    max_failed_runs = fields.Integer(
        allow_none=True, metadata={"description": "Number of failed runs that pauses the backfill; null = never"}
    )
    run_backwards = fields.Boolean()
    run_on_latest_version = fields.Boolean(
        metadata={"description": "Whether each run uses the version that is current when the run starts"}
    )
    created_at = Instant()
    completed_at = Instant(allow_none=True, metadata={"description": "End of the backfill; null = not ended"})
    updated_at = Instant()
    message = fields.String(allow_none=True, metadata={"description": "Cause of a pause in a sentence; null = none"})
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


class BackfillSlot(Answer):
    """A slot of the range of a backfill."""

    logical_date = Instant()
    action = fields.String(
        metadata={
            "description": "`create` = a new run; `rerun` = the run of the slot runs again; `keep` = the run stays as "
            "it is; `excluded` = the schedule leaves the time out"
        }
    )
    dag_run_id = fields.String(allow_none=True, metadata={"description": "Existing run of the slot; null = none"})
    state = Choice(RunState, allow_none=True, metadata={"description": "State of the existing run; null = none"})
    reason = fields.String(
        allow_none=True, metadata={"description": "Why the slot is kept or excluded; null = it runs"}
    )


class BackfillTotals(Answer):
    """Number of slots by action."""

    create = fields.Integer(metadata={"description": "New runs"})
    rerun = fields.Integer(metadata={"description": "Runs that run again"})
    keep = fields.Integer(metadata={"description": "Runs that stay as they are"})
    excluded = fields.Integer(metadata={"description": "Times that the schedule leaves out"})


class DryRunBackfillCollection(Answer):
    """All the runs that a backfill would make, in order."""

    backfills = fields.List(
        fields.Nested(DryRunBackfill), metadata={"description": "Runs that the backfill would make, in order"}
    )
    total_entries = fields.Integer(metadata={"description": "Number of runs"})
    slots = fields.List(
        fields.Nested(BackfillSlot),
        allow_none=True,
        metadata={"description": "All slots of the range, earliest first; null unless `slots` is `all`"},
    )
    totals = fields.Nested(BackfillTotals, allow_none=True, metadata={"description": "Null unless `slots` is `all`"})
    estimated_seconds = fields.Float(
        allow_none=True,
        metadata={"description": "Estimate of the whole backfill; null = no estimate, or `slots` is not `all`"},
    )


class DryRunQuery(Query):
    slots = fields.String(
        load_default="to_run",
        validate=validate.OneOf(["to_run", "all"]),
        metadata={"description": "`all` = answer the slots that the backfill leaves alone too, each with its action"},
    )


BackfillList = list_arguments(
    "BackfillList",
    questions.BACKFILLS,
    dag_id=fields.String(load_default=None, metadata={"description": "Identifier of the DAG; absent = all DAGs"}),
)


@blueprint.operation(
    "POST",
    "/backfills",
    "create_backfill",
    role=Role.OPERATOR,
    over=Over.DAGS,
    answer=Backfill,
    body=BackfillBody,
    errors=(404, 409),
)
def post_backfill(body: Mapping[str, Any]) -> Response:
    """Start a backfill. A DAG has one at a time."""
    require_role_on(body["dag_id"], Role.OPERATOR)
    ctx = context()
    now = datetime.now(UTC)
    version, slots = slots_of(body, now)
    require_slots(slots)
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
        max_failed_runs=body["max_failed_runs"],
        run_on_latest_version=bool(body["run_on_latest_version"]),
        user=g.user.name,
    )
    key = create_backfill(ctx.database, new, owner=current_owner(), now=now)
    ctx.notifier.notify()
    return _answer(key)


@blueprint.operation(
    "POST",
    "/backfills/dry_run",
    "create_backfill_dry_run",
    role=Role.VIEWER,
    over=Over.DAGS,
    answer=DryRunBackfillCollection,
    body=BackfillBody,
    query=DryRunQuery,
    errors=(404,),
)
def post_backfill_dry_run(body: Mapping[str, Any], query: Mapping[str, Any]) -> Response:
    """Which runs a backfill would make or run again now. Slots whose runs it would leave alone are left out."""
    require_role_on(body["dag_id"], Role.VIEWER)
    now = datetime.now(UTC)
    version, slots = slots_of(body, now)
    behavior = ReprocessBehavior(body["reprocess_behavior"])
    left_alone = run_dates(context().database, body["dag_id"], body["from_date"], body["to_date"], behavior)
    dates = [slot.logical_date for slot in slots if slot.logical_date not in left_alone]
    rows = [{"logical_date": date, "partition_key": None, "partition_date": None} for date in dates]
    more: Mapping[str, Any] = {"slots": None, "totals": None, "estimated_seconds": None}
    if query["slots"] == "all":
        more = slot_plan(context(), version.definition, slots, body, now=now)
    return answer({"backfills": rows, "total_entries": len(rows), **more})


@blueprint.operation(
    "GET",
    "/backfills",
    "list_backfills",
    role=Role.VIEWER,
    over=Over.DAGS,
    answer=BackfillCollection,
    query=BackfillList,
    errors=(400, 404),
)
def get_backfills(query: Mapping[str, Any]) -> Response:
    """List the backfills of a DAG, or of all DAGs."""
    if query["dag_id"] is not None:
        require_role_on(query["dag_id"], Role.VIEWER)
    listed = questions.list_backfills(context().database, list_query(query), dag_id=query["dag_id"])
    return list_answer(query, {"backfills": [_backfill(row) for row in listed.rows], "total_entries": listed.total})


@blueprint.operation("GET", f"/backfills/{_ID}", "get_backfill", role=Role.VIEWER, answer=Backfill, errors=(404,))
def get_backfill(backfill_id: int) -> Response:
    """A backfill with its progress."""
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
    return list_answer(query, runs_body(listed, cursor))


def pause(backfill_id: int) -> Response:
    """Pause a backfill: nothing of it is made or started; what runs goes on."""
    return _set_paused(backfill_id, True)


def unpause(backfill_id: int) -> Response:
    """Let a paused backfill go on."""
    return _set_paused(backfill_id, False)


def cancel(backfill_id: int) -> Response:
    """End a backfill: its queued runs become failed, running runs go on to their end."""
    ctx = context()
    cancel_backfill(ctx.database, _possible(backfill_id), by=g.user.name, now=datetime.now(UTC))
    ctx.notifier.notify()
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
    ctx = context()
    pause_backfill(ctx.database, _possible(backfill_id), is_paused, now=datetime.now(UTC))
    ctx.notifier.notify()
    return _answer(backfill_id)


def _possible(key: int) -> int:
    """Raises NotFound for an impossible id."""
    if key > ID_MAX:
        raise questions.backfill_not_found(key)
    return key


def _answer(key: int) -> Response:
    return answer(_backfill(questions.get_backfill(context().database, key)))


def _backfill(row: Mapping[str, Any]) -> dict[str, Any]:
    copied = ("id", "dag_id", "from_date", "to_date", "dag_run_conf", "state", "is_paused", "reprocess_behavior",
              "max_active_runs", "max_failed_runs", "run_backwards", "run_on_latest_version", "created_at",
              "completed_at", "updated_at")  # fmt: skip
    return {
        **{name: row[name] for name in copied},
        "dag_display_name": row["display_name"],
        "message": row["message"] or _why_it_waits(row),
        "progress": {
            "slots_total": row["slots_total"],
            "slots_done": row["slots_done"],
            "slots_skipped": row["slots_skipped"],
            **{f"runs_{state}": row["runs"].get(state, 0) for state in RunState},
            "estimated_completion_at": _estimate(row, datetime.now(UTC)),
        },
    }


def _why_it_waits(row: Mapping[str, Any]) -> str | None:
    if row["state"] is not BackfillState.WAITING or row["is_paused"]:
        return None
    return f"waits, because dag '{row['dag_id']}' is paused; unpause the DAG to go on"


def _estimate(row: Mapping[str, Any], now: datetime) -> datetime | None:
    if row["pace_since"] is None:
        return None
    runs_ended: int = row["runs"].get(RunState.SUCCESS, 0) + row["runs"].get(RunState.FAILED, 0)
    slots_left = row["slots_total"] - row["slots_skipped"] - runs_ended
    needed: timedelta = (now - row["pace_since"]) * slots_left / row["pace_runs"]
    return now + min(needed, ESTIMATE_MAX)
