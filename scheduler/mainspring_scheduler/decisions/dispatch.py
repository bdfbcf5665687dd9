"""Dispatch: what is ready is decided, and what shall run becomes an attempt.

Ready instances are read in order of priority, at most as many as there is room for, so a backlog costs nothing.
Skips ripple downstream within the pass, one level a round; a ripple longer than the rounds of one pass goes on in the
next, because readiness is stored.
"""

import logging
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from mainspring.attempts import Attempt
from mainspring.errors import ExpressionError
from mainspring.ids import new_attempt_id
from mainspring.states import AttemptState, StateReason, TaskState
from mainspring_scheduler.decisions.applied import AppliedDecision, child_run, decided, live_attempt, work_order
from mainspring_scheduler.decisions.capacity import Capacity
from mainspring_scheduler.decisions.decide import decide
from mainspring_scheduler.decisions.decision_context import DecisionContext
from mainspring_scheduler.decisions.decision_types import Block, Decision, Defer, Expand, Fail, Queue, Resolve, StartRun
from mainspring_scheduler.decisions.lookups import look_up
from mainspring_scheduler.decisions.ready_queue import ReadyQueue
from mainspring_scheduler.decisions.run_context import RunContexts
from mainspring_scheduler.progress.branching import follow_mapped_branches, is_mapped_branch, skip_left_out
from mainspring_scheduler.progress.merged_reports import LiveAttempts
from mainspring_scheduler.versions import Version, Versions
from mainspring_store.database.key_ring import KeyRing
from mainspring_store.scheduling import Candidate, NewAttempt, Pass
from mainspring_store.state.effects import InstanceRef, RunCounters

__all__ = ["Dispatched", "Dispatcher"]

_log = logging.getLogger(__name__)

ROUNDS_MAX = 32
"""Levels of skips that ripple within one pass."""


@dataclass(slots=True)
class Dispatched:
    """What one dispatch did. The attempts are to be submitted after the commit, never before."""

    attempts: dict[str, list[Attempt]] = field(default_factory=dict)
    """Executor name -> work orders."""
    resolved: int = 0
    """Instances that changed without an attempt."""
    counters: dict[int, RunCounters] = field(default_factory=dict)
    """Of every run that was touched, as they stand at the end."""
    broken_runs: dict[int, str] = field(default_factory=dict)
    """Runs whose stored definition cannot be read, with the reason: to be set aside whole."""
    next_due_at: datetime | None = None
    """When the first instance that began to wait, or run that was made, is to be looked at."""
    is_complete: bool = True
    """False: there is more to decide at once."""


class Dispatcher:
    """Decides on ready instances. Keeps nothing but caches between passes."""

    def __init__(
        self,
        *,
        owner: str,
        executors: Sequence[str],
        remote_executors: frozenset[str],
        versions: Versions,
        contexts: RunContexts,
        live_attempts: LiveAttempts,
        key_ring: KeyRing | None,
    ) -> None:
        """executors: names of those that are offered; the first carries what asks for none."""
        self._owner = owner
        self._executors = tuple(executors)
        self._queue = ReadyQueue(executors)
        self._remote_executors = remote_executors
        self._versions = versions
        self._contexts = contexts
        self._live_attempts = live_attempts
        self._key_ring = key_ring

    def dispatch(self, scheduling: Pass, capacity: Mapping[str, int], now: datetime) -> Dispatched:
        """Decide until nothing is ready, nothing more fits, or the rounds are used up.

        capacity: executor name -> attempts it takes now. An executor that is not a key takes none.
        """
        result = Dispatched()
        capacity = dict(capacity)
        scheduling.unlock_downstream()
        for _ in range(ROUNDS_MAX):
            applied_decisions, may_hide_more = self._round(scheduling, capacity, result.broken_runs, now)
            counters = scheduling.flush()
            result.counters.update(counters)
            due = [one.due_at(now) for one in applied_decisions]
            result.next_due_at = min(filter(None, (result.next_due_at, *due)), default=None)
            for one in applied_decisions:
                if one.order is not None and one.attempt is not None:
                    result.attempts.setdefault(one.attempt.executor, []).append(one.order)
            resolved = sum(1 for one in applied_decisions if one.order is None)
            result.resolved += resolved
            made_capacity = any(one.was_full for one in counters.values())
            # A full round may hide, behind what waits for a slot of its run or pool, others that need not wait.
            if not (resolved or made_capacity or (applied_decisions and may_hide_more)):
                return result
        result.is_complete = False
        return result

    def _round(
        self,
        scheduling: Pass,
        capacity: MutableMapping[str, int],
        broken_runs: MutableMapping[int, str],
        now: datetime,
    ) -> tuple[list[AppliedDecision], bool]:
        """What was chosen of as many candidates as there is room for, and whether more may be behind them."""
        candidates, at_limit = self._queue.take(scheduling, capacity)
        if not candidates:
            return [], False
        locked = scheduling.lock_runs_with_capacity({one.dag_run_id for one in candidates})
        of_versions = {one.dag_run_id: one.version_id for one in candidates if one.dag_run_id in locked}
        contexts = self._contexts.get(of_versions, scheduling)
        left = Capacity(scheduling, capacity, locked)
        known = [
            (candidate, version)
            for candidate in candidates
            if candidate.dag_run_id in contexts
            and (version := self._version(scheduling, candidate, broken_runs)) is not None
            and left.may_judge(candidate, version.tasks[candidate.task_index])
            and left.admits(candidate, version.tasks[candidate.task_index], self._executor_of(candidate))
        ]
        lookups = look_up(scheduling, known, self._key_ring)
        applied_decisions = []
        for candidate, version in known:
            context = DecisionContext(
                scheduling, candidate, version, contexts[candidate.dag_run_id], left, lookups, self._versions, now
            )
            one = self._apply(context, _choose(context), now)
            if one is not None:
                applied_decisions.append(one)
        self._queue.note_used(len(applied_decisions))
        may_hide_more = left.has_turned_away or any(capacity.get(name, 0) > 0 for name in at_limit)
        return self._write(scheduling, applied_decisions, now), may_hide_more

    def _version(self, scheduling: Pass, candidate: Candidate, broken_runs: MutableMapping[int, str]) -> Version | None:
        """The candidate's version; None when it cannot be read, which is noted once for its run."""
        if candidate.dag_run_id in broken_runs:
            return None
        try:
            return self._versions.get(candidate.version_id, scheduling.runs.version_document)
        except Exception as exc:
            _log.exception("cannot read the definition of run %s of dag %s", candidate.run_id, candidate.dag_id)
            broken_runs[candidate.dag_run_id] = f"its stored definition cannot be read: {type(exc).__name__}: {exc}"
            return None

    def _apply(self, context: DecisionContext, decision: Decision, now: datetime) -> AppliedDecision | None:
        """The choice with its attempt; None leaves the instance ready, for lack of room."""
        candidate = context.candidate
        executor = self._executor_of(candidate)
        if isinstance(decision, Queue) and executor not in self._executors:
            decision = Fail(StateReason.EXECUTOR_MISSING, self._why_missing(executor))
        match decision:
            case Queue(payload):
                if not context.capacity.take(candidate, context.task, executor):
                    return None
                is_needed = executor in self._remote_executors or payload is not context.task.payload.source
                text = orjson.dumps(payload).decode() if is_needed else None
                attempt = self._new_attempt(candidate, executor, now, payload=text)
                return AppliedDecision(context, decision, attempt, work_order(context, attempt, decision))
            case Fail(reason, message):
                ended = {"state": AttemptState.FAILED, "reason": reason, "message": message, **_over(now)}
                return AppliedDecision(context, decision, self._new_attempt(candidate, executor, now, **ended))
            case Defer() | StartRun(is_awaited=True):
                capacity = context.capacity
                is_call = isinstance(decision, StartRun)
                if not (capacity.take_call(candidate, context.task) if is_call else capacity.take_deferred(candidate)):
                    return None
                waits = {"state": AttemptState.DEFERRED, "started_at": now, "stopped_at": now}
                return AppliedDecision(context, decision, self._new_attempt(candidate, executor, now, **waits))
            case StartRun():
                ended = {"state": AttemptState.SUCCESS, "started_at": now, **_over(now)}
                return AppliedDecision(context, decision, self._new_attempt(candidate, executor, now, **ended))
        return AppliedDecision(context, decision)

    def _executor_of(self, candidate: Candidate) -> str:
        return candidate.executor or self._executors[0]

    def _why_missing(self, executor: str) -> str:
        return (
            f"the scheduler has no executor '{executor}' any more, only {', '.join(self._executors)}; "
            "put it back into the setting 'executor', then clear this task"
        )

    def _new_attempt(self, candidate: Candidate, executor: str, now: datetime, **more: Any) -> NewAttempt:
        return NewAttempt(
            attempt_id=new_attempt_id(),
            instance_id=candidate.id,
            generation=candidate.generation,
            # All requests of one wait are one try.
            try_number=candidate.try_number + (candidate.waits_for is None),
            executor=executor,
            owner=self._owner,
            queued_at=now,
            **more,
        )

    def _write(
        self, scheduling: Pass, applied_decisions: Sequence[AppliedDecision], now: datetime
    ) -> list[AppliedDecision]:
        """Write the choices; returns those that held."""
        if not applied_decisions:
            return []
        moved = scheduling.decisions.decide([decided(one, now) for one in applied_decisions])
        held = [one for one in applied_decisions if one.candidate.id in moved]
        attempts = [one.attempt for one in held if one.attempt is not None]
        pokes = [one.candidate for one in held if one.candidate.waits_for is not None]
        if pokes:
            scheduling.waits.drop_earlier_pokes((poke.id, poke.try_number) for poke in pokes)
        if attempts:
            scheduling.decisions.add_attempts(attempts)
        for one in _in_write_order(held):
            self._collect_effects(scheduling, one, now)
        self._follow_branches(scheduling, held, now)
        return held

    def _follow_branches(self, scheduling: Pass, held: Sequence[AppliedDecision], now: datetime) -> None:
        """Skip what branches left out. After the effects of all: what is left out may be among them."""
        of_mapped: list[tuple[Version, int, int]] = []
        for one in held:
            if not isinstance(one.decision, Resolve):
                continue
            version, run_id, index = one.context.version, one.candidate.dag_run_id, one.candidate.task_index
            if is_mapped_branch(version, index):
                of_mapped.append((version, run_id, index))
            elif one.decision.branch is not None:
                skip_left_out(scheduling, version, run_id, index, one.decision.branch, now)
        follow_mapped_branches(scheduling, of_mapped, now)

    def _collect_effects(self, scheduling: Pass, one: AppliedDecision, now: datetime) -> None:
        candidate, version = one.candidate, one.context.version
        downstream = version.graph.downstream[candidate.task_index]
        match one.decision:
            case Block():
                return
            case Expand(items):
                revived = scheduling.limits.expand(candidate, items, downstream)
                scheduling.effects.expanded(candidate.dag_run_id, len(items) - 1 - len(revived))
                for instance in revived:
                    scheduling.effects.moved(instance, TaskState.REMOVED, TaskState.SCHEDULED, at=now)
                # Items of the next run that have no counterpart in this one waited for it to be known.
                scheduling.unblock(candidate.dag_id, one.context.task.task_id)
                return
            case Resolve(outputs=outputs) if outputs:
                _store_outputs(scheduling, candidate, outputs, now)
            case StartRun() as start if one.attempt is not None:
                child = child_run(one, start, one.attempt, now)
                scheduling.runs.create_child(child, now=now)
                if not start.is_awaited:
                    _store_outputs(scheduling, candidate, {"run_id": child.run_id}, now)
        became = decided(one, now)
        scheduling.effects.moved(
            InstanceRef(
                candidate.id,
                candidate.dag_run_id,
                candidate.task_index,
                candidate.pool,
                candidate.pool_slots,
                isinstance(one.decision, StartRun),
            ),
            TaskState.SCHEDULED,
            became.state,
            at=now,
            downstream=downstream,
            reason=became.reason,
            try_number=one.attempt.try_number if one.attempt else candidate.try_number,
            emits_event=one.order is None or candidate.waits_for is None,
        )
        if one.order is not None and one.attempt is not None:
            self._live_attempts.add(live_attempt(one.attempt, candidate))
        else:
            scheduling.unblock(candidate.dag_id, one.context.task.task_id)


def _in_write_order(held: Sequence[AppliedDecision]) -> Sequence[AppliedDecision]:
    """What ends by its trigger rule first, and of it what is further down: it was decided on what had ended before all
    of these, some of which may be its upstream."""

    def is_by_rule(one: AppliedDecision) -> bool:
        return isinstance(one.decision, Resolve) and one.decision.reason is StateReason.TRIGGER_RULE

    by_rule = [one for one in held if is_by_rule(one)]
    if not by_rule:
        return held
    by_rule.sort(key=lambda one: one.context.version.graph.position[one.candidate.task_index], reverse=True)
    return [*by_rule, *(one for one in held if not is_by_rule(one))]


def _choose(context: DecisionContext) -> Decision:
    """`decide`, so guarded that one bad row costs only itself."""
    try:
        return decide(context)
    except ExpressionError as exc:
        return Fail(StateReason.EXPRESSION_ERROR, str(exc))
    except Exception as exc:
        candidate = context.candidate
        _log.exception(
            "set aside task %d of run %s of dag %s", candidate.task_index, candidate.run_id, candidate.dag_id
        )
        return Fail(StateReason.QUARANTINED, f"the scheduler could not handle this task: {type(exc).__name__}: {exc}")


def _over(now: datetime) -> dict[str, datetime]:
    """Of an attempt that never ran."""
    return {"ended_at": now, "stopped_at": now}


def _store_outputs(scheduling: Pass, candidate: Candidate, outputs: Mapping[str, Any], now: datetime) -> None:
    scheduling.reports.store_outputs(
        {"instance_id": candidate.id, "key": key, "value": orjson.dumps(value).decode(), "at": now}
        for key, value in outputs.items()
    )
