"""The context of a decision on one ready task instance."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson

from mainspring.definition.model import Task
from mainspring.definition.secret_names import secrets_to_open
from mainspring.expressions import Expression, Template
from mainspring.large_values import LargeValue, split_payload
from mainspring.states import StateReason, TaskState
from mainspring_scheduler.decisions.capacity import Capacity
from mainspring_scheduler.decisions.decision_types import Decision, Fail, Queue
from mainspring_scheduler.decisions.lookups import Lookups
from mainspring_scheduler.decisions.run_context import expression_context, run_end
from mainspring_scheduler.versions import Version, Versions
from mainspring_store.scheduling import Candidate, Pass

__all__ = ["DecisionContext"]


class DecisionContext:
    """One ready instance with its version, run, capacity, lookups and time."""

    def __init__(
        self,
        scheduling: Pass,
        candidate: Candidate,
        version: Version,
        run: Mapping[str, Any],
        capacity: Capacity,
        lookups: Lookups,
        versions: Versions,
        now: datetime,
    ) -> None:
        self.scheduling = scheduling
        self.candidate = candidate
        self.version = version
        self.run = run
        self.capacity = capacity
        self.lookups = lookups
        self.versions = versions
        self.now = now
        self.task: Task = version.tasks[candidate.task_index]
        self.turn = None if self.task.repeat is None else candidate.turn or 0
        """The turn to decide on, from 0; None = the task has no `repeat`."""

    def evaluate(self, expression: Expression) -> Any:
        return expression.evaluate(self._names(expression))

    def render(self, template: Template) -> Any:
        """The rendered template; raises `ExpressionError` where its value needs the content of a large output."""
        return self._rendered(template, keeps_large=False)

    def render_for_items(self, template: Template, items: Sequence[Mapping[str, Any]]) -> list[Any]:
        """The template rendered once for each item. Reads the outputs that the template names only once."""
        names = self._names(template)
        return [template.render({**names, "map": item}) for item in items]

    def render_payload(self, template: Template) -> tuple[Any, Mapping[str, LargeValue]]:
        """The payload for the process that runs the task, and the references to large outputs by their place in it."""
        return split_payload(self._rendered(template, keeps_large=True))

    def _rendered(self, template: Template, *, keeps_large: bool) -> Any:
        if template.is_constant:
            return template.source
        return template.render(self._names(template), keeps_large=keeps_large)

    def _outputs_of_last_turn(self) -> Mapping[str, Any] | None:
        """None in the first turn."""
        if not self.turn:
            return None
        stored = self.scheduling.reports.outputs_of(self.candidate.id)
        values = {key: (orjson.loads(text), large_id) for key, (text, large_id) in stored.items()}
        return {key: LargeValue.stored(value, large_id) or value for key, (value, large_id) in values.items()}

    def names_skipped(self, template: Template) -> bool:
        """Whether the template names a skipped task, which may have no outputs."""
        tasks = self._names(template).get("tasks", {})
        return any(task["state"] == TaskState.SKIPPED for task in tasks.values())

    def with_secrets(self, queue: Queue, written: Mapping[str, Any]) -> Decision:
        """`queue` with its secrets; a failure when a secret is missing or cannot be opened.

        written: the payload in the definition. Only its literals name secrets: an expression cannot.

        Raises:
            ExpressionError: The rendered payload holds an object in place of a text.
        """
        names = secrets_to_open(written, queue.payload)
        if not names:
            return queue
        secrets = self.lookups.secrets
        for name in sorted(names & secrets.locked.keys()):
            return Fail(StateReason.SECRET_MISSING, f"{secrets.locked[name]}; then clear this task")
        return replace(queue, secrets={name: secrets.values[name] for name in names})

    def _names(self, expression: Expression | Template) -> Mapping[str, Any]:
        extra = {
            "task_id": self.task.task_id,
            "try_number": self.candidate.try_number + (self.candidate.waits_for is None),
            "map": self.candidate.map_value or {},
            "vars": self.lookups.variables,
        }
        run_id = self.candidate.dag_run_id
        if self.task.handler is not None and any(path[0] == "run" for path in expression.paths):
            extra["run"] = run_end(self.scheduling, run_id)
        if self.turn is not None:
            reads_outputs = any(path[:2] in (("turn",), ("turn", "outputs")) for path in expression.paths)
            outputs = self._outputs_of_last_turn() if reads_outputs else None
            extra["turn"] = {"index": self.turn, "outputs": outputs}
        of = self.candidate.task_index, self.candidate.map_index
        return expression_context(self.scheduling, self.version, run_id, self.run, expression.paths, extra, of=of)
