"""Looks at the deadlines whose instant has come: marks what is late, and fails what its definition wants failed."""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime

from mainspring.definition.model import Deadline, DeadlineAction
from mainspring.durations import format_duration
from mainspring.states import StateReason, TaskState
from mainspring_scheduler.progress.fail_fast import note_failure
from mainspring_scheduler.versions import Version, Versions
from mainspring_store.scheduling import Pass
from mainspring_store.scheduling.deadlines import LateInstance, PassedDeadline
from mainspring_store.state.deadlines import DeadlineKind

__all__ = ["meet_deadlines"]

_log = logging.getLogger(__name__)

DEADLINES_MAX = 256
"""Passed deadlines that one round looks at. The next pass looks at the rest."""


def meet_deadlines(scheduling: Pass, versions: Versions, now: datetime) -> tuple[int, bool]:
    """Returns the number of late runs and instances, and whether further deadlines may have passed.

    Leaves the deadlines of runs that another transaction has locked for the next pass. Tasks come before their runs.
    """
    run_ids = scheduling.deadlines.due_runs(now, DEADLINES_MAX)
    locked = scheduling.lock_runs(sorted(set(run_ids)), skip_locked=True)
    if not locked:
        return 0, False
    passed = scheduling.deadlines.take_passed(sorted(locked), now)
    of_runs = _readable_versions(scheduling, versions, locked)
    changes = 0
    # A statement for each kind, so that an instance matches one of its rows.
    for kind in (DeadlineKind.START, DeadlineKind.END):
        of_kind = [row for row in passed if row.task_id and row.kind is kind and row.dag_run_id in of_runs]
        changes += _look_at_tasks(scheduling, of_runs, of_kind, kind, now)
    of_run = [row for row in passed if not row.task_id and row.dag_run_id in of_runs]
    changes += _look_at_runs(scheduling, of_runs, of_run, now)
    return changes, len(run_ids) >= DEADLINES_MAX


def _readable_versions(scheduling: Pass, versions: Versions, run_ids: Iterable[int]) -> dict[int, Version]:
    """Run -> its version, without the runs whose stored definition cannot be read: dispatch stops those runs."""
    readable = {}
    for facts in scheduling.runs.run_facts(sorted(run_ids)):
        try:
            readable[facts.id] = versions.get(facts.version_id, scheduling.runs.version_document)
        except Exception:
            _log.exception("deadlines ignored, definition unreadable: dag=%s run=%s", facts.dag_id, facts.run_id)
    return readable


def _look_at_tasks(
    scheduling: Pass,
    of_runs: dict[int, Version],
    passed: Sequence[PassedDeadline],
    kind: DeadlineKind,
    now: datetime,
) -> int:
    late = scheduling.deadlines.mark_late_instances(passed, now)
    for instance in late:
        _event(scheduling, instance, now)
    doomed = [instance for instance in late if _fails(of_runs[instance.ref.dag_run_id], instance.task_id, kind)]
    failed = scheduling.deadlines.fail(doomed, now)
    for instance in failed:
        version = of_runs[instance.ref.dag_run_id]
        scheduling.effects.moved(
            instance.ref,
            instance.state,
            TaskState.FAILED,
            at=now,
            downstream=version.graph.downstream[instance.ref.task_index],
            in_step=version.graph.in_step[instance.ref.task_index],
            reason=StateReason.DEADLINE_MISSED,
            try_number=instance.try_number,
            is_allowed=version.tasks[instance.ref.task_index].allow_failure,
        )
        note_failure(scheduling, version, instance.ref.dag_run_id, instance.ref.task_index)
    for dag_id, task_id in _tasks_of(failed, of_runs):
        scheduling.unblock(dag_id, task_id)
    return len(late)


def _tasks_of(failed: Iterable[LateInstance], of_runs: dict[int, Version]) -> list[tuple[str, str]]:
    names = {(of_runs[instance.ref.dag_run_id].definition.dag_id, instance.task_id) for instance in failed}
    return sorted(names)


def _event(scheduling: Pass, instance: LateInstance, now: datetime) -> None:
    scheduling.effects.event(
        instance.ref.dag_run_id,
        instance.state,
        at=now,
        instance_id=instance.ref.id,
        try_number=instance.try_number,
        reason=StateReason.LATE,
    )


def _fails(version: Version, task_id: str, kind: DeadlineKind) -> bool:
    """Whether the present version of the run fails a task that missed a deadline."""
    task = version.definition.tasks.get(task_id)
    if task is None:
        return False
    if kind is DeadlineKind.START:
        return task.queue_timeout is not None
    return task.deadline is not None and task.deadline.action is DeadlineAction.FAIL


def _look_at_runs(
    scheduling: Pass, of_runs: dict[int, Version], passed: Sequence[PassedDeadline], now: datetime
) -> int:
    late = scheduling.deadlines.mark_late_runs([row.dag_run_id for row in passed], now)
    for run_id, state in late:
        scheduling.effects.event(run_id, state, at=now, reason=StateReason.LATE)
        rule = of_runs[run_id].definition.deadline
        if rule is not None and rule.action is DeadlineAction.FAIL:
            scheduling.runs.stop_run(run_id, now=now, reason=StateReason.DEADLINE_MISSED, message=_message(rule))
    return len(late)


def _message(rule: Deadline) -> str:
    return f"stopped, because it had not ended {format_duration(rule.within)} after {rule.after}"
