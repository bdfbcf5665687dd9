"""Clear: task instances, or whole runs, run again."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from flask import Response
from marshmallow import ValidationError, fields, validate, validates_schema

from mainspring.errors import InvalidParams, Problem
from mainspring.states import TaskState
from mainspring_api.http.answers import answer
from mainspring_api.http.context import Context, context
from mainspring_api.http.fields import Body, Flag, Instant, JsonObject
from mainspring_api.http.operations import Resource
from mainspring_api.http.problems import BadRequest
from mainspring_api.resources.instances.task_instances import TaskInstanceCollection, instances_answer
from mainspring_api.resources.runs.dag_runs import run_body
from mainspring_store.access.roles import Role
from mainspring_store.interventions import Clear, RunSelection, TaskSelection, clear, preview_clear
from mainspring_store.queries import runs as questions
from mainspring_store.resources.notes import set_run_note

__all__ = ["ClearRunBody", "blueprint", "clear_whole_run", "require_logical_date"]

blueprint = Resource("clearing", "Clear: tasks, or whole runs, run again; what they did before stays to be read")

TASK_IDS_MAX = 10_000
_FAILURES = frozenset({TaskState.FAILED, TaskState.UPSTREAM_FAILED})
_IS_PREVIEW = {"description": "Preview: true, the default, only answers the instances to clear"}


class TaskChoice(fields.Raw):
    """A task id, or a list of task id and map index."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str | tuple[str, int]:
        match value:
            case str():
                return value
            case [str(task_id), int(map_index)] if not isinstance(map_index, bool):
                return task_id, map_index
        raise ValidationError(f"{value!r:.60} is neither a task id nor a list of task id and map index")


def _boolean(default: bool, description: str) -> fields.Boolean:
    return Flag(load_default=default, metadata={"description": description})


def _version_number() -> fields.Integer:
    return fields.Integer(
        load_default=None,
        allow_none=True,
        strict=True,
        validate=validate.Range(min=1, max=2**31 - 1),
        metadata={"description": "Saved version that the runs change to; null = by `run_on_latest_version`"},
    )


def _refuse_two_versions(body: Mapping[str, Any]) -> None:
    if body["version_number"] is not None and body["run_on_latest_version"]:
        raise ValidationError("version_number and run_on_latest_version exclude each other", "version_number")


def _note() -> fields.String:
    return fields.String(load_default=None, allow_none=True, validate=validate.Length(max=1000))


class ClearBody(Body):
    """Which task instances to clear. Without `dag_run_id` and dates those of all runs."""

    dry_run = Flag(load_default=True, metadata=_IS_PREVIEW)
    dag_run_id = fields.String(
        load_default=None,
        allow_none=True,
        metadata={"description": "Identifier of the run; null = all runs, or the runs between the dates"},
    )
    start_date = Instant(
        load_default=None,
        allow_none=True,
        metadata={
            "description": "Earliest logical date of the runs (`run_after` where a run has none); null = no bound"
        },
    )
    end_date = Instant(
        load_default=None,
        allow_none=True,
        metadata={"description": "Latest logical date of the runs (`run_after` where a run has none); null = no bound"},
    )
    task_ids = fields.List(
        TaskChoice(
            metadata={
                "description": "A task id, or a list of task id and map index",
                "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": ["string", "integer"]}}],
            }
        ),
        load_default=None,
        allow_none=True,
        validate=validate.Length(min=1, max=TASK_IDS_MAX),
        metadata={"description": "Tasks to clear, as task ids or pairs of task id and map index; null = all"},
    )
    only_failed = _boolean(True, "Clear failed instances only")
    only_running = _boolean(False, "Clear running instances only")
    include_upstream = _boolean(False, "Clear all tasks upstream too")
    include_downstream = _boolean(False, "Clear all tasks downstream too")
    include_past = _boolean(False, "Clear the tasks also in runs with an earlier logical date")
    include_future = _boolean(False, "Clear the tasks also in runs with a later logical date")
    reset_dag_runs = _boolean(True, "Queue ended runs again; false clears nothing in ended runs")
    prevent_running_task = _boolean(False, "Answer 409 and clear nothing while one of the tasks runs")
    run_on_latest_version = Flag(load_default=None, allow_none=True)
    version_number = _version_number()
    note = _note()

    @validates_schema(pass_original=True)
    def _consistent(self, body: Mapping[str, Any], sent: Mapping[str, Any], **_: Any) -> None:
        _refuse_two_versions(body)
        start, end = body["start_date"], body["end_date"]
        # Without `only_failed`, which is then true, the request selects failed and running instances.
        if sent.get("only_failed") and body["only_running"]:
            raise ValidationError("only_failed and only_running exclude each other", "only_running")
        if start is not None and end is not None and end < start:
            raise ValidationError("lies before start_date", "end_date")
        if body["dag_run_id"] is not None and (start is not None or end is not None):
            raise ValidationError("a run is named either by dag_run_id or by dates", "dag_run_id")


class ClearRunBody(Body):
    """How to clear one run."""

    dry_run = Flag(load_default=True, metadata=_IS_PREVIEW)
    only_failed = _boolean(False, "Clear failed instances only")
    only_new = _boolean(False, "False only: new tasks are cleared by name")
    run_on_latest_version = Flag(load_default=None, allow_none=True)
    version_number = _version_number()
    note = _note()
    conf = JsonObject(
        load_default=None,
        allow_none=True,
        metadata={
            "description": "`conf` in place of the run's own, which must have ended; null = the run keeps its own"
        },
    )

    @validates_schema
    def _consistent(self, body: Mapping[str, Any], **_: Any) -> None:
        _refuse_two_versions(body)
        if body["conf"] is not None and body["only_failed"]:
            raise ValidationError("all tasks of a run have the same params; leave only_failed out", "conf")
        if body["only_failed"] and body["only_new"]:
            raise ValidationError("only_failed and only_new exclude each other", "only_new")
        if body["only_new"]:
            message = "not supported; name the new tasks to clearTaskInstances, with run_on_latest_version"
            raise ValidationError(message, "only_new")


@blueprint.operation(
    "POST",
    "/dags/<dag_id>/clearTaskInstances",
    "post_clear_task_instances",
    role=Role.OPERATOR,
    answer=TaskInstanceCollection,
    body=ClearBody,
    errors=(400, 404, 409),
)
def post_clear_task_instances(body: Mapping[str, Any], dag_id: str) -> Response:
    """Clear task instances for another execution; a run that has ended begins again. Answers them all."""
    ctx = context()
    run_id = body["dag_run_id"]
    if run_id is not None and (body["include_past"] or body["include_future"]):
        require_logical_date(ctx, dag_id, run_id)
    request = Clear(
        runs=_selected_runs(body),
        tasks=TaskSelection(
            task_ids=body["task_ids"],
            include_upstream=body["include_upstream"],
            include_downstream=body["include_downstream"],
            states=_states(body),
        ),
        reset_dag_runs=body["reset_dag_runs"],
        prevent_running_task=body["prevent_running_task"],
        run_on_latest_version=bool(body["run_on_latest_version"]),
        version_number=body["version_number"],
        note=body["note"],
    )
    return instances_answer(ctx, _clear(ctx, dag_id, request, is_preview=body["dry_run"]))


@blueprint.operation(
    "POST",
    "/dags/<dag_id>/dagRuns/<dag_run_id>/clear",
    "clear_dag_run",
    role=Role.OPERATOR,
    answer={
        "anyOf": [
            {"$ref": "#/components/schemas/TaskInstanceCollection"},
            {"$ref": "#/components/schemas/DagRun"},
        ]
    },
    body=ClearRunBody,
    errors=(400, 404, 409),
)
def clear_dag_run(body: Mapping[str, Any], dag_id: str, dag_run_id: str) -> Response:
    """Clear a run. Answers the run, or with `dry_run` the task instances that would be cleared."""
    ctx = context()
    ids = clear_whole_run(ctx, dag_id, dag_run_id, body)
    if body["dry_run"]:
        return instances_answer(ctx, ids)
    return answer(run_body(questions.get_run(ctx.database, dag_id, dag_run_id)))


def _selected_runs(body: Mapping[str, Any]) -> RunSelection:
    """Without a run that it is seen from, the past is what lies before the first date, the future what is after the
    last."""
    run_id, past, future = body["dag_run_id"], body["include_past"], body["include_future"]
    if run_id is not None:
        return RunSelection(run_id=run_id, include_past=past, include_future=future)
    return RunSelection(start=None if past else body["start_date"], end=None if future else body["end_date"])


def _states(body: Mapping[str, Any]) -> frozenset[TaskState] | None:
    """Of the instances to be cleared; None = all."""
    failed = _FAILURES if body["only_failed"] else frozenset()
    running = frozenset({TaskState.RUNNING}) if body["only_running"] else frozenset()
    return failed | running or None


def clear_whole_run(ctx: Context, dag_id: str, run_id: str, body: Mapping[str, Any]) -> Sequence[int]:
    """Clear a run by a `ClearRunBody`, or preview the cleared instances; ids of the task instances.

    Raises:
        NotFound: There is no such run.
    """
    request = Clear(
        runs=RunSelection(run_id=run_id),
        tasks=TaskSelection(states=_FAILURES if body["only_failed"] else None),
        run_on_latest_version=bool(body["run_on_latest_version"]),
        version_number=body["version_number"],
        conf=body["conf"],
    )
    try:
        ids = _clear(ctx, dag_id, request, is_preview=body["dry_run"])
    except InvalidParams as exc:
        if body["conf"] is None:
            raise
        raise InvalidParams([replace(problem, pointer=f"/conf{problem.pointer}") for problem in exc.problems]) from exc
    if body["note"] is not None and not body["dry_run"]:
        set_run_note(ctx.database, dag_id, run_id, body["note"] or None, now=datetime.now(UTC))
    return ids


def require_logical_date(ctx: Context, dag_id: str, run_id: str) -> None:
    """The logical date decides about earlier and later runs.

    Raises:
        NotFound: There is no such run.
        BadRequest: It has none.
    """
    if questions.get_run(ctx.database, dag_id, run_id)["logical_date"] is None:
        message = f"run '{run_id}' has no logical date, so no run is before or after it"
        raise BadRequest([Problem(pointer="/dag_run_id", message=message)])


def _clear(ctx: Context, dag_id: str, request: Clear, *, is_preview: bool) -> Sequence[int]:
    if is_preview:
        return preview_clear(ctx.database, ctx.versions, dag_id, request)
    ids = clear(ctx.database, ctx.versions, dag_id, request, now=datetime.now(UTC))
    if (
        ids or request.run_on_latest_version or request.version_number is not None
    ):  # a version may bring tasks that were not there to be cleared
        ctx.notifier.notify()
    return ids
