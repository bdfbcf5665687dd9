"""Names that expressions read, held against what a definition declares: params and outputs of tasks."""

from collections.abc import Collection, Mapping
from typing import Any

from mainspring.definition.model import TaskType

__all__ = ["missing_param", "readable_outputs", "undeclared_output"]

_RESPONSE = ("status", "headers", "body")
_OUTPUTS_OF_TYPE: Mapping[str, tuple[str, ...]] = {
    TaskType.PYTHON: ("return_value",),
    TaskType.BRANCH: ("return_value",),
    TaskType.HTTP: _RESPONSE,
    TaskType.WAIT: (*_RESPONSE, "return_value", "path", "bytes", "modified_at", "value", "by", "at"),
    TaskType.APPROVAL: ("choice", "choices", "values", "by", "note", "at"),
    TaskType.DAG: ("run_id",),
}
"""Type -> outputs that such a task gives without a declaration."""


def missing_param(path: tuple[str, ...], schema: Any) -> str | None:
    """The param of a path, when no run can have it: the schema does not name it, and allows no others."""
    if path[0] != "params" or len(path) < 2 or not isinstance(schema, Mapping):
        return None
    properties = schema.get("properties", {})
    is_closed = schema.get("additionalProperties") is False and not schema.get("patternProperties")
    return path[1] if is_closed and isinstance(properties, Mapping) and path[1] not in properties else None


def undeclared_output(path: tuple[str, ...], tasks: Mapping[str, Any]) -> tuple[str, str] | None:
    """Task id and output of a path, when the task declares outputs and the output is none of them.

    tasks: task id -> fields of a normalised document.
    """
    if path[0] != "tasks" or len(path) < 4 or path[2] != "outputs":
        return None
    readable = readable_outputs(tasks.get(path[1], {}))
    return (path[1], path[3]) if readable and path[3] not in readable else None


def readable_outputs(task: Mapping[str, Any]) -> Collection[str]:
    """The declared outputs of a task and those of its type; empty = the task declares none, and may give any."""
    declared = task.get("outputs", {})
    return [*declared, *_OUTPUTS_OF_TYPE.get(task.get("type", ""), ())] if declared else []
