"""The first task instances of a run, computed once for each definition."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from threading import Lock
from typing import Any

from mainspring.definition.model import Deadline, Definition, Task
from mainspring.graph import Graph
from mainspring.run_priority import rank_of_weight
from mainspring.states import StateReason, TaskState
from mainspring.trigger_rules import wake_on
from mainspring_store.database.batches import Fields, dump_rows

__all__ = ["OF_RUN", "PLAN_FIELDS", "STATE_FIELDS", "InstancePlan", "initial_state", "plan_of", "plan_rows"]

PLAN_FIELDS: Fields = {
    "task_id": str,
    "task_index": int,
    "max_tries": int,
    "up_total": int,
    "wake_on": int,
    "operator": str,
    "rank": int,
    "pool": str,
    "pool_slots": int,
    "queue": str,
    "executor": str,
}
STATE_FIELDS: Fields = {"state": str, "state_reason": str}
"""The state of a new instance: a handler of the run is removed until its run ends."""
_KEPT_MAX = 128
OF_RUN = ""
"""Stands for a task id where a deadline is about the run itself."""


class InstancePlan:
    """Rows of `PLAN_FIELDS`, ready to be bound."""

    def __init__(self, definition: Definition, graph: Graph) -> None:
        self.count = len(definition.tasks)
        self.handlers = sum(task.handler is not None for task in definition.tasks.values())
        self.max_active_tasks = definition.max_active_tasks
        of_tasks = [(task.task_id, task.deadline) for task in definition.tasks.values() if task.deadline is not None]
        of_run = [] if definition.deadline is None else [(OF_RUN, definition.deadline)]
        self.deadlines: Sequence[tuple[str, Deadline]] = [*of_run, *of_tasks]
        """Task id, or `OF_RUN`, and its deadline; empty for most definitions."""
        self.rows = dump_rows(plan_rows(definition, graph))


def initial_state(task: Task) -> tuple[TaskState, StateReason | None]:
    """State and reason of an instance before anything happened to it: a handler of the run is removed until its run
    ends."""
    if task.handler is None:
        return TaskState.SCHEDULED, None
    return TaskState.REMOVED, StateReason.HANDLER


def plan_rows(definition: Definition, graph: Graph) -> Iterator[Mapping[str, Any]]:
    """`PLAN_FIELDS` and `STATE_FIELDS` of each task, by task index."""
    for task in definition.tasks.values():
        upstream = len(graph.upstream[task.index])
        yield {
            "task_id": task.task_id,
            "task_index": task.index,
            "max_tries": task.retries,
            "up_total": upstream,
            "wake_on": int(wake_on(task.trigger_rule, upstream)),
            "operator": task.type,
            "rank": rank_of_weight(graph.priority[task.index]),
            "pool": task.pool,
            "pool_slots": task.pool_slots,
            "queue": task.queue,
            "executor": task.executor,
            **dict(zip(STATE_FIELDS, initial_state(task), strict=True)),
        }


_plans: OrderedDict[tuple[str, tuple[str, ...]], InstancePlan] = OrderedDict()
_plans_lock = Lock()


def plan_of(definition: Definition) -> InstancePlan:
    """The plan of a definition, cached by the content hash and the order of the tasks.

    The hash ignores the order of the tasks, and the order decides the task indexes.
    """
    key = (definition.content_hash, tuple(definition.tasks))
    with _plans_lock:
        plan = _plans.get(key)
        if plan is not None:
            _plans.move_to_end(key)
            return plan
    plan = InstancePlan(definition, Graph.of(definition.tasks))
    with _plans_lock:
        _plans[key] = plan
        while len(_plans) > _KEPT_MAX:
            _plans.popitem(last=False)
    return plan
