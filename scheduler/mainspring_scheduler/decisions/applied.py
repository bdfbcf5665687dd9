"""The decision on a ready instance with its attempt, and the rows that follow from both. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

import orjson

from mainspring.attempts import Attempt
from mainspring.ids import child_run_id
from mainspring.instants import format_instant
from mainspring.run_names import attempt_context
from mainspring.states import RunType, TaskState
from mainspring.waits import WaitKind, attempt_timeout
from mainspring_scheduler.decisions.decision_context import DecisionContext
from mainspring_scheduler.decisions.decision_types import (
    Block,
    Decision,
    Defer,
    Expand,
    Fail,
    Postpone,
    Queue,
    Resolve,
    StartRun,
)
from mainspring_store.scheduling import Candidate, LiveAttempt, NewAttempt, StateUpdate
from mainspring_store.state.runs import NewRun

__all__ = ["AppliedDecision", "attempt_to_submit", "child_run", "live_attempt", "state_update"]


@dataclass(frozen=True, slots=True)
class AppliedDecision:
    """The decision on a candidate, with its new attempt."""

    context: DecisionContext
    decision: Decision
    attempt: NewAttempt | None = None
    order: Attempt | None = None
    """The attempt for an executor; None = no executor runs the decision."""

    @property
    def candidate(self) -> Candidate:
        return self.context.candidate

    def due_at(self, now: datetime) -> datetime | None:
        """When the scheduler must look again because of this decision; None = at no fixed time."""
        match self.decision:
            case Defer(until=until) | Postpone(until=until):
                return until
            case StartRun():
                return now
        return None


def state_update(applied: AppliedDecision, now: datetime) -> StateUpdate:
    """The next state of the instance."""
    update = partial(StateUpdate, id=applied.candidate.id, at=now, generation=applied.candidate.generation)
    match applied.decision:
        case Queue() | Fail() | Defer() | StartRun():
            assert applied.attempt is not None
            return _begun(applied, applied.attempt, now)
        case Resolve(state, reason):
            # A success without an attempt starts and ends at the same instant.
            start_date = now if state is TaskState.SUCCESS else None
            return update(state=state, reason=reason, start_date=start_date, end_date=now)
        case Postpone(until):
            text = orjson.dumps(applied.candidate.waits_for).decode()
            return update(state=TaskState.DEFERRED, not_before=until, waits_for=text)
        case Block(reason):
            return update(state=TaskState.SCHEDULED, reason=reason)
        case Expand(items, keys):
            # The placeholder becomes the first instance; `Pass.expand` adds the further instances.
            text = orjson.dumps(items[0]).decode()
            return update(state=TaskState.SCHEDULED, ready=True, map_index=0, map_value=text, map_key=keys[0])


def _begun(applied: AppliedDecision, attempt: NewAttempt, now: datetime) -> StateUpdate:
    """The next state of an instance with a new attempt."""
    begun = StateUpdate(
        id=applied.candidate.id,
        state=TaskState.QUEUED,
        at=now,
        generation=attempt.generation,
        attempt_id=attempt.attempt_id,
        try_number=attempt.try_number,
        turn=attempt.turn,
    )
    match applied.decision:
        case Fail(reason):
            return replace(begun, state=TaskState.FAILED, reason=reason, end_date=now)
        case Defer(waits_for, until):
            return _deferred(begun, waits_for, until)
        case StartRun(is_awaited=True) as start:
            return _deferred(begun, _waits_for_run(applied, start, attempt), start.until)
        case StartRun():
            return replace(begun, state=TaskState.SUCCESS, start_date=now, end_date=now)
    if applied.candidate.waits_for is None:
        return begun
    return replace(begun, waits_for=orjson.dumps(applied.candidate.waits_for).decode())


def _deferred(begun: StateUpdate, waits_for: Mapping[str, Any], until: datetime | None) -> StateUpdate:
    text = orjson.dumps(waits_for).decode()
    return replace(begun, state=TaskState.DEFERRED, start_date=begun.at, not_before=until, waits_for=text)


def _waits_for_run(applied: AppliedDecision, start: StartRun, attempt: NewAttempt) -> Mapping[str, Any]:
    return {
        "kind": WaitKind.RUN,
        "dag_id": start.version.definition.dag_id,
        "run_id": child_run_id(applied.context.task.task_id, attempt.attempt_id),
        "give_up_at": None if start.until is None else format_instant(start.until),
    }


def child_run(applied: AppliedDecision, start: StartRun, attempt: NewAttempt, now: datetime) -> NewRun:
    """The run that `start` makes. Its id derives from the attempt, so an attempt cannot make two runs."""
    return NewRun(
        version=start.version,
        run_id=child_run_id(applied.context.task.task_id, attempt.attempt_id),
        run_type=RunType.OPERATOR_TRIGGERED,
        conf=start.conf,
        params=start.params,
        run_after=now,
        triggered_by="operator",
        parent_attempt_id=attempt.attempt_id if start.is_awaited else None,
        depth=start.depth,
        principal_id=start.principal_id,
        # The trace of the parent run goes on in the child run: its spans stand below the try of the `dag` task.
        traceparent=attempt_context(applied.context.run, attempt.attempt_id).get("traceparent"),
    )


def attempt_to_submit(context: DecisionContext, attempt: NewAttempt, decision: Queue) -> Attempt:
    """The attempt as the executor gets it."""
    candidate, task = context.candidate, context.task
    return Attempt(
        attempt_id=attempt.attempt_id,
        dag_id=candidate.dag_id,
        run_id=candidate.run_id,
        task_id=task.task_id,
        map_index=candidate.map_index,
        try_number=attempt.try_number,
        queue=task.queue,
        task_type=task.runner,
        payload=decision.payload,
        values=decision.values,
        secrets=decision.secrets,
        context=attempt_context(context.run, attempt.attempt_id),
        text_outputs=task.text_outputs,
        output_types=task.output_types,
        timeout=attempt_timeout(task.execution_timeout, task.payload.source, candidate.waits_for, attempt.queued_at),
        cancel_grace=task.cancel_grace,
    )


def live_attempt(attempt: NewAttempt, candidate: Candidate) -> LiveAttempt:
    """The attempt as `apply_reports` needs it."""
    return LiveAttempt(
        attempt_id=attempt.attempt_id,
        instance_id=candidate.id,
        dag_run_id=candidate.dag_run_id,
        version_id=candidate.version_id,
        task_index=candidate.task_index,
        map_index=candidate.map_index,
        try_number=attempt.try_number,
        max_tries=candidate.max_tries,
        pool=candidate.pool,
        pool_slots=candidate.pool_slots,
        executor=attempt.executor,
        owner=attempt.owner,
        queued_at=attempt.queued_at,
        waits_for=candidate.waits_for,
    )
