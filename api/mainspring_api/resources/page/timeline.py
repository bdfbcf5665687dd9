"""A run on a line of time: bars of each task, the critical path, and the failures that caused the others."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from flask import Response, g
from marshmallow import fields, validate

from mainspring.definition.model import Definition
from mainspring.graph import Graph
from mainspring.states import TASK_FINISHED, TaskState
from mainspring_api.http.answers import answer
from mainspring_api.http.context import context
from mainspring_api.http.fields import Answer, Choice, Instant, Query
from mainspring_api.http.operations import Resource
from mainspring_api.resources.instances.instance_fields import RoleFields, rendered_map_index, role_fields
from mainspring_api.resources.page.compact import Counts, Row
from mainspring_api.resources.page.grid import worst_state
from mainspring_store.access.roles import Role
from mainspring_store.queries.page.timeline import TimelineInstance, TimelineTry, read_timeline

__all__ = ["blueprint"]

blueprint = Resource("timeline", "Timeline: a run on a line of time", tag="page_views")

ROOTS_MAX = 20
_NEVER = datetime.max.replace(tzinfo=UTC)
NAMED_MAX = 3
"""Tasks that one sentence names."""


class TimelineRow(RoleFields):
    """An instance on the line; a mapped task that is not expanded is one row."""

    task_id = fields.String()
    map_index = fields.Integer()
    rendered_map_index = fields.String(
        allow_none=True,
        metadata={"description": "Key of a mapped instance, otherwise `map_index`; null = not mapped, or folded"},
    )
    state = Choice(TaskState, metadata={"description": "State of the instance; of a folded task the worst one"})
    state_reason = fields.String(allow_none=True, metadata={"description": "Code of the cause of the state"})
    text = fields.String(
        allow_none=True,
        metadata={"description": "What the instance waits for, or why it did not run, as a sentence; null = it ran"},
    )
    upstream = fields.List(
        fields.String(),
        metadata={"description": f"Tasks before it that failed, or that it waits for; the first {NAMED_MAX}"},
    )
    upstream_more = fields.Integer(metadata={"description": "Number of further tasks of that kind"})
    not_before = Instant(allow_none=True, metadata={"description": "Start of the next try; null = no try is due"})
    tries = fields.List(
        Row("number, queued, start, end, state, worker"),
        metadata={"description": "Attempts, oldest first; of a folded task one entry that spans all its instances"},
    )
    counts = Counts("Number of instances by state of a folded task; null = no folded task", allow_none=True)


class ParentTask(Answer):
    """The instance of a `dag` task that made a run."""

    dag_id = fields.String()
    dag_run_id = fields.String()
    task_id = fields.String()
    map_index = fields.Integer()


class Timeline(Answer):
    """A run on a line of time."""

    instances = fields.List(fields.Nested(TimelineRow), metadata={"description": "In the order of the definition"})
    critical_path = fields.List(
        Row("task_id, map_index"),
        metadata={"description": "Instances that decided how long the run took, in the order of their starts"},
    )
    medians = fields.Dict(
        keys=fields.String(),
        values=fields.Float(),
        metadata={"description": "Task id -> median seconds in the latest successful runs of the DAG"},
    )
    median_duration = fields.Float(
        allow_none=True,
        metadata={"description": "Median seconds of the successful ones of the latest 20 runs of the DAG; null = none"},
    )
    roots = fields.List(
        Row("task_id, map_index"),
        metadata={"description": "Failed instances that no other failure caused, the first failure first, at most 20"},
    )
    parent = fields.Nested(
        ParentTask,
        allow_none=True,
        metadata={"description": "Task that made the run; null = none, or a task of a DAG that the caller may not see"},
    )


class TimelineQuery(Query):
    expand = fields.List(
        fields.String(),
        load_default=list,
        validate=validate.Length(max=50),
        metadata={"description": "Mapped tasks whose instances are rows of their own"},
    )


@blueprint.operation(
    "GET",
    "/dags/<dag_id>/dagRuns/<dag_run_id>/timeline",
    "get_timeline",
    role=Role.VIEWER,
    answer=Timeline,
    query=TimelineQuery,
    errors=(404,),
)
def get_timeline(query: Mapping[str, Any], dag_id: str, dag_run_id: str) -> Response:
    """A run on a line of time. Mapped tasks are folded into counts unless they are expanded."""
    ctx = context()
    timeline = read_timeline(ctx.database, dag_id, dag_run_id, expanded=query["expand"], seen=g.user.seen)
    run = _Run(ctx.versions.definition(timeline.version_id), timeline.instances, timeline.tries)
    return answer(
        {
            "instances": run.rows(frozenset(query["expand"])),
            "critical_path": run.critical_path(),
            "medians": timeline.medians,
            "median_duration": timeline.median_duration,
            "roots": run.roots(),
            "parent": None if timeline.parent is None else asdict(timeline.parent),
        }
    )


class _Run:
    """The instances of one run, with what follows from their graph."""

    def __init__(
        self, definition: Definition, instances: Sequence[TimelineInstance], tries: Iterable[TimelineTry]
    ) -> None:
        self._tasks = definition.tasks
        self._upstream = {task.task_id: task.depends_on for task in definition.tasks.values()}
        graph = Graph.of(definition.tasks)
        self._order = [graph.task_ids[index] for index in graph.order]
        self._by_task: dict[str, list[TimelineInstance]] = {}
        for instance in instances:
            self._by_task.setdefault(instance.task_id, []).append(instance)
        self._tries: dict[int, list[TimelineTry]] = {}
        for attempt in tries:
            self._tries.setdefault(attempt.instance_key, []).append(attempt)

    def rows(self, expanded: frozenset[str]) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for task_id, instances in self._by_task.items():
            if instances[-1].map_index >= 0 and task_id not in expanded:
                rows.append(self._folded(task_id, [member for member in instances if member.map_index >= 0]))
            else:
                rows += [self._row(instance) for instance in instances]
        return rows

    def critical_path(self) -> list[tuple[str, int]]:
        """From the instance that ended last, back along the upstream that ended last."""
        finished = [
            member for members in self._by_task.values() for member in members if member.end_date and member.start_date
        ]
        path: list[tuple[str, int]] = []
        current = max(finished, key=_end, default=None)
        while current is not None:
            path.append((current.task_id, current.map_index))
            sources = [
                member
                for name in self._upstream.get(current.task_id, ())
                for member in self._by_task.get(name, ())
                if member.end_date and member.start_date
            ]
            current = max(sources, key=_end, default=None)
        return path[::-1]

    def roots(self) -> list[tuple[str, int]]:
        """Failed instances without a failed task upstream, by the instant of the failure."""
        has_failed: set[str] = set()
        failed: list[TimelineInstance] = []
        for task_id in self._order:
            members = [member for member in self._by_task.get(task_id, ()) if member.state == TaskState.FAILED]
            is_caused = any(name in has_failed for name in self._upstream.get(task_id, ()))
            if members or is_caused:
                has_failed.add(task_id)
            if not is_caused:
                failed += members
        failed.sort(key=lambda member: (member.end_date or _NEVER, member.map_index))
        return [(member.task_id, member.map_index) for member in failed[:ROOTS_MAX]]

    def _row(self, instance: TimelineInstance) -> dict[str, Any]:
        return {
            "task_id": instance.task_id,
            "map_index": instance.map_index,
            "rendered_map_index": rendered_map_index(instance.map_index, instance.map_key),
            **role_fields(self._tasks.get(instance.task_id)),
            "state": instance.state,
            "state_reason": instance.state_reason,
            **self._waits(instance),
            "tries": [
                (member.try_number, member.queued_at, member.start_date, member.end_date, member.state, member.hostname)
                for member in self._tries.get(instance.key, ())
            ],
            "counts": None,
        }

    def _folded(self, task_id: str, members: Sequence[TimelineInstance]) -> dict[str, Any]:
        counts: dict[str, int] = {}
        for member in members:
            counts[member.state] = counts.get(member.state, 0) + 1
        state = worst_state(counts)
        example = next(member for member in members if member.state == state)
        queued, starts = [member.queued_at for member in members], [member.start_date for member in members]
        ends = [member.end_date for member in members]
        is_over = all(member.state in TASK_FINISHED for member in members)
        span = (
            max(member.try_number for member in members),
            min(filter(None, queued), default=None),
            min(filter(None, starts), default=None),
            max(filter(None, ends), default=None) if is_over else None,
            state,
            None,
        )
        return {
            "task_id": task_id,
            "map_index": -1,
            "rendered_map_index": None,
            **role_fields(self._tasks.get(task_id)),
            "state": state,
            "state_reason": example.state_reason,
            **self._waits(example),
            "tries": [span] if any(starts) or any(queued) else [],
            "counts": counts,
        }

    def _waits(self, instance: TimelineInstance) -> dict[str, Any]:
        """Why the instance does not run, as a sentence and in parts for clients that word it themselves."""
        names: list[str] = []
        if instance.state == TaskState.UPSTREAM_FAILED:
            names = self._upstream_in(instance, (TaskState.FAILED, TaskState.UPSTREAM_FAILED))
        elif instance.state == TaskState.SCHEDULED:
            names = self._upstream_unfinished(instance)
        return {
            "text": self._text(instance, names),
            "upstream": names[:NAMED_MAX],
            "upstream_more": max(0, len(names) - NAMED_MAX),
            "not_before": instance.not_before if instance.state == TaskState.UP_FOR_RETRY else None,
        }

    def _text(self, instance: TimelineInstance, names: Sequence[str]) -> str | None:
        match instance.state:
            case TaskState.UPSTREAM_FAILED:
                return f"did not run: {_named(names)} failed" if names else "did not run: a task before it failed"
            case TaskState.SKIPPED | TaskState.REMOVED | TaskState.FAILED:
                return instance.message or (None if instance.start_date else instance.state_reason)
            case TaskState.SCHEDULED:
                return f"waits for {_named(names)}" if names else "waits for a place"
            case TaskState.QUEUED:
                return "waits for a worker"
            case TaskState.UP_FOR_RETRY:
                return f"next try at {instance.not_before:%Y-%m-%dT%H:%M:%SZ}" if instance.not_before else None
            case TaskState.DEFERRED:
                kind = instance.waits_for.get("kind") if isinstance(instance.waits_for, dict) else None
                return f"waits: {kind}" if kind else "waits"
        return None

    def _upstream_in(self, instance: TimelineInstance, states: Sequence[TaskState]) -> list[str]:
        return [
            name
            for name in self._upstream.get(instance.task_id, ())
            if any(member.state in states for member in self._by_task.get(name, ()))
        ]

    def _upstream_unfinished(self, instance: TimelineInstance) -> list[str]:
        return [
            name
            for name in self._upstream.get(instance.task_id, ())
            if any(member.state not in TASK_FINISHED for member in self._by_task.get(name, ()))
        ]


def _end(instance: TimelineInstance) -> datetime:
    assert instance.end_date is not None, "only ended instances are compared"
    return instance.end_date


def _named(names: Sequence[str]) -> str:
    more = len(names) - NAMED_MAX
    return ", ".join(names[:NAMED_MAX]) + (f" and {more} more" if more > 0 else "")
