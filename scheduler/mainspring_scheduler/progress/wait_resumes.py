"""Resumes deferred instances: those with a time that has come, an ended child run, a signal, or an answer.

The source of an event (the clock, the end of a run, the API) only makes the instance due, in its own transaction. This
module then decides on the instance. A wait that ended without a running scheduler is resumed by the next scheduler.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from random import Random

from mainspring.states import StateReason, TaskState
from mainspring.waits import CHECKS, WaitKind
from mainspring_scheduler.progress.apply_reports import Applied, end_waits
from mainspring_scheduler.progress.turns import JudgeTurns
from mainspring_scheduler.progress.wait_ends import deadline, end_of_wait
from mainspring_scheduler.versions import Versions
from mainspring_store.scheduling import ChildRun, LiveAttempt, Pass, TakenSignal
from mainspring_store.state.effects import InstanceRef

__all__ = ["resume_due"]

_log = logging.getLogger(__name__)

DUE_MAX = 1_024
"""Instances resumed in one pass."""


def resume_due(
    scheduling: Pass, *, versions: Versions, judge_turns: JudgeTurns, now: datetime, random: Random
) -> Applied:
    """Resume the due instances. Collects the effects in the pass.

    Leaves runs that another transaction has locked for the next pass. An unreadable definition or wait stops its run,
    not the pass.
    """
    locked = scheduling.lock_runs(scheduling.waits.due_runs(now, DUE_MAX), skip_locked=True)
    due_attempts = _readable(scheduling, scheduling.waits.due(locked, now, DUE_MAX), versions, now) if locked else []
    children, signals = _children(scheduling, due_attempts), _signals(scheduling, due_attempts, now)
    ends, pokes, waits = [], [], []
    for waiting in due_attempts:
        waits_for = waiting.waits_for or {}
        child = children.get((waits_for.get("dag_id", ""), waits_for.get("run_id", "")))
        signal = signals.get(waiting.attempt_id)
        end = end_of_wait(waiting.attempt_id, waits_for, now, child=child, signal=signal)
        if end is not None:
            ends.append((waiting, end))
        elif waits_for["kind"] in CHECKS:
            pokes.append(waiting)
        elif waits_for["kind"] == WaitKind.SIGNAL:
            waits.append((waiting, deadline(waits_for)))
        else:
            waits.append((waiting, _next_look(scheduling, waiting, child, now)))
    if waits:
        scheduling.waits.keep_waiting(waits)
    ready_count = _make_ready(scheduling, pokes, now)
    ended = end_waits(scheduling, ends, versions=versions, judge_turns=judge_turns, now=now, random=random)
    # In a pool that counts waits, the next pass is the first that sees the released slots.
    return replace(ended, moved=ended.moved + ready_count)


def _make_ready(scheduling: Pass, pokes: Sequence[LiveAttempt], now: datetime) -> int:
    """Make the next checks of these waits ready; returns their number. Releases the slots of the wait; the check takes
    its own."""
    ready_ids = scheduling.waits.make_ready(pokes, now=now)
    for poke in pokes:
        if poke.instance_id in ready_ids:
            instance = InstanceRef(poke.instance_id, poke.dag_run_id, poke.task_index, poke.pool, poke.pool_slots)
            scheduling.effects.moved(instance, TaskState.DEFERRED, TaskState.SCHEDULED, at=now, emits_event=False)
    return len(ready_ids)


def _readable(
    scheduling: Pass, due_attempts: Sequence[LiveAttempt], versions: Versions, now: datetime
) -> list[LiveAttempt]:
    """The attempts with a readable definition and wait. Stops the runs of the others."""
    readable = []
    for waiting in due_attempts:
        try:
            versions.get(waiting.version_id, scheduling.runs.version_document)
            deadline(waiting.waits_for or {})
            readable.append(waiting)
        except Exception as exc:
            _log.exception("run quarantined at a wait: run=%d waits_for=%r", waiting.dag_run_id, waiting.waits_for)
            message = f"it cannot go on after a wait: {type(exc).__name__}: {exc}"
            scheduling.runs.stop_run(waiting.dag_run_id, now=now, reason=StateReason.QUARANTINED, message=message)
    return readable


def _children(scheduling: Pass, due_attempts: Sequence[LiveAttempt]) -> Mapping[tuple[str, str], ChildRun]:
    waits = [attempt.waits_for for attempt in due_attempts if attempt.waits_for]
    awaited = [(wait["dag_id"], wait["run_id"]) for wait in waits if wait["kind"] == WaitKind.RUN]
    return scheduling.waits.child_runs(awaited) if awaited else {}


def _signals(scheduling: Pass, due_attempts: Sequence[LiveAttempt], now: datetime) -> Mapping[str, TakenSignal]:
    """Attempt id -> the signal that its wait takes. Of waits on one name, the wait that began first takes the earliest
    signal. The runs are locked, so no other scheduler gives a signal to another wait."""
    waits = [attempt for attempt in due_attempts if (attempt.waits_for or {}).get("kind") == WaitKind.SIGNAL]
    waits.sort(key=lambda attempt: (attempt.queued_at, attempt.task_index, attempt.map_index))
    return scheduling.waits.take_signals(waits, now=now) if waits else {}


def _next_look(scheduling: Pass, waiting: LiveAttempt, child: ChildRun | None, now: datetime) -> datetime | None:
    """When the wait for a child run is due again: the run had ended and was cleared before this pass."""
    assert waiting.waits_for is not None
    is_awaited = child is not None and scheduling.waits.await_run(child.dag_id, child.run_id, waiting.attempt_id)
    return deadline(waiting.waits_for) if is_awaited else now
