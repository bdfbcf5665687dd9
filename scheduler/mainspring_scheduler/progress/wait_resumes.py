"""What waits goes on: deferred instances whose time has come, whose child run has ended, or that were answered.

Whoever ends a wait (a clock, the end of a run, the API) only makes the instance due, in its own transaction; what
becomes of it is decided here. So a wait that ended while no scheduler was there is taken up by the next one.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from random import Random

from mainspring.states import StateReason, TaskState
from mainspring.waits import WaitKind
from mainspring_scheduler.progress.apply_reports import Applied, end_waits
from mainspring_scheduler.progress.wait_ends import deadline, end_of_wait
from mainspring_scheduler.versions import Versions
from mainspring_store.scheduling import ChildRun, LiveAttempt, Pass
from mainspring_store.state.effects import InstanceRef

__all__ = ["resume_due"]

_log = logging.getLogger(__name__)

DUE_MAX = 1_024
"""Instances that go on in one pass."""


def resume_due(scheduling: Pass, *, versions: Versions, now: datetime, random: Random) -> Applied:
    """Let go on what is due. Effects are left collected in the pass.

    What another transaction holds is left for the next pass. What cannot be read costs its run, not the pass.
    """
    locked = scheduling.lock_runs(scheduling.waits.due_runs(now, DUE_MAX), skip_locked=True)
    due = _readable(scheduling, scheduling.waits.due(locked, now, DUE_MAX), versions, now) if locked else []
    children = _children(scheduling, due)
    ended, pokes = [], []
    for waiting in due:
        waits_for = waiting.waits_for or {}
        child = children.get((waits_for.get("dag_id", ""), waits_for.get("run_id", "")))
        end = end_of_wait(waiting.attempt_id, waits_for, child, now)
        if end is not None:
            ended.append((waiting, end))
        elif waits_for["kind"] == WaitKind.HTTP:
            pokes.append(waiting)
        else:
            _wait_on(scheduling, waiting, child, now)
    _make_ready(scheduling, pokes, now)
    return end_waits(scheduling, ended, versions=versions, now=now, random=random)


def _make_ready(scheduling: Pass, pokes: Sequence[LiveAttempt], now: datetime) -> None:
    """Let the next requests of these waits be made. Where waiting held slots, they are given back, to be taken anew."""
    moved = scheduling.waits.make_ready(pokes, now=now)
    for poke in pokes:
        if poke.instance_id in moved:
            instance = InstanceRef(poke.instance_id, poke.dag_run_id, poke.task_index, poke.pool, poke.pool_slots)
            scheduling.effects.moved(instance, TaskState.DEFERRED, TaskState.SCHEDULED, at=now, emits_event=False)


def _readable(scheduling: Pass, due: Sequence[LiveAttempt], versions: Versions, now: datetime) -> list[LiveAttempt]:
    """Those whose definition and wait this program understands."""
    readable = []
    for waiting in due:
        try:
            versions.get(waiting.version_id, scheduling.runs.version_document)
            deadline(waiting.waits_for or {})
            readable.append(waiting)
        except Exception as exc:
            _log.exception("set aside run %d, which waits for %r", waiting.dag_run_id, waiting.waits_for)
            message = f"it cannot go on after a wait: {type(exc).__name__}: {exc}"
            scheduling.runs.stop_run(waiting.dag_run_id, now=now, reason=StateReason.QUARANTINED, message=message)
    return readable


def _children(scheduling: Pass, due: Sequence[LiveAttempt]) -> Mapping[tuple[str, str], ChildRun]:
    awaited = [one.waits_for for one in due if one.waits_for and one.waits_for["kind"] == WaitKind.RUN]
    return scheduling.waits.child_runs([(one["dag_id"], one["run_id"]) for one in awaited]) if awaited else {}


def _wait_on(scheduling: Pass, waiting: LiveAttempt, child: ChildRun | None, now: datetime) -> None:
    """It was woken for nothing: the child run that had ended was cleared before we looked."""
    assert waiting.waits_for is not None
    is_awaited = child is not None and scheduling.waits.await_run(child.dag_id, child.run_id, waiting.attempt_id)
    scheduling.waits.keep_waiting(waiting, deadline(waiting.waits_for) if is_awaited else now)
