"""Tasks of the current version of a DAG."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flask import Response
from marshmallow import fields, validate

from mainspring.definition.model import Definition, RunHandler, SetupTeardownType, Task
from mainspring.errors import NotFound, Problem
from mainspring_api.http.answers import answer
from mainspring_api.http.context import context
from mainspring_api.http.fields import Answer, Choice, Instant, JsonObject, Query
from mainspring_api.http.operations import Resource
from mainspring_api.http.problems import BadRequest
from mainspring_store.access.roles import Role

__all__ = ["blueprint"]

blueprint = Resource("tasks", "Tasks of DAGs")

OWNER_DEFAULT = "mainspring"
"""Of a task whose definition names no owner: Airflow has one for each task, and programs count on it."""


class TimeDelta(Answer):
    """A duration in Airflow's shape."""

    type_ = fields.String(data_key="__type", metadata={"description": "Always `TimeDelta`"})
    days = fields.Integer(metadata={"description": "Whole days"})
    seconds = fields.Integer(metadata={"description": "Seconds beyond the whole days"})
    microseconds = fields.Integer(metadata={"description": "Microseconds beyond the seconds"})


class TaskDefinition(Answer):
    """A task of a DAG."""

    task_id = fields.String(allow_none=True)
    task_display_name = fields.String(allow_none=True)
    owner = fields.String(
        metadata={"description": f"Owner of the task; `{OWNER_DEFAULT}` where the definition names none"}
    )
    start_date = Instant(allow_none=True, metadata={"description": "Always null: tasks have no dates of their own"})
    end_date = Instant(allow_none=True, metadata={"description": "Always null: tasks have no dates of their own"})
    trigger_rule = fields.String(
        allow_none=True, metadata={"description": "States of the direct upstream that let the task run"}
    )
    handler = Choice(
        RunHandler,
        allow_none=True,
        metadata={"description": "End of the run after which the task runs; null = the task is no handler of the run"},
    )
    setup_teardown_type = Choice(
        SetupTeardownType,
        allow_none=True,
        metadata={"description": "Whether the task is a set-up or a tear-down; null = neither"},
    )
    depends_on_past = fields.Boolean(
        metadata={"description": "Whether an instance waits until the task has succeeded in the previous run"}
    )
    wait_for_downstream = fields.Boolean(metadata={"description": "Always false"})
    retries = fields.Integer(allow_none=True, metadata={"description": "Tries after the first failed try"})
    queue = fields.String(allow_none=True)
    pool = fields.String(allow_none=True)
    pool_slots = fields.Integer(allow_none=True)
    execution_timeout = fields.Nested(TimeDelta, allow_none=True)
    retry_delay = fields.Nested(TimeDelta, allow_none=True)
    retry_exponential_backoff = fields.Float(
        metadata={"description": "Factor from one delay to the next; 0 = constant delay"}
    )
    priority_weight = fields.Integer(allow_none=True)
    weight_rule = fields.String(
        allow_none=True, metadata={"description": "Rule that adds the weights of neighbours to the priority"}
    )
    ui_color = fields.String(metadata={"description": "Always `#fff`"})
    ui_fgcolor = fields.String(metadata={"description": "Always `#000`"})
    template_fields = fields.List(fields.String(), allow_none=True, metadata={"description": "Always empty"})
    downstream_task_ids = fields.List(
        fields.String(), allow_none=True, metadata={"description": "Identifiers of the tasks directly downstream"}
    )
    doc_md = fields.String(allow_none=True)
    operator_name = fields.String(allow_none=True)
    params = JsonObject(
        allow_none=True, metadata={"description": "Always empty: a DAG has parameters, a task has none"}
    )
    class_ref = JsonObject(metadata={"description": "`module_path`, and the type of the task as `class_name`"})
    is_mapped = fields.Boolean(
        allow_none=True, metadata={"description": "Whether the task has an instance for each item of a list"}
    )
    extra_links = fields.List(fields.String(), metadata={"description": "Always empty"})


class TaskCollection(Answer):
    """The tasks of a DAG."""

    tasks = fields.List(fields.Nested(TaskDefinition), metadata={"description": "Tasks of the DAG"})
    total_entries = fields.Integer(metadata={"description": "Number of tasks"})


class TaskOrder(Query):
    order_by = fields.String(load_default="task_id", validate=validate.Length(max=100))


@blueprint.operation(
    "GET",
    "/dags/<dag_id>/tasks",
    "get_tasks",
    role=Role.VIEWER,
    answer=TaskCollection,
    query=TaskOrder,
    errors=(400, 404),
)
def get_tasks(query: Mapping[str, Any], dag_id: str) -> Response:
    """All tasks of a DAG."""
    definition = context().versions.current(dag_id).definition
    downstream = _downstream(definition)
    tasks = [_task(task, downstream[task.task_id]) for task in definition.tasks.values()]
    key = query["order_by"].removeprefix("-")
    if key not in _SORT_KEYS:
        message = f"'{key}' is not a sort key of this list; use one of: {', '.join(_SORT_KEYS)}"
        raise BadRequest([Problem(pointer="/order_by", message=message)])
    tasks.sort(
        key=lambda task: (task[key] is None, _comparable(task[key]), task["task_id"]),
        reverse=query["order_by"][0] == "-",
    )
    return answer({"tasks": tasks, "total_entries": len(tasks)})


@blueprint.operation(
    "GET", "/dags/<dag_id>/tasks/<task_id>", "get_task", role=Role.VIEWER, answer=TaskDefinition, errors=(404,)
)
def get_task(dag_id: str, task_id: str) -> Response:
    """One task of a DAG."""
    definition = context().versions.current(dag_id).definition
    task = definition.tasks.get(task_id)
    if task is None:
        raise NotFound(f"Task with id {task_id} was not found in dag '{dag_id}'")
    return answer(_task(task, _downstream(definition)[task_id]))


_SORT_KEYS = (
    "task_id",
    "task_display_name",
    "owner",
    "start_date",
    "end_date",
    "trigger_rule",
    "depends_on_past",
    "wait_for_downstream",
    "retries",
    "queue",
    "pool",
    "pool_slots",
    "execution_timeout",
    "retry_delay",
    "retry_exponential_backoff",
    "priority_weight",
    "weight_rule",
    "ui_color",
    "ui_fgcolor",
    "operator_name",
    "is_mapped",
)


def _comparable(value: Any) -> Any:
    """Of the answered value of a sort key; the parts of a `TimeDelta`, largest first."""
    return (value["days"], value["seconds"], value["microseconds"]) if isinstance(value, Mapping) else value


def _downstream(definition: Definition) -> dict[str, list[str]]:
    downstream: dict[str, list[str]] = {task_id: [] for task_id in definition.tasks}
    for task in definition.tasks.values():
        for upstream in task.depends_on:
            downstream[upstream].append(task.task_id)
    return downstream


def _task(task: Task, downstream: list[str]) -> dict[str, Any]:
    return {
        "task_id": task.task_id,
        "task_display_name": task.display_name or task.task_id,
        "owner": task.owner or OWNER_DEFAULT,
        "start_date": None,
        "end_date": None,
        "trigger_rule": task.trigger_rule,
        "handler": task.handler,
        "setup_teardown_type": task.setup_teardown_type,
        "depends_on_past": task.depends_on_past,
        "wait_for_downstream": False,
        "retries": task.retries,
        "queue": task.queue,
        "pool": task.pool,
        "pool_slots": task.pool_slots,
        "execution_timeout": _time_delta(task.execution_timeout),
        "retry_delay": _time_delta(task.retry_delay),
        # Airflow's zero is our one: delays do not grow.
        "retry_exponential_backoff": 0.0 if task.retry_backoff == 1 else task.retry_backoff,
        "priority_weight": task.priority_weight,
        "weight_rule": task.weight_rule,
        "ui_color": "#fff",
        "ui_fgcolor": "#000",
        "template_fields": [],
        "downstream_task_ids": downstream,
        "doc_md": task.doc_md,
        "operator_name": task.type,
        "params": {},
        "class_ref": {"module_path": "mainspring", "class_name": task.type},
        "is_mapped": task.is_mapped,
        "extra_links": [],
    }


def _time_delta(duration: timedelta | None) -> dict[str, Any] | None:
    if duration is None:
        return None
    return {
        "__type": "TimeDelta",
        "days": duration.days,
        "seconds": duration.seconds,
        "microseconds": duration.microseconds,
    }
