"""Runs: trigger, look, cancel, delete."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Response, g, request
from marshmallow import fields, validate

from mainspring.definition.model import RUN_PRIORITY_MAX
from mainspring.errors import Problem
from mainspring.ids import new_run_id, run_id_of
from mainspring.instants import format_instant, parse_instant
from mainspring.states import RUN_FINISHED, RunState, RunType
from mainspring.traces import parse_traceparent
from mainspring_api.http.answers import answer, dump, no_content
from mainspring_api.http.audit import audit_detail
from mainspring_api.http.bulk import chosen
from mainspring_api.http.context import Context, context
from mainspring_api.http.fields import (
    Answer,
    Body,
    Choice,
    Instant,
    JsonObject,
    Query,
    UpdateMask,
    list_arguments,
    list_query,
)
from mainspring_api.http.idempotency import REPLAYED
from mainspring_api.http.operations import Resource, load_query
from mainspring_api.http.owners import current_owner
from mainspring_api.http.paging import list_answer
from mainspring_api.http.permissions import Over
from mainspring_api.http.preconditions import CurrentState, Guard
from mainspring_api.http.problems import BadRequest
from mainspring_api.http.receiver_addresses import check_callback_url
from mainspring_api.resources.definitions.dag_versions import DagVersion, version_body
from mainspring_api.resources.runs.awaited_triggers import WAIT_SECONDS, awaited, awaited_stop, location_of_run
from mainspring_api.resources.runs.trigger_plans import PLAN_MEDIA_TYPE, TriggerPlan, plan_of_trigger
from mainspring_api.resources.runs.triggers import (
    Trigger,
    TriggerBody,
    checked_run_id,
    data_interval,
    params_of_trigger,
)
from mainspring_store.access.roles import Role
from mainspring_store.interventions import mark_run, requeue_run
from mainspring_store.queries import runs as questions
from mainspring_store.queries.dags import get_version
from mainspring_store.queries.listing import CURSOR_TOTAL_MAX, Listed
from mainspring_store.resources.kept_runs import set_run_kept
from mainspring_store.resources.notes import set_run_note
from mainspring_store.resources.removals import delete_run
from mainspring_store.resources.row_locks import lock_run
from mainspring_store.resources.run_order import set_run_after, set_run_priority
from mainspring_store.resources.run_pauses import set_run_paused
from mainspring_store.state.debounces import trigger_run
from mainspring_store.state.receivers import (
    Address,
    LiveSecret,
    NewCallback,
    ReceiverKind,
    new_message_id,
    seal_address,
    url_without_secrets,
)
from mainspring_store.state.runs import NewRun, VersionRef, cancel_run

__all__ = [
    "DagRun",
    "DagRunCollection",
    "RunList",
    "RunPatch",
    "blueprint",
    "change_run",
    "follow_trigger",
    "new_run",
    "run_body",
    "runs_body",
    "start_run",
]

blueprint = Resource("dag_runs", "DAG runs: trigger them, see how they stand")

_NO_PARTITIONS = {"description": "Refused with 400: no DAG is partitioned"}


class RunSource(Answer):
    """The end of a run of another DAG that made a run."""

    dag_id = fields.String()
    dag_run_id = fields.String()
    state = Choice(
        RunState, only=[RunState.SUCCESS, RunState.FAILED], metadata={"description": "State in which the run ended"}
    )
    logical_date = Instant(allow_none=True)
    end_date = Instant(metadata={"description": "Instant at which the run ended so"})


class DagRun(Answer):
    """One run of a DAG."""

    dag_run_id = fields.String()
    dag_id = fields.String()
    dag_display_name = fields.String()
    run_type = Choice(RunType)
    state = Choice(RunState)
    state_reason = fields.String(
        allow_none=True, metadata={"description": "Code of the cause of the state; null = none"}
    )
    is_finished = fields.Boolean(metadata={"description": "Whether the run has ended: `success` or `failed`"})
    message = fields.String(allow_none=True, metadata={"description": "Cause of the state in a sentence; null = none"})
    conf = JsonObject(allow_none=True, metadata={"description": "Object that the trigger sent"})
    params = JsonObject(metadata={"description": "Parameters of the run: defaults of the DAG, overridden by `conf`"})
    outputs = JsonObject(
        allow_none=True, metadata={"description": "Outputs that the DAG declares; null until the run has ended"}
    )
    logical_date = Instant(allow_none=True)
    data_interval_start = Instant(allow_none=True)
    data_interval_end = Instant(allow_none=True)
    run_after = Instant()
    queued_at = Instant(allow_none=True, metadata={"description": "Instant at which the run was queued"})
    start_date = Instant(allow_none=True)
    end_date = Instant(allow_none=True)
    duration = fields.Float(
        allow_none=True, metadata={"description": "Time from start to end, in seconds; null while the run lasts"}
    )
    late_since = Instant(
        allow_none=True, metadata={"description": "Instant at which the run missed its deadline; null = not late"}
    )
    tasks_failed = fields.Integer(
        metadata={
            "description": "Number of task instances that are `failed` or `upstream_failed`; a run that succeeded "
            "may have some, by `allow_failure`"
        }
    )
    last_scheduling_decision = Instant(
        allow_none=True,
        metadata={"description": "Instant of the scheduler's latest decision on the run; null = none yet"},
    )
    triggered_by = fields.String(
        allow_none=True,
        metadata={"description": "Kind of the trigger, such as `rest_api`, `timetable` or `backfill`; null = unknown"},
    )
    triggering_user_name = fields.String(
        allow_none=True, metadata={"description": "Name of the user or token that made the run; null = the scheduler"}
    )
    note = fields.String(allow_none=True)
    is_paused = fields.Boolean(metadata={"description": "Whether a user paused the run: no further task of it starts"})
    is_merged = fields.Boolean(
        metadata={"description": "In the answer of a trigger: whether `debounce` made the trigger join this run"}
    )
    priority = fields.Integer(
        metadata={"description": "Runs with a higher priority, and their tasks, start first where places are short"}
    )
    concurrency_key = fields.String(
        allow_none=True,
        metadata={"description": "Evaluated `concurrency.key` of the DAG; null = no key limits the run"},
    )
    keep = fields.Boolean(metadata={"description": "Whether the run stays for ever: retention never deletes the run"})
    sources = fields.List(
        fields.Nested(RunSource),
        metadata={
            "description": "Ends of runs of other DAGs that made the run, oldest first, as far as the caller sees "
            "these DAGs; empty = something else made the run"
        },
    )
    dag_versions = fields.List(
        fields.Nested(DagVersion),
        metadata={"description": "Version of the DAG that the run executes, as a list of one"},
    )
    bundle_version = fields.String(allow_none=True)
    partition_key = fields.String(allow_none=True)
    partition_date = Instant(allow_none=True)


class DagRunCollection(Answer):
    """A page of runs."""

    dag_runs = fields.List(fields.Nested(DagRun))
    total_entries = fields.Integer(metadata={"description": "Exact by offset; by cursor at most `total_entries_limit`"})
    total_entries_limit = fields.Integer(allow_none=True)
    next_cursor = fields.String(allow_none=True)
    previous_cursor = fields.String(allow_none=True)


class RunPatch(Body):
    """What may be changed of a run. `state` failed cancels an unfinished run."""

    state = Choice(
        RunState,
        only=[RunState.QUEUED, RunState.SUCCESS, RunState.FAILED],
        allow_none=True,
        metadata={"description": "Target state: `queued` resumes, `success` marks, `failed` cancels the run"},
    )
    note = fields.String(allow_none=True, validate=validate.Length(max=1000))
    keep = fields.Boolean(
        allow_none=True, metadata={"description": "True keeps the run for ever; false lets retention delete the run"}
    )
    is_paused = fields.Boolean(
        allow_none=True,
        metadata={"description": "True pauses an unfinished run: no further task of it starts; false resumes the run"},
    )
    run_after = Instant(
        allow_none=True,
        metadata={"description": "Earliest start of a queued run; a past instant stands for now"},
    )
    priority = fields.Integer(
        strict=True,
        allow_none=True,
        validate=validate.Range(min=-RUN_PRIORITY_MAX, max=RUN_PRIORITY_MAX),
        metadata={"description": "A higher priority starts first; counts for tasks that have not started"},
    )


RunList = list_arguments(
    "DagRunList",
    questions.RUNS,
    has_cursor=True,
    partition_date_gte=fields.Date(load_default=None, metadata=_NO_PARTITIONS),
    partition_date_lte=fields.Date(load_default=None, metadata=_NO_PARTITIONS),
)


class TriggerQuery(Query):
    dry_run = fields.Boolean(
        load_default=False,
        metadata={"description": f"True = only say what the trigger would do, as `{PLAN_MEDIA_TYPE}`; no run is made"},
    )
    wait = WAIT_SECONDS


@blueprint.operation(
    "POST",
    "/dags/<dag_id>/dagRuns",
    "trigger_dag_run",
    role=Role.OPERATOR,
    answer=DagRun,
    body=TriggerBody,
    query=TriggerQuery,
    errors=(400, 404, 409),
    other_media={PLAN_MEDIA_TYPE: {"schema": TriggerPlan}},
    follow=lambda response: follow_trigger(response),
)
def trigger_dag_run(body: Trigger, query: Mapping[str, Any], dag_id: str) -> Response:
    """Start a run of the DAG's current version, or of `version_number`. A run of a paused DAG stays queued.

    Where the DAG has `debounce`, a trigger without `logical_date` and `run_after` may join a queued run: the answer is
    that run with `is_merged`.

    `Location` names the run. With `wait`, the answer comes when the run has ended or the seconds are over: always 200
    and the run as it is then, with `is_finished`. The run is made before the wait begins, so a connection that is cut
    leaves the run. The same request with the same `Idempotency-Key` waits for the same run. A server that has no
    place for a further wait answers at once, so a client pauses for a second or two before it asks again. White space
    before the JSON keeps the connection alive.
    """
    ctx = context()
    now = datetime.now(UTC)
    run = _run_of_saved(ctx, body, dag_id, now)
    if query["dry_run"]:
        number = get_version(ctx.database, dag_id, body.version_number)["version_number"]
        return Response(dump(plan_of_trigger(ctx, run, number, now=now)), mimetype=PLAN_MEDIA_TYPE)
    audit_detail(run_id=run.run_id)
    created = _create(ctx, run, now)
    response = answer(created)
    ctx.notifier.notify()
    response.headers["Location"] = location_of_run(dag_id, created["dag_run_id"])
    return response


def start_run(ctx: Context, body: Trigger, dag_id: str, now: datetime) -> dict[str, Any]:
    """Start a run; returns a `DagRun`. The caller notifies the scheduler.

    Raises:
        NotFound, BadRequest, Conflict, QuotaExceeded: See `_run_of_saved` and `create_run`.
    """
    return _create(ctx, _run_of_saved(ctx, body, dag_id, now), now)


def _create(ctx: Context, run: NewRun, now: datetime) -> dict[str, Any]:
    if run.callback is not None:
        ctx.limits.callbacks.take(g.user.id)
    triggered = trigger_run(ctx.database, run, owner=current_owner(), now=now)
    body = run_body(questions.get_run(ctx.database, run.version.definition.dag_id, triggered.run_id))
    return {**body, "is_merged": triggered.is_merged}


def follow_trigger(response: Response) -> Response:
    """Wait for the run of a trigger, if the request asks for a wait."""
    if response.status_code != 200 or response.mimetype == PLAN_MEDIA_TYPE:
        return response
    if "wait" not in request.args and REPLAYED not in response.headers:
        return response
    seconds = load_query(_TRIGGER_QUERY)["wait"]
    return awaited(response, seconds, show=lambda row: dump(run_body(row)))


_TRIGGER_QUERY = TriggerQuery()


def _run_of_saved(ctx: Context, body: Trigger, dag_id: str, now: datetime) -> NewRun:
    """The run that a trigger of a saved DAG asks for.

    Raises:
        NotFound: There is no such DAG or version. Conflict: The version was not saved. BadRequest: See `new_run`.
    """
    current = ctx.versions.for_new_run(dag_id)
    number = body.version_number
    return new_run(ctx, body, current if number is None else ctx.versions.numbered(dag_id, number), now)


def new_run(ctx: Context, body: Trigger, version: VersionRef, now: datetime) -> NewRun:
    """The run of a version that a trigger asks for.

    Raises:
        BadRequest: The id or the `conf` is not valid.
    """
    if body.dag_run_id is not None:
        run_id = checked_run_id(body.dag_run_id)
    elif body.run_after is not None:
        run_id = run_id_of(RunType.MANUAL, body.run_after)
    else:
        run_id = new_run_id(RunType.MANUAL, now)
    return NewRun(
        version=version,
        run_id=run_id,
        run_type=RunType.MANUAL,
        conf=body.conf,
        params=params_of_trigger(version.definition, body.conf),
        run_after=(body.run_after or now).astimezone(UTC),
        logical_date=body.logical_date,
        data_interval=body.data_interval or data_interval(version.definition, body.logical_date),
        triggered_by="ui" if request.referrer else "rest_api",
        user=g.user.name,
        note=body.note,
        priority=body.priority,
        may_join=body.logical_date is None and body.run_after is None,
        callback=_callback(ctx, body),
        traceparent=parse_traceparent(request.headers.get("traceparent")),
    )


def _callback(ctx: Context, body: Trigger) -> NewCallback | None:
    """The sealed callback of a trigger. Raises InvalidInput when its address is not allowed."""
    if body.callback is None:
        return None
    url, secret = body.callback["url"], body.callback["secret"]
    check_callback_url(url, pointer="/callback/url")
    name = new_message_id()
    address = Address(url=url, secrets=() if secret is None else (LiveSecret(value=secret),))
    return NewCallback(
        ciphertext=seal_address(ctx.key_ring, ReceiverKind.CALLBACK, name, address),
        name=name,
        shown_url=url_without_secrets(url),
    )


@blueprint.operation(
    "GET",
    "/dags/<dag_id>/dagRuns",
    "get_dag_runs",
    role=Role.VIEWER,
    over=Over.DAGS,
    answer=DagRunCollection,
    query=RunList,
    errors=(400, 404),
)
def get_dag_runs(query: Mapping[str, Any], dag_id: str) -> Response:
    """List the runs of a DAG, or of all DAGs when dag_id is `~`."""
    _check_no_partitions(query)
    cursor = request.args.get("cursor")
    listed = questions.list_runs(
        context().database, list_query(query, cursor=cursor), dag_id=None if dag_id == "~" else dag_id
    )
    return list_answer(query, runs_body(listed, cursor))


@blueprint.operation(
    "GET",
    "/dags/<dag_id>/dagRuns/<dag_run_id>",
    "get_dag_run",
    role=Role.VIEWER,
    has_etag=True,
    answer=DagRun,
    errors=(404,),
)
def get_dag_run(dag_id: str, dag_run_id: str) -> Response:
    """One run."""
    return answer(run_body(questions.get_run(context().database, dag_id, dag_run_id)))


_GUARD = Guard(
    subject="run",
    lock=lambda connection, dag_id, dag_run_id: lock_run(connection, dag_id, dag_run_id),
    state=lambda dag_id, dag_run_id: CurrentState(
        bodies=[dump(run_body(questions.get_run(context().database, dag_id, dag_run_id)))]
    ),
)


class PatchQuery(UpdateMask):
    wait = fields.Float(
        load_default=0.0,
        validate=validate.Range(min=0),
        metadata={
            "description": "Seconds to wait until the run has ended and its processes have stopped; 0 = answer at "
            "once. A setting bounds the wait"
        },
    )


@blueprint.operation(
    "PATCH",
    "/dags/<dag_id>/dagRuns/<dag_run_id>",
    "patch_dag_run",
    role=Role.OPERATOR,
    answer=DagRun,
    body=RunPatch,
    query=PatchQuery,
    errors=(404, 409),
    guard=_GUARD,
    follow=lambda response: follow_patch(response),
)
def patch_dag_run(body: Mapping[str, Any], query: Mapping[str, Any], dag_id: str, dag_run_id: str) -> Response:
    """Cancel (`state` failed), mark, queue, pause, resume or delay a run, change the note, or `keep` it for ever.

    The processes of a cancelled run stop soon after. Where handlers follow, the run stays `running` with the
    `state_reason` `cancelling` until they have ended. With `wait`, the answer comes when the run has ended and all its
    processes have stopped, or when the seconds are over: always 200 and the run as it is then. The change is made
    before the wait begins. White space before the JSON keeps the connection alive.
    """
    ctx = context()
    change_run(ctx, dag_id, dag_run_id, chosen(body, query["update_mask"]))
    return answer(run_body(questions.get_run(ctx.database, dag_id, dag_run_id)))


@blueprint.operation(
    "DELETE",
    "/dags/<dag_id>/dagRuns/<dag_run_id>",
    "delete_dag_run",
    role=Role.OPERATOR,
    answer=None,
    status=204,
    errors=(404, 409),
    guard=_GUARD,
)
def remove_dag_run(dag_id: str, dag_run_id: str) -> Response:
    """Delete a run with its logs and outputs. Refused while it is running."""
    ctx = context()
    delete_run(ctx.database, dag_id, dag_run_id, now=datetime.now(UTC))
    ctx.notifier.notify()
    return no_content()


def follow_patch(response: Response) -> Response:
    """Wait until the run of a change has ended and stopped, if the request asks for a wait."""
    if response.status_code != 200 or "wait" not in request.args:
        return response
    return awaited_stop(response, load_query(_PATCH_QUERY)["wait"], show=lambda row: dump(run_body(row)))


_PATCH_QUERY = PatchQuery()


def change_run(ctx: Context, dag_id: str, run_id: str, changes: Mapping[str, Any]) -> None:
    """Apply the present members of a `RunPatch`.

    Raises:
        NotFound: There is no such run.
        Conflict: A pause of a run that has ended, or an earliest start of a run that is not queued.
    """
    # The first write of the request also writes the audit event.
    if changes.get("run_after") is not None:
        audit_detail(run_after=format_instant(changes["run_after"]))
    if changes.get("priority") is not None:
        audit_detail(priority=changes["priority"])
    if changes.get("state") is not None:
        _set_state(ctx, dag_id, run_id, RunState(changes["state"]))
    if "note" in changes:
        set_run_note(ctx.database, dag_id, run_id, changes["note"] or None, now=datetime.now(UTC))
    if changes.get("keep") is not None:
        set_run_kept(ctx.database, dag_id, run_id, changes["keep"], now=datetime.now(UTC))
    if changes.get("is_paused") is not None and set_run_paused(
        ctx.database, dag_id, run_id, changes["is_paused"], now=datetime.now(UTC)
    ):
        ctx.notifier.notify()
    if changes.get("run_after") is not None:
        _set_start(ctx, dag_id, run_id, changes["run_after"])
    if changes.get("priority") is not None and set_run_priority(
        ctx.database, dag_id, run_id, changes["priority"], now=datetime.now(UTC)
    ):
        ctx.notifier.notify()


def _set_start(ctx: Context, dag_id: str, run_id: str, run_after: datetime) -> None:
    if set_run_after(ctx.database, ctx.versions, dag_id, run_id, run_after, now=datetime.now(UTC)):
        ctx.notifier.notify()


def _set_state(ctx: Context, dag_id: str, run_id: str, state: RunState) -> None:
    """Cancel a run, set its result, or queue an ended run again. Nothing changes when it stands so already."""
    now, by = datetime.now(UTC), g.user.name
    if state is RunState.QUEUED:
        has_changed = requeue_run(ctx.database, ctx.versions, dag_id, run_id, now=now)
    else:
        has_changed = (
            state is RunState.FAILED and cancel_run(ctx.database, dag_id, run_id, now=now, message=f"cancelled by {by}")
        ) or mark_run(ctx.database, ctx.versions, dag_id, run_id, state, by=by, now=now)
    if has_changed:
        ctx.notifier.notify()


def _check_no_partitions(query: Mapping[str, Any]) -> None:
    message = "no DAG is partitioned here, so no run has a partition date"
    for name in ("partition_date_gte", "partition_date_lte"):
        if query[name] is not None:
            raise BadRequest([Problem(pointer=f"/{name}", message=message)])


def runs_body(listed: Listed, cursor: str | None) -> dict[str, Any]:
    """A `DagRunCollection`."""
    return {
        "dag_runs": [run_body(row) for row in listed.rows],
        "total_entries": listed.total,
        "total_entries_limit": None if cursor is None else CURSOR_TOTAL_MAX,
        "next_cursor": listed.next_cursor,
        "previous_cursor": listed.previous_cursor,
    }


def _source(source: Mapping[str, Any]) -> dict[str, Any]:
    dates = {name: source[name] and parse_instant(source[name]) for name in ("logical_date", "end_date")}
    return {**source, **dates}


def run_body(row: Mapping[str, Any]) -> dict[str, Any]:
    start, end = row["start_date"], row["end_date"]
    return {
        "dag_run_id": row["run_id"],
        "dag_id": row["dag_id"],
        "dag_display_name": row["display_name"],
        "run_type": row["run_type"],
        "state": row["state"],
        "state_reason": row["state_reason"],
        "is_finished": row["state"] in RUN_FINISHED,
        "message": row["message"],
        "conf": row["conf"],
        "params": row["params"],
        "outputs": row["outputs"],
        "logical_date": row["logical_date"],
        "data_interval_start": row["data_interval_start"],
        "data_interval_end": row["data_interval_end"],
        "run_after": row["run_after"],
        "queued_at": row["queued_at"],
        "start_date": start,
        "end_date": end,
        "duration": (end - start).total_seconds() if start and end else None,
        "late_since": row["late_since"],
        "tasks_failed": row["tasks_failed"],
        "last_scheduling_decision": row["last_scheduling_decision"],
        "triggered_by": row["triggered_by"],
        "triggering_user_name": row["triggering_user_name"],
        "note": row["note"],
        "is_paused": row["is_paused"],
        "is_merged": False,
        "priority": row["priority"],
        "concurrency_key": row["concurrency_key"],
        "keep": row["keep"],
        "sources": [_source(source) for source in row["sources"] or () if g.user.role_on(source["dag_id"]) is not None],
        "dag_versions": [version_body(row)],
        "bundle_version": None,
        "partition_key": None,
        "partition_date": None,
    }
