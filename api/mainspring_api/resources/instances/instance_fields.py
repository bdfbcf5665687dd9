"""Fields of both task instances and tries."""

from collections.abc import Mapping
from typing import Any

from marshmallow import fields

from mainspring.definition.model import RunHandler, SetupTeardownType, Task
from mainspring_api.http.context import Context
from mainspring_api.http.fields import Answer, Choice, Instant
from mainspring_api.resources.definitions.dag_versions import DagVersion, version_body

__all__ = ["InstanceFields", "RoleFields", "instance_fields", "rendered_map_index", "role_fields"]


_HANDLER = Choice(
    RunHandler,
    allow_none=True,
    metadata={"description": "End of the run after which the task runs; null = the task is no handler of the run"},
)
_SETUP_TEARDOWN_TYPE = Choice(
    SetupTeardownType,
    allow_none=True,
    metadata={"description": "Whether the task is a set-up or a tear-down; null = neither"},
)


class RoleFields(Answer):
    """A base; `role_fields` makes its members."""

    handler = _HANDLER
    setup_teardown_type = _SETUP_TEARDOWN_TYPE


class InstanceFields(Answer):
    """A base; `instance_fields` makes its members."""

    dag_id = fields.String()
    dag_display_name = fields.String()
    dag_run_id = fields.String()
    task_id = fields.String()
    task_display_name = fields.String()
    map_index = fields.Integer()
    state_reason = fields.String(
        allow_none=True, metadata={"description": "Code of the cause of the state; null = none"}
    )
    message = fields.String(
        allow_none=True, metadata={"description": "End of the latest try in a sentence; null = nothing to report"}
    )
    exit_code = fields.Integer(
        allow_none=True,
        metadata={
            "description": "Exit code of the process; negative = the number of the signal that ended it; null = none"
        },
    )
    allow_failure = fields.Boolean(
        metadata={"description": "Whether a failure counts as a success for the downstream and for the run"}
    )
    handler = _HANDLER
    setup_teardown_type = _SETUP_TEARDOWN_TYPE
    max_tries = fields.Integer(metadata={"description": "Tries after the first"})
    turn = fields.Integer(
        allow_none=True,
        metadata={"description": "Turn of a task with `repeat`, from 0; null = before the first try, or no `repeat`"},
    )
    start_date = Instant(allow_none=True)
    end_date = Instant(allow_none=True)
    duration = fields.Float(
        allow_none=True, metadata={"description": "Time from start to end, in seconds; null while the instance runs"}
    )
    queued_when = Instant(
        allow_none=True,
        metadata={"description": "Instant at which the scheduler queued the instance; null = not queued yet"},
    )
    scheduled_when = Instant(allow_none=True, metadata={"description": "The same as `queued_when`"})
    hostname = fields.String(metadata={"description": "Host of the try; empty before the first start"})
    unixname = fields.String(metadata={"description": "Always empty"})
    pid = fields.Integer(allow_none=True)
    pool = fields.String()
    pool_slots = fields.Integer()
    queue = fields.String(allow_none=True)
    priority_weight = fields.Integer(allow_none=True)
    operator = fields.String(allow_none=True)
    operator_name = fields.String(allow_none=True)
    executor = fields.String(allow_none=True)
    executor_config = fields.String(metadata={"description": "Always `{}`"})
    dag_version = fields.Nested(DagVersion, allow_none=True)


def role_fields(task: Task | None) -> dict[str, Any]:
    """task: None = the version of the run has no such task."""
    return {"handler": task and task.handler, "setup_teardown_type": task and task.setup_teardown_type}


def rendered_map_index(map_index: int, map_key: str | None) -> str | None:
    """The name of a mapped instance: its key, otherwise its index; None = the instance is not mapped."""
    return None if map_index == -1 else map_key or str(map_index)


def instance_fields(ctx: Context, row: Mapping[str, Any]) -> dict[str, Any]:
    start, end = row["start_date"], row["end_date"]
    task = ctx.versions.definition(row["dag_version_id"]).tasks.get(row["task_id"])
    return {
        "dag_id": row["dag_id"],
        "dag_display_name": row["display_name"],
        "dag_run_id": row["run_id"],
        "task_id": row["task_id"],
        "task_display_name": (task and task.display_name) or row["task_id"],
        "map_index": row["map_index"],
        "state_reason": row["state_reason"],
        "message": row["message"],
        "exit_code": row["exit_code"],
        "allow_failure": task is not None and task.allow_failure,
        **role_fields(task),
        "max_tries": row["max_tries"],
        "turn": row["turn"],
        "start_date": start,
        "end_date": end,
        "duration": (end - start).total_seconds() if start and end else None,
        "queued_when": row["queued_at"],
        # An instance is scheduled in the moment in which it is queued.
        "scheduled_when": row["queued_at"],
        # Airflow has no null in these two, and programs count on it.
        "hostname": row["hostname"] or "",
        "unixname": "",
        "pid": row["pid"],
        "pool": row["pool"],
        "pool_slots": row["pool_slots"],
        "queue": row["queue"],
        "priority_weight": row["priority"],
        "operator": row["operator"],
        "operator_name": row["operator"],
        "executor": row["executor"],
        "executor_config": "{}",
        "dag_version": version_body(row),
    }
