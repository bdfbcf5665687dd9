"""The grid of a DAG: its latest runs and the states of all their tasks, in one answer."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from flask import Response
from itsdangerous import BadSignature
from marshmallow import fields, validate

from mainspring.definition.model import Task
from mainspring.errors import Problem
from mainspring.graph import Graph
from mainspring.states import RunState, RunType, TaskState
from mainspring_api.http.answers import answer
from mainspring_api.http.context import Context, context
from mainspring_api.http.fields import Answer, Choice, Instant, Query
from mainspring_api.http.operations import Resource
from mainspring_api.http.problems import InvalidQuery
from mainspring_api.resources.instances.instance_fields import RoleFields, role_fields
from mainspring_api.resources.page.compact import Row
from mainspring_store.access.roles import Role
from mainspring_store.queries.page.grid import GridInstance, GridRun, grid_instances, grid_runs

__all__ = ["blueprint", "worst_state"]

blueprint = Resource("grid", "Grid: the latest runs of a DAG", tag="page_views")

RUNS_MAX = 100
_SALT = "grid"
_WORST_FIRST = (
    TaskState.FAILED,
    TaskState.UPSTREAM_FAILED,
    TaskState.UP_FOR_RETRY,
    TaskState.RUNNING,
    TaskState.QUEUED,
    TaskState.DEFERRED,
    TaskState.SCHEDULED,
    TaskState.SUCCESS,
    TaskState.SKIPPED,
    TaskState.REMOVED,
)
_RANKS: Mapping[str, int] = {state.value: rank for rank, state in enumerate(_WORST_FIRST)}

Cell = tuple[str, int] | tuple[str, int, dict[str, int]]


class GridTask(RoleFields):
    """A row of the grid."""

    task_id = fields.String()
    is_mapped = fields.Boolean(metadata={"description": "Whether the task is expanded over a list"})
    versions = fields.List(
        fields.Integer(),
        metadata={"description": "First and last version number in view that has the task"},
    )


class GridColumn(Answer):
    """A run as a column of the grid."""

    dag_run_id = fields.String()
    run_type = Choice(RunType, metadata={"description": "What made the run"})
    state = Choice(RunState, metadata={"description": "State of the run"})
    version_number = fields.Integer(metadata={"description": "Version of the DAG that the run executes"})
    run_after = Instant()
    start_date = Instant(allow_none=True)
    end_date = Instant(allow_none=True)
    cells = fields.List(
        Row(
            "state, tries, and for a mapped task the number of instances by state. Null = the run has no such task",
            allow_none=True,
        ),
        metadata={"description": "Cells in the order of `tasks`; a mapped task shows its worst state"},
    )


class Grid(Answer):
    """The latest runs of a DAG with all their tasks."""

    tasks = fields.List(
        fields.Nested(GridTask), metadata={"description": "Tasks of all versions in view, upstream before downstream"}
    )
    runs = fields.List(fields.Nested(GridColumn), metadata={"description": "Oldest first"})
    before = fields.String(
        allow_none=True, metadata={"description": "`before` for earlier runs; null = there are none"}
    )


class GridQuery(Query):
    runs = fields.Integer(
        load_default=24, validate=validate.Range(min=1, max=RUNS_MAX), metadata={"description": "Number of runs"}
    )
    before = fields.String(load_default=None, metadata={"description": "`before` of the answer with later runs"})
    run_type = fields.List(
        Choice(RunType), load_default=list, metadata={"description": "Types of runs to show; absent = all"}
    )
    state = fields.List(
        Choice(RunState), load_default=list, metadata={"description": "States of runs to show; absent = all"}
    )


@blueprint.operation(
    "GET", "/dags/<dag_id>/grid", "get_grid", role=Role.VIEWER, answer=Grid, query=GridQuery, errors=(404,)
)
def get_grid(query: Mapping[str, Any], dag_id: str) -> Response:
    """The latest runs of a DAG and the state of each task in each run."""
    ctx = context()
    count = query["runs"]
    edge = None if query["before"] is None else _read_before(ctx, dag_id, query["before"])
    runs = grid_runs(
        ctx.database, dag_id, count=count + 1, edge=edge, run_types=query["run_type"], states=query["state"]
    )
    has_more, runs = len(runs) > count, runs[:count]
    cells = _cells(grid_instances(ctx.database, [run.key for run in runs]))
    tasks = _tasks(ctx, runs)
    last = runs[-1] if has_more else None
    token = [dag_id, last.run_after.isoformat(), last.key] if last else None
    return answer(
        {
            "tasks": list(tasks.values()),
            "runs": [_column(run, cells.get(run.key, {}), tasks) for run in reversed(runs)],
            "before": ctx.signer.dumps(token, salt=_SALT) if token else None,
        }
    )


def worst_state(states: Iterable[str]) -> str:
    """The state that a person should know first."""
    return min(states, key=_RANKS.__getitem__)


def _read_before(ctx: Context, dag_id: str, token: str) -> tuple[datetime, int]:
    try:
        of_dag, run_after, key = ctx.signer.loads(token, salt=_SALT)
    except BadSignature:
        of_dag = None
    if of_dag != dag_id:
        message = "is not a value that this DAG's grid gave out; leave it out"
        raise InvalidQuery([Problem(pointer="/before", message=message, code="invalid_value")])
    return datetime.fromisoformat(run_after), key


def _cells(instances: Iterable[GridInstance]) -> dict[int, dict[str, Cell]]:
    """Key of the run -> task id -> cell."""
    cells: dict[int, dict[str, Cell]] = {}
    mapped: dict[tuple[int, str], list[tuple[str, int]]] = {}
    for key, task_id, map_index, state, tries in instances:
        if map_index >= 0:
            mapped.setdefault((key, task_id), []).append((state, tries))
        else:
            cells.setdefault(key, {})[task_id] = (state, tries)
    for (key, task_id), members in mapped.items():
        counts: dict[str, int] = {}
        for state, _ in members:
            counts[state] = counts.get(state, 0) + 1
        cells.setdefault(key, {})[task_id] = (worst_state(counts), max(tries for _, tries in members), counts)
    return cells


def _tasks(ctx: Context, runs: Sequence[GridRun]) -> dict[str, dict[str, Any]]:
    """The tasks of all versions of the runs, upstream first. Tasks of the latest version keep its order."""
    numbers = {run.version_number: run.version_id for run in runs}
    tasks: dict[str, dict[str, Any]] = {}
    order: list[str] = []
    latest = max(numbers, default=0)
    for number in sorted(numbers, reverse=True):
        definition = ctx.versions.definition(numbers[number])
        graph = Graph.of(definition.tasks)
        previous: str | None = None
        for index in graph.order:
            task_id = graph.task_ids[index]
            if task_id in tasks:
                tasks[task_id]["versions"][0] = number
            else:
                tasks[task_id] = _row(definition.tasks[task_id], number)
                # A task of an earlier version alone stands behind the task that stood before it.
                place = len(order) if number == latest else order.index(previous) + 1 if previous else 0
                order.insert(place, task_id)
            previous = task_id
    return {task_id: tasks[task_id] for task_id in order}


def _row(task: Task, version_number: int) -> dict[str, Any]:
    return {
        "task_id": task.task_id,
        "is_mapped": task.is_mapped,
        **role_fields(task),
        "versions": [version_number, version_number],
    }


def _column(run: GridRun, cells: Mapping[str, Cell], tasks: Iterable[str]) -> dict[str, Any]:
    return {
        "dag_run_id": run.run_id,
        "run_type": run.run_type,
        "state": run.state,
        "version_number": run.version_number,
        "run_after": run.run_after,
        "start_date": run.start_date,
        "end_date": run.end_date,
        "cells": [cells.get(task_id) for task_id in tasks],
    }
