"""What a request that waits for a run answers."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from marshmallow import fields

from mainspring.exit_codes import exit_code_of_run
from mainspring.states import RUN_FINISHED, RunState
from mainspring_api.http.context import Context
from mainspring_api.http.fields import Answer, Choice, JsonObject
from mainspring_store.queries import runs as questions
from mainspring_store.queries.failed_tasks import LINES_MAX, TASKS_MAX, FailedTasks, failed_tasks

__all__ = ["EXIT_CODE", "FailedTask", "WaitResult", "wait_result"]

EXIT_CODE = fields.Integer(
    allow_none=True,
    metadata={
        "description": "Exit code for a program that waits: 0 success, 1 failed, 3 cancelled, 4 not ended; null = "
        "there is no such run"
    },
)


class FailedTask(Answer):
    """A task instance that failed."""

    task_id = fields.String()
    map_index = fields.Integer()
    try_number = fields.Integer(metadata={"description": "Number of the latest try; 0 = failed without a try"})
    state_reason = fields.String(
        allow_none=True, metadata={"description": "Code of the cause of the failure; null = unknown"}
    )
    message = fields.String(
        allow_none=True, metadata={"description": "Cause of the failure in a sentence; null = none"}
    )
    exit_code = fields.Integer(allow_none=True, metadata={"description": "Exit code of the process; null = none"})
    last_lines = fields.List(
        fields.String(), metadata={"description": f"End of the log of the latest try, at most {LINES_MAX} lines"}
    )


class WaitResult(Answer):
    """How a run stands at the end of a wait."""

    state = Choice(
        RunState,
        allow_none=True,
        metadata={"description": "State of the run; null = the run was deleted during the wait"},
    )
    state_reason = fields.String(
        allow_none=True, metadata={"description": "Code of the cause of the state; null = none"}
    )
    message = fields.String(allow_none=True, metadata={"description": "Cause of the state in a sentence; null = none"})
    is_finished = fields.Boolean(metadata={"description": "Whether the run has ended; false = the time was over"})
    exit_code = EXIT_CODE
    failed_tasks = fields.List(
        fields.Nested(FailedTask),
        metadata={"description": f"Task instances that failed, earliest first, at most {TASKS_MAX}"},
    )
    failed_tasks_total = fields.Integer(metadata={"description": "Number of all task instances that failed"})
    outputs = JsonObject(
        allow_none=True, metadata={"description": "Outputs that the DAG declares; null until the run has ended"}
    )
    results = JsonObject(
        metadata={"description": "Output `return_value` by task id, for the requested tasks; a list for a mapped task"}
    )


_NO_FAILURES = FailedTasks(rows=[], total=0)


def wait_result(
    ctx: Context, key: int, dag_id: str, run_id: str, task_ids: Sequence[str], state: RunState | None
) -> dict[str, Any]:
    """A `WaitResult`. state: `None` = the run was deleted."""
    if state is None:
        return _deleted(run_id)
    run = questions.get_run(ctx.database, dag_id, run_id)
    outputs = questions.task_results(ctx.database, key, task_ids) if task_ids else {}
    failed = failed_tasks(ctx.database, key) if run["state"] == RunState.FAILED else _NO_FAILURES
    return {
        "state": run["state"],
        "state_reason": run["state_reason"],
        "message": run["message"],
        "is_finished": run["state"] in RUN_FINISHED,
        "exit_code": exit_code_of_run(run["state"], run["state_reason"]),
        "failed_tasks": [_failed_task(row) for row in failed.rows],
        "failed_tasks_total": failed.total,
        "outputs": run["outputs"],
        "results": {task_id: orjson.Fragment(outputs[task_id]) if task_id in outputs else None for task_id in task_ids},
    }


def _failed_task(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "task_id": row["task_id"],
        "map_index": row["map_index"],
        "try_number": row["try_number"],
        "state_reason": row["state_reason"],
        "message": row["message"],
        "exit_code": row["exit_code"],
        "last_lines": row["last_lines"],
    }


def _deleted(run_id: str) -> dict[str, Any]:
    return {
        "state": None,
        "state_reason": None,
        "message": f"run '{run_id}' was deleted",
        "is_finished": False,
        "exit_code": None,
        "failed_tasks": [],
        "failed_tasks_total": 0,
        "outputs": None,
        "results": {},
    }
