"""Lets tear-downs run after an end from outside, and then the handlers of a run."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from mainspring.definition.model import Task
from mainspring.run_ends import blame, counts_as, handlers_after, is_from_outside, run_result
from mainspring.states import RunState, StateReason, TaskState
from mainspring.trigger_rules import RuleResult, UpstreamCounts, evaluate
from mainspring_scheduler.versions import Version
from mainspring_store.scheduling import Pass, RunFacts

__all__ = ["begin_handlers", "stopping_runs"]

_States = Sequence[tuple[int, TaskState]]


def stopping_runs(scheduling: Pass, runs: Mapping[int, tuple[RunFacts, Version]]) -> frozenset[int]:
    """The runs that were ended from outside, and have processes that may not have stopped. At most one query.

    runs: those with handlers or tear-downs.
    """
    run_ids = [run_id for run_id, (facts, _) in runs.items() if is_from_outside(facts.ending)]
    return scheduling.runs.stopping(run_ids) if run_ids else frozenset()


def begin_handlers(
    scheduling: Pass,
    runs: Mapping[int, tuple[RunFacts, Version]],
    states: Mapping[int, _States],
    now: datetime,
) -> tuple[frozenset[int], int]:
    """Begin what complete runs still have to run: first tear-downs, then handlers. Collects the effects in the pass.

    Returns the runs in which tasks begin, and the number of these tasks.

    runs: those with handlers or tear-downs. states: of all their instances.
    """
    handled, begun = set(), 0
    for run_id, (facts, version) in sorted(runs.items()):
        reason, message = _coming_end(facts, version, states[run_id])
        handlers = _owed(facts, version, states[run_id]) or _to_begin(reason, version, states[run_id])
        if not handlers:
            continue
        handled.add(run_id)
        rows = list(_rows(version, handlers, states[run_id]))
        for instance in scheduling.runs.begin_handlers(run_id, rows, reason=reason, message=message, now=now):
            scheduling.effects.moved(instance, TaskState.REMOVED, TaskState.SCHEDULED, at=now)
            begun += 1
    return frozenset(handled), begun


def _owed(facts: RunFacts, version: Version, states: _States) -> list[Task]:
    """The tear-downs that the end from outside left to run. A set-up of each has succeeded."""
    if not is_from_outside(facts.ending):
        return []
    removed = {index for index, state in states if state is TaskState.REMOVED}
    present = {index for index, state in states if state is not TaskState.REMOVED}
    return [task for task in version.teardowns if task.index in removed - present]


def _to_begin(reason: str, version: Version, states: _States) -> list[Task]:
    """The handlers for the end of the run that have not run."""
    present = {index for index, state in states if state is not TaskState.REMOVED}
    of_end = handlers_after(version.handlers, reason)
    return [task for task in of_end if task.index not in present]


def _coming_end(facts: RunFacts, version: Version, states: _States) -> tuple[str, str | None]:
    """The reason of the end, or `success`, and its message."""
    if facts.ending is not None:
        return facts.ending, facts.message
    result, culprits = run_result(version.graph, version.tasks, states, version.definition.run_state)
    if result is RunState.SUCCESS:
        return RunState.SUCCESS, None
    return StateReason.TASK_FAILED, blame(culprits)


def _rows(version: Version, handlers: Iterable[Task], states: _States) -> Iterable[Mapping[str, Any]]:
    """The handlers with the counters of their upstream: tasks that have ended or begin now."""
    beginning = {task.index for task in handlers}
    for task in handlers:
        upstream = [index for index in version.graph.upstream[task.index] if index not in beginning]
        states_of_upstream = Counter(
            counts_as(version.tasks[index], state).value for index, state in states if index in upstream
        )
        counts = UpstreamCounts(len(version.graph.upstream[task.index]), **states_of_upstream)
        is_ready = evaluate(task.trigger_rule, counts) is not RuleResult.WAIT
        yield {
            "index": task.index,
            "ready": int(is_ready),
            "retries": task.retries,
            "success": counts.success,
            "failed": counts.failed,
            "upstream_failed": counts.upstream_failed,
            "skipped": counts.skipped,
            "removed": counts.removed,
        }
