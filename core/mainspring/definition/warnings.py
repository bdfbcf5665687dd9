"""Warnings about a definition: it can be saved, and may not do what its author means.

The functions need the definition alone. What the server knows (pools, secrets, other DAGs) is checked by the API.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from mainspring.definition.build import payload_of, roots_of
from mainspring.definition.model import Definition, TaskType
from mainspring.definition.references import readable_outputs, undeclared_output
from mainspring.errors import Problem
from mainspring.expressions import Expression, Template
from mainspring.hints import did_you_mean
from mainspring.pointers import join_pointer
from mainspring.waits import check_kind

__all__ = ["find_warnings"]

WARNINGS_MAX = 100
_VERBATIM = frozenset({"script", "command", "source"})
"""Fields whose text belongs to another language, in which `{{` may have a meaning."""
_BRACES = re.compile(r"(?<!\$)\{\{.*?\}\}", re.DOTALL)
_SECRET_NAME = re.compile(r"passw(or)?d|secret|token|api_?key|credential", re.IGNORECASE)
_SECRET_VALUE = re.compile(r"AKIA[0-9A-Z]{16}|-----BEGIN [A-Z ]*PRIVATE KEY-----|gh[pousr]_[A-Za-z0-9]{30,}")
_TIMED_TYPES = frozenset({"shell", "python", "http"})


def find_warnings(definition: Definition, *, is_strict: bool = False) -> list[Problem]:
    """The warnings in the order of the document, at most `WARNINGS_MAX`.

    is_strict: also hints at good practice: params that no expression reads, tasks without a time limit.
    """
    warnings = [*_of_texts(definition), *_of_references(definition), *_of_credentials(definition)]
    if is_strict:
        warnings += [*_unused_params(definition), *_without_time_limit(definition)]
    return warnings[:WARNINGS_MAX]


def _of_texts(definition: Definition) -> Iterator[Problem]:
    """Double braces without `$`, as other systems write expressions."""
    for task_id, task in definition.flat.tasks.items():
        payload, at = payload_of(task), definition.flat.place(task_id)
        if (kind := check_kind(payload)) is not None and task.get("type") == TaskType.WAIT:
            payload, at = payload[kind], at + join_pointer("", kind.value)
        for name, value in payload.items():
            if name not in _VERBATIM:
                yield from _braces(value, at + join_pointer("", name))
    yield from _braces(definition.document.get("outputs", {}), "/outputs")


def _braces(value: Any, pointer: str) -> Iterator[Problem]:
    for place, text in _strings(value, pointer):
        match = _BRACES.search(text)
        if match:
            message = f"'{match[0][:60]}' is plain text here"
            hint = f"an expression is written ${match[0][:60]}"
            yield Problem(pointer=place, message=message, hint=hint, code="plain_braces")


def _of_references(definition: Definition) -> Iterator[Problem]:
    """Params that the schema does not name, and outputs that their task does not declare, where a save allows them."""
    properties, tasks = definition.params.get("properties"), definition.flat.tasks
    for pointer, expression in _expressions(definition):
        for path in expression.paths:
            if path[0] == "params" and len(path) > 1 and isinstance(properties, Mapping) and properties:
                yield from _unknown_param(path[1], properties, pointer, expression)
            if output := undeclared_output(path, tasks):
                yield _undeclared_output(*output, tasks, pointer)


def _unknown_param(name: str, properties: Mapping[str, Any], pointer: str, expression: Expression) -> Iterator[Problem]:
    if name not in properties and "has(" not in expression.text:
        message = f"the schema of the params has no '{name}'"
        hint = did_you_mean(name, properties) or f"known: {', '.join(list(properties)[:20])}"
        yield Problem(pointer=pointer, message=message, hint=hint, code="unknown_param")


def _undeclared_output(task_id: str, name: str, tasks: Mapping[str, Any], pointer: str) -> Problem:
    message = f"task '{task_id}' declares outputs, and '{name}' is none of them"
    known = readable_outputs(tasks[task_id])
    hint = did_you_mean(name, known) or f"known: {', '.join(list(known)[:20])}"
    return Problem(pointer=pointer, message=message, hint=hint, code="undeclared_output")


def _of_credentials(definition: Definition) -> Iterator[Problem]:
    """Literal values that look like a credential: readers of the DAG read them."""
    for task_id, task in definition.flat.tasks.items():
        for place, text in _strings(payload_of(task), definition.flat.place(task_id)):
            name = place.rpartition("/")[2]
            is_named = "/env/" in place or "/headers/" in place
            if "${{" in text or not text or name == "secret":  # `{secret: name}` names a secret
                continue
            if _SECRET_VALUE.search(text) or (is_named and _SECRET_NAME.search(name)):
                message = "this looks like a credential, and everybody who may read the DAG reads it"
                hint = "store it as a secret and write {secret: name}"
                yield Problem(pointer=place, message=message, hint=hint, code="looks_like_credential")


def _unused_params(definition: Definition) -> Iterator[Problem]:
    paths = [path for _, expression in _expressions(definition) for path in expression.paths if path[0] == "params"]
    if any(len(path) == 1 for path in paths):
        return  # an expression reads all params
    used = {path[1] for path in paths}
    properties = definition.params.get("properties", {})
    for name in properties if isinstance(properties, Mapping) else ():
        if name not in used:
            message = f"no expression reads the param '{name}'"
            yield Problem(pointer=join_pointer("/params/properties", name), message=message, code="unused_param")


def _without_time_limit(definition: Definition) -> Iterator[Problem]:
    if definition.dagrun_timeout is not None:
        return
    for task in definition.tasks.values():
        if task.type in _TIMED_TYPES and task.execution_timeout is None:
            message = f"task '{task.task_id}' has no execution_timeout, and the DAG has no dagrun_timeout"
            pointer = definition.flat.place(task.task_id)
            yield Problem(pointer=pointer, message=message, hint="add execution_timeout", code="no_time_limit")


def _expressions(definition: Definition) -> Iterator[tuple[str, Expression]]:
    """(pointer of the field, expression) of every expression of a definition."""
    for task_id, task in definition.tasks.items():
        fields, at = definition.flat.tasks[task_id], definition.flat.place(task_id)
        roots = roots_of(fields)
        if task.when is not None:
            yield f"{at}/when", task.when
        for name, value in payload_of(fields).items():
            yield from ((at + join_pointer("", name), item) for item in Template(value, roots=roots).expressions())
        of_mapping = definition.flat.place(task.map_group or task_id)
        if task.repeat is not None:
            yield f"{at}/repeat/until", task.repeat.until
        for name, template in task.expand.items():
            yield from ((of_mapping + join_pointer("/expand", name), item) for item in template.expressions())
        if task.key is not None:
            yield from ((f"{of_mapping}/key", item) for item in task.key.expressions())
    for name, template in definition.outputs.items():
        yield from ((join_pointer("/outputs", name), item) for item in template.expressions())


def _strings(value: Any, pointer: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield pointer, value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _strings(item, join_pointer(pointer, name))
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from _strings(item, join_pointer(pointer, position))
