"""Warnings about definitions: warnings from the text alone, and warnings that need data of the server."""

from collections.abc import Iterator
from typing import Any

from flask import g
from marshmallow import fields

from mainspring.definition import Definition, find_warnings, with_lines
from mainspring.definition.model import TaskType
from mainspring.definition.secret_names import secret_names
from mainspring.errors import Problem
from mainspring.pointers import join_pointer
from mainspring_api.http.context import context
from mainspring_api.http.fields import Answer
from mainspring_api.http.operations import JSON
from mainspring_store.queries.plans import existing_dags, existing_secrets, pool_sizes
from mainspring_store.resources.dags import Source

__all__ = ["WARNINGS", "DefinitionWarning", "warnings_of"]


class DefinitionWarning(Answer):
    """A part of a definition that may not do what its author means."""

    pointer = fields.String(metadata={"description": "RFC 6901 pointer into the definition"})
    message = fields.String(metadata={"description": "Doubt in a sentence"})
    code = fields.String(metadata={"description": "Stable name of this kind of warning"})
    line = fields.Integer(
        allow_none=True, metadata={"description": "Line in a YAML text, from 1; null = the text has no lines"}
    )
    hint = fields.String(allow_none=True, metadata={"description": "Possible cure; null = none"})


WARNINGS = fields.List(
    fields.Nested(DefinitionWarning), metadata={"description": "Doubts about the definition, which is valid"}
)


def warnings_of(
    definition: Definition, source: Source | None, *, planned: frozenset[str] = frozenset()
) -> list[dict[str, Any]]:
    """The `DefinitionWarning`s of a valid definition, in the order of its text.

    planned: ids of the DAGs that are saved together with the definition; they count as existing.
    What the sender of the current request may not see is reported like what does not exist.
    """
    problems = [*find_warnings(definition), *_of_server(definition, planned)]
    if source is not None:
        problems = with_lines(problems, source.text, media="json" if source.media_type == JSON else "yaml")
    return [
        {
            "pointer": problem.pointer,
            "message": problem.message,
            "code": problem.code,
            "line": problem.line,
            "hint": problem.hint,
        }
        for problem in problems
    ]


def _of_server(definition: Definition, planned: frozenset[str]) -> Iterator[Problem]:
    yield from _missing_secrets(definition)
    yield from _missing_dags(definition, planned)
    yield from _small_pools(definition)


def _missing_secrets(definition: Definition) -> Iterator[Problem]:
    names = {task_id: secret_names(task) for task_id, task in definition.flat.tasks.items()}
    wanted = frozenset().union(*names.values())
    existing = {name for name in existing_secrets(context().database, wanted) if g.user.role_on(name) is not None}
    for task_id, of_task in names.items():
        for name in sorted(of_task - existing):
            yield Problem(
                pointer=definition.flat.place(task_id),
                message=f"there is no secret '{name}' yet, or none that you may see",
                hint="create it before the first run",
                code="unknown_secret",
            )


def _missing_dags(definition: Definition, planned: frozenset[str]) -> Iterator[Problem]:
    wanted = {
        f"{definition.flat.place(task_id)}/dag_id": task["dag_id"]
        for task_id, task in definition.flat.tasks.items()
        if task["type"] == TaskType.DAG and task["dag_id"] != definition.dag_id
    }
    awaited = {
        join_pointer("/schedule/after", position, "dag"): item.dag_id
        for position, item in enumerate(definition.schedule.upstream if definition.schedule else ())
    }
    names = (awaited | wanted).values()
    existing = {dag_id for dag_id in existing_dags(context().database, names) if g.user.role_on(dag_id)}
    for pointer, dag_id in (awaited | wanted).items():
        if dag_id not in existing | planned:
            yield Problem(
                pointer=pointer,
                message=f"there is no dag '{dag_id}' yet, or none that you may see",
                hint="save it before the first run" if pointer in wanted else "until it is saved, it starts no run",
                code="unknown_dag",
            )


def _small_pools(definition: Definition) -> Iterator[Problem]:
    sizes = pool_sizes(context().database, {task.pool for task in definition.tasks.values()})
    for task in definition.tasks.values():
        slots = sizes.get(task.pool, -1)
        if 0 <= slots < task.pool_slots:
            yield Problem(
                pointer=definition.flat.place(task.task_id),
                message=f"task '{task.task_id}' takes {task.pool_slots} slots, and pool '{task.pool}' has {slots}",
                hint="the task waits until the pool is larger",
                code="pool_too_small",
            )
