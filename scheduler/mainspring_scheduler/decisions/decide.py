"""The decision on one ready instance: trigger rule, `when`, limits of its task, expansion, then its task type's own.

Reads what the expressions name, writes nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import product
from typing import Any

from mainspring.definition.model import Task, TaskType
from mainspring.errors import ExpressionError
from mainspring.expressions import Expression, Template
from mainspring.states import StateReason, TaskState
from mainspring.trigger_rules import Decision, evaluate
from mainspring_scheduler.decisions.capacity import Room
from mainspring_scheduler.decisions.choices import Choice, Expand, Fail, Park, Queue, Resolve
from mainspring_scheduler.decisions.deferring import begin_approval, begin_run, begin_wait, next_poke
from mainspring_scheduler.decisions.lookups import Lookups
from mainspring_scheduler.decisions.run_context import expression_context
from mainspring_scheduler.progress.branching import chosen_tasks
from mainspring_scheduler.progress.outcomes import is_past_deadline
from mainspring_scheduler.versions import Version, Versions
from mainspring_store.scheduling import Candidate, Pass

__all__ = ["Question", "decide"]

MAPPED_MAX = 10_000


class Question:
    """One ready instance, with everything that may be asked about it."""

    def __init__(
        self,
        scheduling: Pass,
        candidate: Candidate,
        version: Version,
        run: Mapping[str, Any],
        room: Room,
        lookups: Lookups,
        versions: Versions,
        now: datetime,
    ) -> None:
        self.scheduling = scheduling
        self.candidate = candidate
        self.version = version
        self.run = run
        self.room = room
        self.lookups = lookups
        self.versions = versions
        self.now = now
        self.task: Task = version.tasks[candidate.task_index]

    def evaluate(self, expression: Expression) -> Any:
        return expression.evaluate(self._names(expression.task_references))

    def render(self, template: Template) -> Any:
        if template.is_constant:
            return template.source
        return template.render(self._names(template.task_references))

    def with_secrets(self, queue: Queue) -> Choice:
        """`queue` with the secrets that the task names; a failure when one of them cannot be had."""
        names = self.version.secret_names.get(self.task.index)
        if not names:
            return queue
        secrets = self.lookups.secrets
        for name in sorted(names & secrets.locked.keys()):
            return Fail(StateReason.SECRET_MISSING, f"{secrets.locked[name]}; then clear this task")
        return replace(queue, secrets={name: secrets.values[name] for name in names})

    def _names(self, task_references: frozenset[str]) -> Mapping[str, Any]:
        extra = {
            "task_id": self.task.task_id,
            "try_number": self.candidate.try_number + (self.candidate.waits_for is None),
            "map": self.candidate.map_value or {},
            "vars": self.lookups.variables,
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
    if candidate.waits_for is not None:  # it was let run when its wait began
        return next_poke(question)
    is_placeholder = task.is_mapped and candidate.map_value is None
    match evaluate(task.trigger_rule, candidate.counts):
        case Decision.WAIT:
            # Asked too early: the next result of its upstream asks again.
            return Park(None)
        case Decision.SKIP:
            return Resolve(TaskState.SKIPPED, StateReason.TRIGGER_RULE)
        case Decision.UPSTREAM_FAILED:
            return Resolve(TaskState.UPSTREAM_FAILED, StateReason.TRIGGER_RULE)
    if candidate.pool_slots_free is None:
        return Fail(StateReason.POOL_MISSING, f"there is no pool '{candidate.pool}'; create it, then clear this task")
    if _is_too_late(question):
        return Fail(StateReason.DEADLINE, "its retry_deadline had passed before another try could start")
    parked = None if is_placeholder else question.room.parked(candidate, task)
    if parked is not None:
        return Park(parked)
    if task.when is not None and not (is_placeholder and "map" in task.when.names) and not _holds(question):
        return Resolve(TaskState.SKIPPED, StateReason.WHEN)
    if is_placeholder:
        return _expanded(question)
    return _BY_TYPE.get(task.type, _queued)(question)


def _is_too_late(question: Question) -> bool:
    first_started_at = question.lookups.first_starts.get(question.candidate.id)
    return first_started_at is not None and is_past_deadline(question.task, first_started_at, question.now)


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
    return question.with_secrets(Queue(question.render(question.task.payload)))


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
    TaskType.WAIT: begin_wait,
    TaskType.APPROVAL: begin_approval,
    TaskType.DAG: begin_run,
}
"""Task types that are decided here; every other one is carried out by an executor."""
