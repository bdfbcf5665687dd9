"""Stubs: outputs that stand for the work of a task."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from mainspring.attempts import Attempt, Finished, Outcome, Report, Started
from mainspring.definition.build import regrouped, ungrouped
from mainspring.definition.fields import COMMON_TASK_FIELDS
from mainspring.definition.groups import flatten
from mainspring.errors import InvalidInput, Problem
from mainspring.hints import did_you_mean
from mainspring.pointers import join_pointer
from mainspring_executors.contract import AttemptLocation, Executor, SubmitResult, Submitted

__all__ = ["EXECUTORS", "StubbingExecutor", "stubbed_document"]

EXECUTORS = ("thread", "local")
"""Executors that need no server; the first is the default."""

_KEPT_FIELDS = frozenset(field.name for field in COMMON_TASK_FIELDS)
_PLACEHOLDER: Mapping[str, Any] = {"type": "shell", "command": ["true"]}
"""Stands for the work of a stubbed task; no executor runs it."""


def stubbed_document(document: Mapping[str, Any], stubs: Mapping[str, Any], task_id: str | None) -> dict[str, Any]:
    """A definition in which stubbed tasks have no work: they keep their place, conditions and limits.
    The default executor takes the place of each executor that needs a server.

    task_id: the only task with work; the tasks above it are stubbed, the others are left out. `None` = all tasks.

    Raises:
        InvalidInput: There is no such task.
    """
    flat, document = flatten(document), ungrouped(document)
    tasks: Mapping[str, Any] = document["tasks"]
    for name in (*stubs, *([] if task_id is None else [task_id])):
        if name not in tasks:
            hint = did_you_mean(name, tasks)
            raise InvalidInput(
                [Problem(pointer=join_pointer("/tasks", name), message=f"there is no task '{name}'", hint=hint)]
            )
    ancestors = set(tasks) if task_id is None else _above(tasks, task_id)
    without_work = {*stubs} if task_id is None else {*stubs, *ancestors} - {task_id}
    kept = {
        name: _with_executor(_without_work(task) if name in without_work else task)
        for name, task in tasks.items()
        if name in ancestors or name == task_id
    }
    changed = {**{name: value for name, value in document.items() if name != "tasks"}, **regrouped(kept, flat)}
    if "default_args" in document:
        changed["default_args"] = _with_executor(document["default_args"])
    if task_id is not None:
        changed.pop("outputs", None)  # they may read tasks that are left out
    return changed


def _above(tasks: Mapping[str, Any], task_id: str) -> set[str]:
    """The tasks upstream of a task, directly or not."""
    ancestors: set[str] = set()
    waiting = list(tasks[task_id].get("depends_on", ()))
    while waiting:
        name = waiting.pop()
        if name not in ancestors:
            ancestors.add(name)
            waiting += tasks[name].get("depends_on", ())
    return ancestors


def _without_work(task: Mapping[str, Any]) -> dict[str, Any]:
    return {**{name: value for name, value in task.items() if name in _KEPT_FIELDS}, **_PLACEHOLDER}


def _with_executor(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields without an executor that this process does not have."""
    return {name: value for name, value in fields.items() if name != "executor" or value in EXECUTORS}


class StubbingExecutor:
    """An executor that ends attempts of stubbed tasks with their outputs, and hands the others on."""

    def __init__(self, executor: Executor, stubs: Mapping[str, Any]) -> None:
        """stubs: task id -> outputs; a list of them = one for each instance of a mapped task, by map index."""
        self._executor = executor
        self._stubs = stubs
        self._reports: list[Report] = []
        self.capabilities = executor.capabilities
        self.live: set[str] = set()
        """Attempts whose final report the scheduler has yet to read."""

    @property
    def has_reports(self) -> bool:
        """Whether `reports` returns at once."""
        return bool(self._reports)

    def submit(self, attempts: Sequence[Attempt]) -> Sequence[Submitted]:
        handed_on = [attempt for attempt in attempts if attempt.task_id not in self._stubs]
        for attempt in attempts:
            self.live.add(attempt.attempt_id)
            if attempt.task_id in self._stubs:
                self._reports += self._ends_of(attempt)
        answers = {answer.attempt_id: answer for answer in self._executor.submit(handed_on)} if handed_on else {}
        for answer in answers.values():
            if answer.result is not SubmitResult.ACCEPTED:
                self.live.discard(answer.attempt_id)
        return [
            answers.get(attempt.attempt_id) or Submitted(attempt_id=attempt.attempt_id, result=SubmitResult.ACCEPTED)
            for attempt in attempts
        ]

    def reports(self, timeout: float) -> Sequence[Report]:
        arrived = [*self._reports, *self._executor.reports(0 if self._reports else timeout)]
        self._reports = []
        self.live -= {report.attempt_id for report in arrived if isinstance(report, Finished)}
        return arrived

    def _ends_of(self, attempt: Attempt) -> list[Report]:
        outputs = self._stubs[attempt.task_id]
        if isinstance(outputs, list):
            outputs = outputs[attempt.map_index] if attempt.map_index < len(outputs) else {}
        now = datetime.now(UTC)
        return [
            Started(attempt_id=attempt.attempt_id, seq=1, at=now, hostname="stub"),
            Finished(attempt_id=attempt.attempt_id, seq=2, at=now, outcome=Outcome.SUCCESS, outputs=outputs or {}),
        ]

    def fileno(self) -> int:
        return self._executor.fileno()

    def cancel(self, attempt_ids: Sequence[str]) -> None:
        self._executor.cancel(attempt_ids)

    def recover(self, attempt_ids: Sequence[str]) -> Mapping[str, AttemptLocation]:
        return self._executor.recover(attempt_ids)

    def capacity(self) -> int:
        return self._executor.capacity()

    def headroom(self) -> float:
        return 0.0

    def close(self, grace: timedelta) -> None:
        self._executor.close(grace)
