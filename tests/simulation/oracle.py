"""The rules of the engine, spelled a second time and in other words, for the checks to hold against it.

Nothing here calls the code that it judges: where the two spellings disagree, one of them is wrong.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from mainspring.definition.model import Definition, Task
from mainspring.states import RunState, TaskState
from mainspring.trigger_rules import TriggerRule

__all__ = ["FINISHED", "PREVENTING", "after_setups", "before", "decision", "priority", "run_result", "taken_as"]

FINISHED = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})
PREVENTING = frozenset(
    {
        "cancelled",
        "concurrency_key_invalid",
        "concurrency_key_taken",
        "deadline_missed",
        "fail_fast",
        "quarantined",
        "run_marked",
        "superseded",
        "timed_out",
    }
)
"""Reasons of skipped instances that the end of their run kept from running."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a trigger rule may look at."""

    ok: int
    failed: int
    """Itself, not by its own upstream."""
    bad: int
    """Failed in either way."""
    skipped: int
    is_over: bool


Test = Callable[[_Seen], bool | int]


def _never(_: _Seen) -> bool:
    return False


# rule: what dooms the task, what skips it, what lets it run; asked in this order, so a later one may presume that
# the earlier ones do not hold.
_RULES: Mapping[str, tuple[Test, Test, Test]] = {
    "all_success": (lambda up: up.bad, lambda up: up.skipped, lambda up: up.is_over),
    "all_failed": (_never, lambda up: up.ok or up.skipped, lambda up: up.is_over),
    "all_done": (_never, _never, lambda up: up.is_over),
    "all_done_min_one_success": (
        lambda up: up.is_over and not up.ok and not up.skipped,
        lambda up: up.skipped,
        lambda up: up.is_over,
    ),
    # By the upstream alone; `after_setups` tells the rest.
    "all_done_setup_success": (_never, _never, lambda up: up.is_over),
    "all_skipped": (_never, lambda up: up.ok or up.bad, lambda up: up.is_over),
    "one_success": (
        lambda up: up.is_over and not up.ok and up.bad,
        lambda up: up.is_over and not up.ok,
        lambda up: up.ok,
    ),
    "one_failed": (_never, lambda up: up.is_over and not up.bad, lambda up: up.bad),
    "one_done": (_never, lambda up: up.is_over and not (up.ok or up.failed), lambda up: up.ok or up.failed),
    "none_failed": (lambda up: up.bad, _never, lambda up: up.is_over),
    "none_failed_min_one_success": (
        lambda up: up.bad,
        lambda up: up.is_over and not up.ok,
        lambda up: up.is_over,
    ),
    "none_skipped": (_never, lambda up: up.skipped, lambda up: up.is_over),
    "always": (_never, _never, lambda up: True),
}


def taken_as(task: Task, state: str) -> str:
    """What a state of the task is to its downstream and its run."""
    return "success" if state == "failed" and task.allow_failure else state


class _HasItem(Protocol):
    @property
    def map_index(self) -> int: ...


_Row = TypeVar("_Row", bound=_HasItem)


def before(task: Task, instance: _HasItem, other: Task, rows: Sequence[_Row]) -> list[_Row]:
    """Which instances of an upstream task count for an instance: in a mapped group those of its item alone, as long as
    the upstream has items. `rows` and `instance` have a `map_index`."""
    if task.map_group is None or task.map_group != other.map_group:
        return list(rows)
    whole = [one for one in rows if one.map_index < 0]
    return whole or [one for one in rows if one.map_index == instance.map_index]


def decision(rule: TriggerRule, upstream: Sequence[str]) -> str:
    """`run`, `skip`, `upstream_failed` or `wait`, from the states of all direct upstream instances."""
    if not upstream:
        return "run"
    seen = _Seen(
        ok=upstream.count("success"),
        failed=upstream.count("failed"),
        bad=upstream.count("failed") + upstream.count("upstream_failed"),
        skipped=upstream.count("skipped"),
        is_over=all(state in FINISHED for state in upstream),
    )
    doomed, skipped, runs = _RULES[rule.value]
    return "upstream_failed" if doomed(seen) else "skip" if skipped(seen) else "run" if runs(seen) else "wait"


def after_setups(said: str, setups: Sequence[str]) -> str:
    """What a tear-down does, of which its upstream says `said`, from the states of its set-ups."""
    if said != "run" or "success" in setups:
        return said
    return "upstream_failed" if set(setups) - {"skipped", "removed"} else "skip"


def run_result(definition: Definition, states: Mapping[str, Iterable[str]]) -> RunState:
    """How a run must end. `states`: task id -> final states of its instances."""
    downstream: dict[str, list[Task]] = {task_id: [] for task_id in definition.tasks}
    for task in definition.tasks.values():
        for name in task.depends_on:
            downstream[name].append(task)
    for task_id, after in downstream.items():
        # A tear-down is for the run as if it were not there.
        if _is_ignored(definition.tasks[task_id]):
            continue
        after = [task for task in after if not _is_ignored(task)]
        found = {taken_as(definition.tasks[task_id], state) for state in states[task_id]}
        is_leaf_gone_bad = not after and found & {TaskState.FAILED, TaskState.UPSTREAM_FAILED}
        handlers = [
            task
            for task in after
            if task.trigger_rule in ("one_failed", "all_failed") and set(states[task.task_id]) & {"success", "failed"}
        ]
        is_unhandled = "failed" in found and not handlers and definition.run_state != "leaves"
        if is_leaf_gone_bad or is_unhandled:
            return RunState.FAILED
    return RunState.SUCCESS


def _is_ignored(task: Task) -> bool:
    return task.teardown is not None and not task.teardown.fails_run


def priority(definition: Definition, task_id: str) -> int:
    """The effective weight of a task: its own, and by its rule those of all tasks before or after it, each once."""
    tasks = definition.tasks
    neighbours = {
        "absolute": lambda name: (),
        "upstream": lambda name: tasks[name].depends_on,
        "downstream": lambda name: [other for other, task in tasks.items() if name in task.depends_on],
    }[tasks[task_id].weight_rule.value]
    counted, ahead = {task_id}, [task_id]
    while ahead:
        found = set(neighbours(ahead.pop())) - counted
        counted |= found
        ahead += found
    return sum(tasks[name].priority_weight for name in counted)
