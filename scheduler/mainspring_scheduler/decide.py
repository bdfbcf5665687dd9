"""The decision on one ready instance: trigger rule, `when`, limits of its task, expansion, then its task type's own.

Reads what the expressions name, writes nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import product
from typing import Any

from mainspring.definition.model import Task, TaskType
from mainspring.errors import ExpressionError
from mainspring.expressions import Expression, Template
from mainspring.states import StateReason, TaskState
from mainspring.trigger_rules import Decision, evaluate
from mainspring_scheduler.branching import chosen_tasks
from mainspring_scheduler.choices import Choice, Expand, Park, Queue, Resolve
from mainspring_scheduler.run_context import expression_context
from mainspring_scheduler.versions import Version
from mainspring_store.scheduling import Candidate, Pass

__all__ = ["Question", "decide", "has_limits"]

MAPPED_MAX = 10_000


class Question:
    """One ready instance, with everything that may be asked about it."""

    def __init__(
        self, scheduling: Pass, candidate: Candidate, version: Version, run: Mapping[str, Any], now: datetime
    ) -> None:
        self.scheduling = scheduling
        self.candidate = candidate
        self.version = version
        self.run = run
        self.now = now
        self.task: Task = version.tasks[candidate.task_index]

    def evaluate(self, expression: Expression) -> Any:
        return expression.evaluate(self._names(expression.task_references))

    def render(self, template: Template) -> Any:
        if template.is_constant:
            return template.source
        return template.render(self._names(template.task_references))

    def _names(self, task_references: frozenset[str]) -> Mapping[str, Any]:
        extra = {
            "task_id": self.task.task_id,
            "try_number": self.candidate.try_number + 1,
            "map": self.candidate.map_value or {},
        }
        return expression_context(
            self.scheduling, self.version, self.candidate.dag_run_id, self.run, task_references, extra
        )


def decide(question: Question) -> Choice:
    """What becomes of the instance now.

    Raises:
        ExpressionError: One of its expressions cannot be evaluated on what its upstream made.
    """
    task, candidate = question.task, question.candidate
    is_placeholder = task.is_mapped and candidate.map_value is None
    match evaluate(task.trigger_rule, candidate.counts):
        case Decision.SKIP:
            return Resolve(TaskState.SKIPPED, StateReason.TRIGGER_RULE)
        case Decision.UPSTREAM_FAILED:
            return Resolve(TaskState.UPSTREAM_FAILED, StateReason.TRIGGER_RULE)
    if parked := _parked(question, is_placeholder):
        return parked
    if task.when is not None and not (is_placeholder and "map" in task.when.names) and not _holds(question):
        return Resolve(TaskState.SKIPPED, StateReason.WHEN)
    if is_placeholder:
        return _expanded(question)
    return _BY_TYPE.get(task.type, _queued)(question)


def has_limits(task: Task) -> bool:
    """Whether instances of this task may be parked, so that the end of one must wake the others."""
    return task.depends_on_past or task.max_active_tis is not None or task.max_active_tis_per_dag is not None


def _parked(question: Question, is_placeholder: bool) -> Park | None:
    """Whether the limits of the task itself, beyond those of run, pool and executor, hold it back."""
    task, candidate, scheduling = question.task, question.candidate, question.scheduling
    if is_placeholder or not has_limits(task):
        return None
    if task.depends_on_past and not scheduling.past_succeeded(candidate, task.task_id):
        return Park(StateReason.DEPENDS_ON_PAST)
    if task.max_active_tis is not None and scheduling.active_in_run(candidate) >= task.max_active_tis:
        return Park(StateReason.MAX_ACTIVE_TIS)
    limit = task.max_active_tis_per_dag
    if limit is not None and scheduling.active_in_dag(candidate.dag_id, task.task_id) >= limit:
        return Park(StateReason.MAX_ACTIVE_TIS)
    return None


def _holds(question: Question) -> bool:
    when = question.task.when
    assert when is not None
    result = question.evaluate(when)
    if not isinstance(result, bool):
        raise ExpressionError(
            f"when: {when.source} gave {result!r}; it must give true or false. Compare it, as in `... == 'x'`"
        )
    return result


def _expanded(question: Question) -> Choice:
    lists = {name: _items(name, question.render(template)) for name, template in question.task.expand.items()}
    count = 1
    for items in lists.values():
        count *= len(items)
    if count > MAPPED_MAX:
        raise ExpressionError(
            f"expand gives {count} instances; at most {MAPPED_MAX} are possible. Expand over a shorter list"
        )
    if count == 0:
        return Resolve(TaskState.SKIPPED, StateReason.EXPAND_EMPTY)
    return Expand([dict(zip(lists, items, strict=True)) for items in product(*lists.values())])


def _items(name: str, value: Any) -> Sequence[Any]:
    if isinstance(value, Mapping):
        return [{"key": key, "value": item} for key, item in value.items()]
    if isinstance(value, list | tuple):
        return value
    raise ExpressionError(f"expand: {name} gave {type(value).__name__} {value!r}; it must give a list or a map")


def _queued(question: Question) -> Choice:
    return Queue(question.render(question.task.payload))


def _noop(_: Question) -> Choice:
    return Resolve(TaskState.SUCCESS)


def _branch(question: Question) -> Choice:
    payload = question.task.payload
    if "choose" not in payload.source:
        return _queued(question)
    value = question.render(payload)["choose"]
    chosen = chosen_tasks(question.version, question.candidate.task_index, value)
    return Resolve(TaskState.SUCCESS, outputs={"return_value": value}, branch=chosen)


_BY_TYPE: Mapping[str, Callable[[Question], Choice]] = {
    TaskType.NOOP: _noop,
    TaskType.BRANCH: _branch,
}
"""Task types that are decided here; every other one is carried out by an executor."""
