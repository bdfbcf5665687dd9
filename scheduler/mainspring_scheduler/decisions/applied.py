"""What was chosen for one ready instance, and the rows and work orders that follow from it. Pure."""

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
from mainspring_scheduler.decisions.decision_types import Block, Decision, Defer, Expand, Fail, Queue, Resolve, StartRun
from mainspring_store.scheduling import Candidate, LiveAttempt, NewAttempt, StateUpdate
from mainspring_store.state.runs import NewRun

__all__ = ["AppliedDecision", "child_run", "decided", "live_attempt", "work_order"]


@dataclass(frozen=True, slots=True)
class AppliedDecision:
    """The choice on one candidate, and the attempt that it makes."""

    context: DecisionContext
    decision: Decision
    attempt: NewAttempt | None = None
    order: Attempt | None = None

    @property
    def candidate(self) -> Candidate:
        return self.context.candidate

    def due_at(self, now: datetime) -> datetime | None:
        """When something is to be looked at because of it; None = nothing by time."""
        match self.decision:
            case Defer(until=until):
                return until
            case StartRun():
                return now
        return None


def decided(one: AppliedDecision, now: datetime) -> StateUpdate:
    """The next state of its instance."""
    following = partial(StateUpdate, id=one.candidate.id, at=now, generation=one.candidate.generation)
    match one.decision:
        case Queue() | Fail() | Defer() | StartRun():
            assert one.attempt is not None
            return _begun(one, one.attempt, now)
        case Resolve(state, reason):
            # What succeeds here has done its work now: it starts and ends at one instant.
            start_date = now if state is TaskState.SUCCESS else None
            return following(state=state, reason=reason, start_date=start_date, end_date=now)
        case Block(reason):
            return following(state=TaskState.SCHEDULED, reason=reason)
        case Expand(items):
            # The placeholder becomes the first instance; `Pass.expand` adds the others.
            text = orjson.dumps(items[0]).decode()
            return following(state=TaskState.SCHEDULED, ready=True, map_index=0, map_value=text)


def _begun(one: AppliedDecision, attempt: NewAttempt, now: datetime) -> StateUpdate:
    """The next state of an instance that got an attempt."""
    begun = StateUpdate(
        id=one.candidate.id,
        state=TaskState.QUEUED,
        at=now,
        generation=attempt.generation,
        attempt_id=attempt.attempt_id,
        try_number=attempt.try_number,
    )
    match one.decision:
        case Fail(reason):
            return replace(begun, state=TaskState.FAILED, reason=reason, end_date=now)
        case Defer(waits_for, until):
            return _deferred(begun, waits_for, until)
        case StartRun(is_awaited=True) as start:
            return _deferred(begun, _waits_for_run(one, start, attempt), start.until)
        case StartRun():
            return replace(begun, state=TaskState.SUCCESS, start_date=now, end_date=now)
    if one.candidate.waits_for is None:
        return begun
    return replace(begun, waits_for=orjson.dumps(one.candidate.waits_for).decode())


def _deferred(begun: StateUpdate, waits_for: Mapping[str, Any], until: datetime | None) -> StateUpdate:
    text = orjson.dumps(waits_for).decode()
    return replace(begun, state=TaskState.DEFERRED, start_date=begun.at, not_before=until, waits_for=text)


def _waits_for_run(one: AppliedDecision, start: StartRun, attempt: NewAttempt) -> Mapping[str, Any]:
    return {
        "kind": WaitKind.RUN,
        "dag_id": start.version.definition.dag_id,
        "run_id": child_run_id(one.context.task.task_id, attempt.attempt_id),
        "give_up_at": None if start.until is None else format_instant(start.until),
    }


def child_run(one: AppliedDecision, start: StartRun, attempt: NewAttempt, now: datetime) -> NewRun:
    """The run that `start` makes. Its id follows from the attempt, so no attempt makes two."""
    return NewRun(
        version=start.version,
        run_id=child_run_id(one.context.task.task_id, attempt.attempt_id),
        run_type=RunType.OPERATOR_TRIGGERED,
        conf=start.conf,
        params=start.params,
        run_after=now,
        triggered_by="operator",
        parent_attempt_id=attempt.attempt_id if start.is_awaited else None,
        depth=start.depth,
        principal_id=start.principal_id,
    )


def work_order(context: DecisionContext, attempt: NewAttempt, decision: Queue) -> Attempt:
    """What the executor is given."""
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
        secrets=decision.secrets,
        context=attempt_context(context.run),
        text_outputs=task.text_outputs,
        timeout=attempt_timeout(task.execution_timeout, candidate.waits_for, attempt.queued_at),
        cancel_grace=task.cancel_grace,
    )


def live_attempt(attempt: NewAttempt, candidate: Candidate) -> LiveAttempt:
    """As it is known when its reports come."""
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
