"""Dispatch: decides on ready instances and makes attempts of the instances that shall run.

Reads ready instances by priority, at most as many as the free capacity admits, so a backlog costs nothing.
Skips spread downstream within the pass, a level a round. A longer chain goes on in the next pass, because
the store keeps which instances are ready.
"""

import logging
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import orjson

from mainspring.attempts import Attempt
from mainspring.definition.model import DeadlineAnchor, TaskType
from mainspring.errors import ExpressionError
from mainspring.ids import new_attempt_id
from mainspring.large_values import wrapped
from mainspring.states import AttemptState, StateReason, TaskState
from mainspring_scheduler.decisions.applied import (
    AppliedDecision,
    attempt_to_submit,
    child_run,
    live_attempt,
    state_update,
)
from mainspring_scheduler.decisions.capacity import Capacity
from mainspring_scheduler.decisions.check_places import CHECKS_AT_ONCE, CheckPlaces
from mainspring_scheduler.decisions.decide import decide
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
from mainspring_scheduler.decisions.lookups import look_up
from mainspring_scheduler.decisions.ready_queue import ReadyQueue
from mainspring_scheduler.decisions.run_context import RunContexts
from mainspring_scheduler.progress.branching import follow_mapped_branches, is_mapped_branch, skip_left_out
from mainspring_scheduler.progress.fail_fast import note_failure, stop_failed_runs
from mainspring_scheduler.progress.merged_reports import LiveAttempts
from mainspring_scheduler.progress.wait_ends import deadline
from mainspring_scheduler.versions import Version, Versions
from mainspring_store.database.key_ring import KeyRing
from mainspring_store.scheduling import Candidate, LateReport, NewAttempt, Pass
from mainspring_store.scheduling.group_expansion import DownstreamOfMember
from mainspring_store.state.deadlines import DeadlineKind, NewDeadline
from mainspring_store.state.effects import InstanceRef, RunCounters

__all__ = ["Dispatched", "Dispatcher"]

_log = logging.getLogger(__name__)

ROUNDS_MAX = 32
"""Levels of downstream skips within a pass."""


@dataclass(slots=True)
class Dispatched:
    """The result of a dispatch. The caller submits the attempts after the commit, never before."""

    attempts: dict[str, list[Attempt]] = field(default_factory=dict)
    """Executor name -> attempts to submit."""
    resolved: int = 0
    """Instances that changed state without going to an executor."""
    counters: dict[int, RunCounters] = field(default_factory=dict)
    """Run -> its counters after the dispatch, for every run that changed."""
    broken_runs: dict[int, str] = field(default_factory=dict)
    """Run -> reason, for runs with an unreadable stored definition. The caller stops these runs."""
    next_due_at: datetime | None = None
    """When the first new wait or new run is due; None = no wait and no run is new."""
    is_complete: bool = True
    """False: another pass should follow at once."""


class Dispatcher:
    """Decides on ready instances. Keeps only caches between passes."""

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
        checks_at_once: int = CHECKS_AT_ONCE,
    ) -> None:
        """executors: names of the available executors. The first runs the tasks that name no executor.
        checks_at_once: how many checks of waits each executor runs at once."""
        self._owner = owner
        self._executors = tuple(executors)
        self._queue = ReadyQueue(executors)
        self._remote_executors = remote_executors
        self._versions = versions
        self._contexts = contexts
        self._live_attempts = live_attempts
        self._key_ring = key_ring
        self._checks_at_once = checks_at_once

    def dispatch(self, scheduling: Pass, capacity: Mapping[str, int], now: datetime) -> Dispatched:
        """Decide until no instance is ready, no further attempt fits, or `ROUNDS_MAX` rounds are over.

        capacity: executor name -> number of attempts that the executor accepts now. A missing executor accepts none.
        """
        result = Dispatched(is_complete=False)
        ordered: list[AppliedDecision] = []
        capacity = dict(capacity)
        check_places = CheckPlaces(scheduling, self._checks_at_once)
        stop_failed_runs(scheduling, now)
        scheduling.unlock_downstream()
        for _ in range(ROUNDS_MAX):
            scheduling.settle_slots()
            applied_decisions, may_hide_more = self._round(scheduling, capacity, check_places, result.broken_runs, now)
            ordered += (applied for applied in applied_decisions if applied.order is not None)
            # A run with a new attempt goes on, and had a free place for it: nothing follows from its counters.
            ongoing = {applied.candidate.dag_run_id for applied in applied_decisions if applied.order is not None}
            if stopped := stop_failed_runs(scheduling, now):
                ordered = self._withdraw(scheduling, ordered, stopped, capacity, now)
                ongoing = set()
            counters = scheduling.flush(unneeded=ongoing)
            result.counters.update(counters)
            due_times = [applied.due_at(now) for applied in applied_decisions]
            result.next_due_at = min(filter(None, (result.next_due_at, *due_times)), default=None)
            resolved = sum(1 for applied in applied_decisions if applied.order is None)
            result.resolved += resolved
            made_capacity = any(counter.was_full for counter in counters.values())
            # The candidates of a full round may wait for slots of their run or pool. Behind them in the queue may stand
            # instances that need not wait.
            if not (resolved or made_capacity or (applied_decisions and may_hide_more)):
                result.is_complete = True
                break
        for applied in ordered:
            if applied.order is not None:
                result.attempts.setdefault(self._executor_of(applied.candidate), []).append(applied.order)
        return result

    def _withdraw(
        self,
        scheduling: Pass,
        ordered: Sequence[AppliedDecision],
        stopped_runs: frozenset[int],
        capacity: MutableMapping[str, int],
        now: datetime,
    ) -> list[AppliedDecision]:
        """Take back the attempts of runs that the pass has ended; returns the attempts that are still to be submitted.

        A tear-down that has an attempt goes on. No executor gets a withdrawn attempt, so none will report its stop.
        """

        def is_withdrawn(applied: AppliedDecision) -> bool:
            return applied.candidate.dag_run_id in stopped_runs and applied.context.task.teardown is None

        withdrawn = [applied for applied in ordered if is_withdrawn(applied)]
        attempt_ids = [applied.order.attempt_id for applied in withdrawn if applied.order is not None]
        for attempt_id in attempt_ids:
            self._live_attempts.forget(attempt_id)
        for applied in withdrawn:
            capacity[self._executor_of(applied.candidate)] += 1
        if attempt_ids:
            scheduling.reports.note_late(LateReport(attempt_id=id_, stopped_at=now) for id_ in attempt_ids)
        return [applied for applied in ordered if not is_withdrawn(applied)]

    def _round(
        self,
        scheduling: Pass,
        capacity: MutableMapping[str, int],
        check_places: CheckPlaces,
        broken_runs: MutableMapping[int, str],
        now: datetime,
    ) -> tuple[list[AppliedDecision], bool]:
        """Decide on as many candidates as fit. Returns the written decisions, and whether more candidates may wait."""
        candidates, at_limit = self._queue.take(scheduling, capacity)
        if not candidates:
            return [], False
        locked = scheduling.lock_runs_with_capacity({candidate.dag_run_id for candidate in candidates})
        version_ids = {
            candidate.dag_run_id: candidate.version_id for candidate in candidates if candidate.dag_run_id in locked
        }
        contexts = self._contexts.get(version_ids, scheduling)
        round_capacity = Capacity(scheduling, capacity, locked)
        admitted = [
            (candidate, version)
            for candidate in candidates
            if candidate.dag_run_id in contexts
            and (version := self._version(scheduling, candidate, broken_runs)) is not None
            and round_capacity.may_decide(candidate, version.tasks[candidate.task_index])
            and round_capacity.admits(candidate, version.tasks[candidate.task_index], self._executor_of(candidate))
        ]
        lookups = look_up(scheduling, admitted, self._key_ring)
        applied_decisions = []
        for candidate, version in admitted:
            run = contexts[candidate.dag_run_id]
            context = DecisionContext(scheduling, candidate, version, run, round_capacity, lookups, self._versions, now)
            decision = self._postponed(context, check_places, now) or _decide_safely(context)
            applied = self._apply(context, decision, now)
            if applied is not None:
                applied_decisions.append(applied)
        self._queue.note_used(len(applied_decisions))
        may_hide_more = round_capacity.has_turned_away or any(capacity.get(name, 0) > 0 for name in at_limit)
        return self._write(scheduling, applied_decisions, now), may_hide_more

    def _version(self, scheduling: Pass, candidate: Candidate, broken_runs: MutableMapping[int, str]) -> Version | None:
        """The candidate's version; None when the version is unreadable, which is noted once for each run."""
        if candidate.dag_run_id in broken_runs:
            return None
        try:
            return self._versions.get(candidate.version_id, scheduling.runs.version_document)
        except Exception as exc:
            _log.exception("stored definition unreadable: dag=%s run=%s", candidate.dag_id, candidate.run_id)
            broken_runs[candidate.dag_run_id] = f"its stored definition cannot be read: {type(exc).__name__}: {exc}"
            return None

    def _postponed(self, context: DecisionContext, check_places: CheckPlaces, now: datetime) -> Postpone | None:
        """The decision on a due check without a place, or whose task is at a limit of its own; None = any other."""
        waits_for, executor = context.candidate.waits_for, self._executor_of(context.candidate)
        if waits_for is None or executor not in self._executors:
            return None
        is_at_limit = context.capacity.is_at_limit(context.candidate, context.task)
        pause = check_places.turn_away(executor) if is_at_limit else check_places.take(executor)
        if pause is None:
            return None
        give_up_at = deadline(waits_for)
        return Postpone(now + pause if give_up_at is None else min(now + pause, give_up_at))

    def _apply(self, context: DecisionContext, decision: Decision, now: datetime) -> AppliedDecision | None:
        """Take capacity for a decision and make its attempt. None leaves the instance ready, for lack of capacity."""
        candidate = context.candidate
        executor = self._executor_of(candidate)
        if isinstance(decision, Queue) and executor not in self._executors:
            decision = Fail(StateReason.EXECUTOR_MISSING, self._why_missing(executor))
        match decision:
            case Queue(payload, values=values):
                if not context.capacity.take(candidate, context.task, executor):
                    return None
                is_needed = executor in self._remote_executors or payload is not context.task.payload.source
                text = orjson.dumps(wrapped(payload, values)).decode() if is_needed else None
                attempt = self._new_attempt(context, executor, now, payload=text)
                return AppliedDecision(context, decision, attempt, attempt_to_submit(context, attempt, decision))
            case Fail(reason, message):
                failure = {"state": AttemptState.FAILED, "reason": reason, "message": message, **_end_times(now)}
                return AppliedDecision(context, decision, self._new_attempt(context, executor, now, **failure))
            case Defer() | StartRun(is_awaited=True):
                capacity = context.capacity
                is_call = isinstance(decision, StartRun)
                if not (capacity.take_call(candidate, context.task) if is_call else capacity.take_deferred(candidate)):
                    return None
                waits = {"state": AttemptState.DEFERRED, "started_at": now, "stopped_at": now}
                return AppliedDecision(context, decision, self._new_attempt(context, executor, now, **waits))
            case Postpone() if not context.capacity.take_deferred(candidate):
                return None
            case StartRun():
                success = {"state": AttemptState.SUCCESS, "started_at": now, **_end_times(now)}
                return AppliedDecision(context, decision, self._new_attempt(context, executor, now, **success))
        return AppliedDecision(context, decision)

    def _executor_of(self, candidate: Candidate) -> str:
        return candidate.executor or self._executors[0]

    def _why_missing(self, executor: str) -> str:
        return (
            f"the scheduler has no executor '{executor}' any more, only {', '.join(self._executors)}; "
            "put it back into the setting 'executor', then clear this task"
        )

    def _new_attempt(self, context: DecisionContext, executor: str, now: datetime, **more: Any) -> NewAttempt:
        candidate = context.candidate
        return NewAttempt(
            attempt_id=new_attempt_id(),
            instance_id=candidate.id,
            generation=candidate.generation,
            # All checks of a wait count as a single try.
            try_number=candidate.try_number + (candidate.waits_for is None),
            executor=executor,
            owner=self._owner,
            queued_at=now,
            turn=context.turn,
            **more,
        )

    def _write(
        self, scheduling: Pass, applied_decisions: Sequence[AppliedDecision], now: datetime
    ) -> list[AppliedDecision]:
        """Write the decisions. Returns those that took effect.

        A guarded write returns the instances that it changed. A user or another scheduler may have changed the other
        instances since they were read. Attempts and effects follow only from the returned instances, so the counters
        never count a change twice.
        """
        if not applied_decisions:
            return []
        changed_ids = scheduling.decisions.decide([state_update(applied, now) for applied in applied_decisions])
        written = [applied for applied in applied_decisions if applied.candidate.id in changed_ids]
        attempts = [applied.attempt for applied in written if applied.attempt is not None]
        # A postponed check keeps the attempt and the log of the check before it.
        pokes = [
            applied.candidate
            for applied in written
            if applied.candidate.waits_for is not None and applied.attempt is not None
        ]
        if pokes:
            scheduling.waits.drop_earlier_pokes((poke.id, poke.try_number) for poke in pokes)
        if attempts:
            scheduling.decisions.add_attempts(attempts)
        deadlines = [deadline for applied in written for deadline in _deadlines(applied, now)]
        if deadlines:
            scheduling.deadlines.add(deadlines)
        for applied in _in_write_order(written):
            self._collect_effects(scheduling, applied, now)
        self._follow_branches(scheduling, written, now)
        return written

    def _follow_branches(self, scheduling: Pass, written: Sequence[AppliedDecision], now: datetime) -> None:
        """Skip the tasks that branches did not choose.

        Runs after the effects of all written decisions, because a skipped task may be among the written instances.
        """
        mapped_branches: list[tuple[Version, int, int]] = []
        for applied in written:
            if not isinstance(applied.decision, Resolve):
                continue
            version, run_id, index = applied.context.version, applied.candidate.dag_run_id, applied.candidate.task_index
            if is_mapped_branch(version, index):
                mapped_branches.append((version, run_id, index))
            if applied.decision.branch is not None:
                instance = index, applied.candidate.map_index
                skip_left_out(scheduling, version, run_id, instance, applied.decision.branch, now)
        follow_mapped_branches(scheduling, mapped_branches, now)

    def _collect_effects(self, scheduling: Pass, applied: AppliedDecision, now: datetime) -> None:
        candidate, version = applied.candidate, applied.context.version
        downstream = version.graph.downstream[candidate.task_index]
        match applied.decision:
            case Block():
                return
            case Expand() if applied.context.task.map_group is not None:
                _expand_group(scheduling, version, candidate, applied.decision, now)
                return
            case Expand(items, keys):
                revived = scheduling.limits.expand(candidate, items, keys, downstream)
                scheduling.effects.expanded(candidate.dag_run_id, len(items) - 1 - len(revived))
                for instance in revived:
                    scheduling.effects.moved(instance, TaskState.REMOVED, TaskState.SCHEDULED, at=now)
                # An item of the next run may have no counterpart in this run. With `depends_on_past` the item waits
                # until this expansion shows so.
                scheduling.unblock(candidate.dag_id, applied.context.task.task_id)
                return
            case Resolve(outputs=outputs) if outputs:
                _store_outputs(scheduling, candidate, outputs, now)
            case StartRun() as start if applied.attempt is not None:
                child = child_run(applied, start, applied.attempt, now)
                scheduling.runs.create_child(child, now=now)
                if not start.is_awaited:
                    _store_outputs(scheduling, candidate, {"run_id": child.run_id}, now)
        update = state_update(applied, now)
        instance = _instance(applied)
        try_number = applied.attempt.try_number if applied.attempt else candidate.try_number
        scheduling.effects.moved(
            instance,
            TaskState.SCHEDULED,
            update.state,
            at=now,
            downstream=downstream,
            in_step=version.graph.in_step[candidate.task_index],
            reason=update.reason,
            try_number=try_number,
            emits_event=candidate.waits_for is None or isinstance(applied.decision, Fail),
            is_allowed=applied.context.task.allow_failure,
        )
        if update.state is TaskState.FAILED:
            note_failure(scheduling, version, candidate.dag_run_id, candidate.task_index)
        if update.state is TaskState.DEFERRED and applied.context.task.type == TaskType.APPROVAL:
            scheduling.effects.approval_opened(instance, at=now, try_number=try_number)
        if applied.order is not None and applied.attempt is not None:
            self._live_attempts.add(live_attempt(applied.attempt, candidate))
        else:
            scheduling.unblock(candidate.dag_id, applied.context.task.task_id)


def _instance(applied: AppliedDecision) -> InstanceRef:
    candidate, is_call = applied.candidate, isinstance(applied.decision, StartRun)
    return InstanceRef(
        candidate.id,
        candidate.dag_run_id,
        candidate.task_index,
        candidate.pool,
        candidate.pool_slots,
        is_call,
        candidate.map_index,
    )


def _expand_group(scheduling: Pass, version: Version, candidate: Candidate, expansion: Expand, now: datetime) -> None:
    """Give all tasks of a mapped group the instances of the items; their first instance is that of the candidate."""
    graph = version.graph
    members = {
        index: DownstreamOfMember(
            [task for task in graph.downstream[index] if task not in graph.in_step[index]],
            is_allowed=version.tasks[index].allow_failure,
        )
        for index in graph.mapped_with(candidate.task_index)
    }
    expansions = scheduling.groups.expand(candidate, expansion.items, expansion.keys, members)
    for expanded in sorted(expansions, key=lambda member: graph.position[member.task_index]):
        scheduling.effects.expanded(candidate.dag_run_id, expanded.added, expanded.state)
        for instance in expanded.revived:
            scheduling.effects.moved(instance, TaskState.REMOVED, TaskState.SCHEDULED, at=now)
            if expanded.state is not TaskState.SCHEDULED:
                # The group has counted the end already.
                scheduling.effects.moved(instance, TaskState.SCHEDULED, expanded.state, at=now, reason=expanded.reason)
        for instance_id in sorted(expanded.ended_ids):
            scheduling.effects.event(
                candidate.dag_run_id, expanded.state, at=now, instance_id=instance_id, reason=expanded.reason
            )
        # As after the expansion of a single task.
        scheduling.unblock(candidate.dag_id, version.tasks[expanded.task_index].task_id)


def _in_write_order(written: Sequence[AppliedDecision]) -> Sequence[AppliedDecision]:
    """Order decisions for their effects: results of a trigger rule first, the deepest task first.

    The trigger rules were evaluated before the other results of this round, and those may belong to upstream tasks. In
    this order, an instance has ended before the effects of its upstream tasks arrive at it.
    """

    def is_by_rule(applied: AppliedDecision) -> bool:
        return isinstance(applied.decision, Resolve) and applied.decision.reason is StateReason.TRIGGER_RULE

    by_rule = [applied for applied in written if is_by_rule(applied)]
    if not by_rule:
        return written
    by_rule.sort(key=lambda applied: applied.context.version.graph.position[applied.candidate.task_index], reverse=True)
    return [*by_rule, *(applied for applied in written if not is_by_rule(applied))]


def _decide_safely(context: DecisionContext) -> Decision:
    """`decide`; an exception fails this instance only."""
    try:
        return decide(context)
    except ExpressionError as exc:
        return Fail(StateReason.EXPRESSION_ERROR, str(exc))
    except Exception as exc:
        candidate = context.candidate
        _log.exception(
            "task quarantined: dag=%s run=%s task=%s", candidate.dag_id, candidate.run_id, context.task.task_id
        )
        return Fail(StateReason.QUARANTINED, f"the scheduler could not handle this task: {type(exc).__name__}: {exc}")


def _deadlines(applied: AppliedDecision, now: datetime) -> Iterator[NewDeadline]:
    """The deadlines that count from now on, because the instance has got an attempt that goes on."""
    task, candidate = applied.context.task, applied.candidate
    has_begun = applied.attempt is not None and applied.attempt.ended_at is None
    if not has_begun or (task.queue_timeout is None and task.deadline is None):
        return
    new = partial(
        NewDeadline,
        dag_run_id=candidate.dag_run_id,
        task_id=task.task_id,
        map_index=candidate.map_index,
        generation=candidate.generation,
    )
    if task.queue_timeout is not None and applied.order is not None:
        yield new(kind=DeadlineKind.START, due_at=now + task.queue_timeout)
    if task.deadline is not None and task.deadline.after is DeadlineAnchor.QUEUED:
        yield new(kind=DeadlineKind.END, due_at=now + task.deadline.within)


def _end_times(now: datetime) -> dict[str, datetime]:
    """The times of an attempt that ends without running."""
    return {"ended_at": now, "stopped_at": now}


def _store_outputs(scheduling: Pass, candidate: Candidate, outputs: Mapping[str, Any], now: datetime) -> None:
    scheduling.reports.store_outputs(
        {"instance_id": candidate.id, "key": key, "value": orjson.dumps(value).decode(), "at": now}
        for key, value in outputs.items()
    )
