"""What a run in this process came to."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mainspring.exit_codes import exit_code_of_run
from mainspring.states import RunState, TaskState

__all__ = ["RunResult", "TaskResult"]


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskResult:
    """One task instance at the end of the run."""

    task_id: str
    map_index: int
    """-1 = not mapped."""
    state: TaskState
    state_reason: str | None
    message: str | None
    """Cause of the end of the latest try; `None` = nothing to report."""
    try_number: int
    """Tries; 0 = the task did not run."""
    exit_code: int | None
    seconds: float | None
    """Duration of the latest try; `None` = it did not run."""
    outputs: Mapping[str, Any]
    log: str
    """Of the latest try."""
    is_stubbed: bool

    @property
    def name(self) -> str:
        return self.task_id if self.map_index < 0 else f"{self.task_id}[{self.map_index}]"


@dataclass(frozen=True, kw_only=True, slots=True)
class RunResult:
    """A run at its end, or at the time limit."""

    dag_id: str
    state: RunState
    state_reason: str | None
    message: str | None
    params: Mapping[str, Any]
    outputs: Mapping[str, Any]
    """Outputs that the DAG declares; empty unless the run has succeeded."""
    seconds: float
    tasks: Sequence[TaskResult]
    """In the order of task ids and map indexes."""
    upstream: Mapping[str, Sequence[str]] = field(repr=False)
    """Task id -> direct upstream, in the order of the definition."""

    @property
    def exit_code(self) -> int:
        """As that of `mainspring run --wait`."""
        return exit_code_of_run(self.state, self.state_reason)

    def task(self, task_id: str, map_index: int = -1) -> TaskResult:
        """One task instance.

        Raises:
            KeyError: The run has no such instance.
        """
        for result in self.tasks:
            if (result.task_id, result.map_index) == (task_id, map_index):
                return result
        raise KeyError(f"the run has no task '{task_id}' with map index {map_index}")

    def tree(self) -> Iterator[str]:
        """The run for people: each task below its first upstream."""
        yield f"{self.dag_id}: {self.state} in {self.seconds:.2f} s" + (f" ({self.message})" if self.message else "")
        children: dict[str | None, list[str]] = {}
        for task_id, upstream in self.upstream.items():
            children.setdefault(upstream[0] if upstream else None, []).append(task_id)
        waiting = [(task_id, 0) for task_id in reversed(children.get(None, []))]
        while waiting:
            task_id, depth = waiting.pop()
            further = self.upstream[task_id][1:]
            for result in self.tasks:
                if result.task_id == task_id:
                    yield (
                        "  " * (depth + 1) + _line(result) + (f"  (after {', '.join(further)} too)" if further else "")
                    )
            waiting += [(child, depth + 1) for child in reversed(children.get(task_id, []))]


def _line(result: TaskResult) -> str:
    seconds = "" if result.seconds is None else f"  {result.seconds:.2f} s"
    parts = [f"{result.name}: {result.state}{seconds}"]
    if result.is_stubbed:
        parts.append("stub")
    parts += [f"{name}={value!r}" for name, value in result.outputs.items()]
    if result.state is TaskState.FAILED:
        parts.append(result.message or result.state_reason or "failed")
    if result.state is TaskState.DEFERRED:
        parts.append("waits for a person, a run or a check; give the task a stub")
    return "  ".join(parts)
