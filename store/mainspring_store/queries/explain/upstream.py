"""The upstream tasks of the instances of a run, and what a trigger rule makes of their states."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, func, literal_column, select

from mainspring.blockers import BlockCode, Blocker
from mainspring.definition.model import Task
from mainspring.states import TASK_FINISHED, TaskState
from mainspring.trigger_rules import TriggerRule
from mainspring_store.tables import task_instance

__all__ = ["Upstream", "read_upstream"]

_AWAITED: Mapping[TriggerRule, str] = {
    TriggerRule.ONE_SUCCESS: "succeeded",
    TriggerRule.ONE_FAILED: "failed",
    TriggerRule.ONE_DONE: "run",
}
"""Rule that a single upstream task satisfies -> what no upstream task has done yet."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """The states of the tasks of one run."""

    states: Mapping[str, Mapping[TaskState, int]]
    """Task id -> state -> number of instances."""

    def blockers(self, task: Task, row: Any) -> Iterator[Blocker]:
        """The wait of an instance for its upstream; none for a root."""
        done = self.done(row)
        if done >= row.up_total:
            return
        unfinished = tuple(name for name in task.depends_on if self._is_unfinished(name))
        awaited = _AWAITED.get(task.trigger_rule)
        if awaited is not None:
            text = f"No upstream task has {awaited} yet, for which `{task.trigger_rule}` waits"
            yield Blocker(code=BlockCode.TRIGGER_RULE, text=text, ids=unfinished)
            return
        text = f"{row.up_total - done} of {row.up_total} upstream task instances have not ended"
        yield Blocker(code=BlockCode.UPSTREAM_NOT_DONE, text=text, ids=unfinished)

    def rule_decided(self, task: Task, row: Any) -> Blocker:
        """The decision of the trigger rule that an instance does not run."""
        counts = {
            "failed": row.up_failed + row.up_upstream_failed,
            "skipped": row.up_skipped,
            "succeeded": row.up_success,
        }
        results = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
        bad = (TaskState.FAILED, TaskState.UPSTREAM_FAILED)
        culprits = [name for name in task.depends_on if any(state in self.states.get(name, ()) for state in bad)]
        skipped = [name for name in task.depends_on if TaskState.SKIPPED in self.states.get(name, ())]
        return Blocker(
            code=BlockCode.TRIGGER_RULE,
            text=f"`{task.trigger_rule}` does not let the task run after its upstream ended: {results or 'no result'}",
            since=row.end_date,
            ids=tuple(culprits or skipped or task.depends_on),
        )

    @staticmethod
    def done(row: Any) -> int:
        done: int = row.up_success + row.up_failed + row.up_upstream_failed + row.up_skipped + row.up_removed
        return done

    def _is_unfinished(self, task_id: str) -> bool:
        return any(state not in TASK_FINISHED for state in self.states.get(task_id, ()))


def read_upstream(connection: Connection, run_key: int) -> Upstream:
    """The states of all tasks of a run."""
    states: dict[str, dict[TaskState, int]] = {}
    for row in connection.execute(_STATES, {"run": run_key}):
        states.setdefault(row.task_id, {})[TaskState(row.state)] = row.instances
    return Upstream(states)


_STATES = (
    select(task_instance.c.task_id, task_instance.c.state, func.count().label("instances"))
    .where(task_instance.c.dag_run_id == bindparam("run"), task_instance.c.state != literal_column("'removed'"))
    .group_by(task_instance.c.task_id, task_instance.c.state)
)
