"""The task types, in one table. A type turns an attempt into a plan: a program, a call, or a result at once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from mainspring.attempts import Attempt
from mainspring.errors import ExecutorError
from mainspring_executors.large_inputs import with_values
from mainspring_executors.tasks import file, http, noop, python, shell
from mainspring_executors.tasks.plan import Plan, Work, rejected

__all__ = ["TASK_KINDS", "TaskKind", "kind_of", "plan"]


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskKind:
    """One task type."""

    plan: Callable[[Work], Plan]
    """Raises `TaskEnded` for an invalid payload."""
    needs_process: Callable[[Mapping[str, Any]], bool]
    """Whether this payload needs a process of its own, on every executor."""


TASK_KINDS: Mapping[str, TaskKind] = {
    "shell": TaskKind(plan=shell.plan, needs_process=lambda payload: True),
    "python": TaskKind(plan=python.plan, needs_process=python.needs_process),
    "http": TaskKind(plan=http.plan, needs_process=lambda payload: False),
    "file": TaskKind(plan=file.plan, needs_process=lambda payload: False),
    "noop": TaskKind(plan=noop.plan, needs_process=lambda payload: False),
}


def kind_of(task_type: str) -> TaskKind:
    """Raises `ExecutorError` for a type that no executor carries out."""
    kind = TASK_KINDS.get(task_type)
    if kind is None:
        raise ExecutorError(f"task type '{task_type}' cannot be carried out; known: {', '.join(TASK_KINDS)}")
    return kind


def plan(work: Work) -> Plan:
    """The plan of this attempt. Raises `TaskEnded` for every invalid payload."""
    try:
        if work.attempt.values:
            work = replace(work, attempt=_with_early_values(work.attempt))
        return kind_of(work.attempt.task_type).plan(work)
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as exc:
        # A checked definition never gets here. A hand-made payload must cost only its own attempt.
        raise rejected(f"the payload of the task cannot be understood: {type(exc).__name__}: {exc}") from exc


def _with_early_values(attempt: Attempt) -> Attempt:
    """The attempt with the large values that its plan needs. The arguments of a callable come in its own process."""
    is_call = "callable" in attempt.payload
    return with_values(
        attempt,
        is_wanted=lambda place: not (is_call and place.startswith(python.ARGUMENTS)),
        is_text=lambda place: place.startswith("/inputs"),
    )
