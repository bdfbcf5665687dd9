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
from mainspring.definition.model import Task, TaskType
from mainspring.errors import ExpressionError
from mainspring.expressions import Expression
from mainspring.ids import new_attempt_id
from mainspring.states import AttemptState, StateReason, TaskState
from mainspring.trigger_rules import Decision, evaluate
from mainspring_scheduler.progress import LiveAttempts
from mainspring_scheduler.run_context import RunContexts, attempt_context, expression_context
from mainspring_scheduler.versions import Version, Versions
from mainspring_store.effects import InstanceRef, RunCounters
from mainspring_store.scheduling import Candidate, Decided, LiveAttempt, NewAttempt, Pass

__all__ = ["Dispatched", "Dispatcher"]

_log = logging.getLogger(__name__)

ROUNDS_MAX = 32
"""Levels of skips that ripple within one pass."""
BATCH_MAX = 1024
"""Instances decided in one round."""


@dataclass(slots=True)
class Dispatched:
    """What one dispatch did. The attempts are to be submitted after the commit, never before."""

    attempts: dict[str, list[Attempt]] = field(default_factory=dict)
    """Executor name -> work orders."""
    resolved: int = 0
    counters: dict[int, RunCounters] = field(default_factory=dict)
    """Of every run that was touched, as they stand at the end."""
    broken_runs: dict[int, str] = field(default_factory=dict)
    """Runs whose stored definition cannot be read, with the reason: to be set aside whole."""
    is_complete: bool = True
    """False: there is more to decide at once."""


@dataclass(frozen=True, slots=True)
class _Choice:
    """The decision on one candidate."""

    candidate: Candidate
    version: Version
    decided: Decided
    attempt: NewAttempt | None = None
    order: Attempt | None = None
    executor: str | None = None


class Dispatcher:
    """Decides on ready instances. Keeps nothing but caches between passes."""

    def __init__(
        self,
        *,
        owner: str,
        default_executor: str,
        versions: Versions,
        contexts: RunContexts,
        live_attempts: LiveAttempts,
    ) -> None:
        self._owner = owner
        self._default_executor = default_executor
        self._versions = versions
        self._contexts = contexts
        self._live_attempts = live_attempts

    def dispatch(self, scheduling: Pass, capacity: Mapping[str, int], now: datetime) -> Dispatched:
        """Decide until nothing is ready, nothing more fits, or the rounds are used up.

        capacity: executor name -> attempts it takes now. An executor that is not a key takes none.
        """
        result = Dispatched()
        room = dict(capacity)
        scheduling.unlock_downstream()
        for _ in range(ROUNDS_MAX):
            limit = min(max(max(room.values(), default=0), 1), BATCH_MAX)
            choices = self._round(scheduling, limit, room, result.broken_runs, now)
            counters = scheduling.settle()
            result.counters.update(counters)
            for choice in choices:
                if choice.order is not None and choice.executor is not None:
                    result.attempts.setdefault(choice.executor, []).append(choice.order)
            resolved = sum(1 for choice in choices if choice.order is None)
            result.resolved += resolved
            has_room = any(free > 0 for free in room.values())
            made_room = any(one.was_full for one in counters.values())
            full_batch = len(choices) >= limit
            if not (resolved or made_room or (full_batch and has_room)):
                return result
        result.is_complete = False
        return result

    def _round(
        self,
        scheduling: Pass,
        limit: int,
        room: MutableMapping[str, int],
        broken_runs: MutableMapping[int, str],
        now: datetime,
    ) -> list[_Choice]:
        candidates = scheduling.candidates(limit)
        if not candidates:
            return []
        locked = scheduling.lock_runs({one.dag_run_id for one in candidates}, skip_locked=True)
        contexts = self._contexts.get(locked, scheduling)
        limits = _Limits(room)
        choices = []
        for candidate in candidates:
            run = contexts.get(candidate.dag_run_id)
            if run is None or candidate.dag_run_id in broken_runs:
                continue
            version = self._version(scheduling, candidate, broken_runs)
            choice = version and self._choose(scheduling, candidate, version, run, limits, now)
            if choice:
                choices.append(choice)
        return self._write(scheduling, choices)

    def _version(self, scheduling: Pass, candidate: Candidate, broken_runs: MutableMapping[int, str]) -> Version | None:
        try:
            return self._versions.get(candidate.version_id, scheduling.version_document)
        except Exception as exc:
            _log.exception("cannot read the definition of run %s of dag %s", candidate.run_id, candidate.dag_id)
            broken_runs[candidate.dag_run_id] = f"its stored definition cannot be read: {type(exc).__name__}: {exc}"
            return None

    def _choose(
        self,
        scheduling: Pass,
        candidate: Candidate,
        version: Version,
        run: Mapping[str, Any],
        limits: "_Limits",
        now: datetime,
    ) -> _Choice | None:
        """The decision on one candidate; None leaves it ready, for lack of room. One bad row costs only itself."""
        try:
            return self._decide(scheduling, candidate, version, run, limits, now)
        except ExpressionError as exc:
            return self._failed(candidate, version, StateReason.EXPRESSION_ERROR, str(exc), now)
        except Exception as exc:
            _log.exception(
                "set aside task %d of run %s of dag %s", candidate.task_index, candidate.run_id, candidate.dag_id
            )
            message = f"the scheduler could not handle this task: {type(exc).__name__}: {exc}"
            return self._failed(candidate, version, StateReason.QUARANTINED, message, now)

    def _decide(
        self,
        scheduling: Pass,
        candidate: Candidate,
        version: Version,
        run: Mapping[str, Any],
        limits: "_Limits",
        now: datetime,
    ) -> _Choice | None:
        task = version.tasks[candidate.task_index]
        match evaluate(task.trigger_rule, candidate.counts):
            case Decision.SKIP:
                return _resolved(candidate, version, TaskState.SKIPPED, StateReason.TRIGGER_RULE, now)
            case Decision.UPSTREAM_FAILED:
                return _resolved(candidate, version, TaskState.UPSTREAM_FAILED, StateReason.TRIGGER_RULE, now)
        extra = {"task_id": task.task_id, "try_number": candidate.try_number + 1, "map_index": candidate.map_index}
        if task.when is not None:
            names = expression_context(scheduling, version, candidate.dag_run_id, run, task.when.task_references, extra)
            if not _holds(task.when, names):
                return _resolved(candidate, version, TaskState.SKIPPED, StateReason.WHEN, now)
        if task.type == TaskType.NOOP:
            return _resolved(candidate, version, TaskState.SUCCESS, None, now)
        executor = candidate.executor or self._default_executor
        if not limits.take(candidate, executor):
            return None
        names = expression_context(scheduling, version, candidate.dag_run_id, run, task.payload.task_references, extra)
        return self._attempted(candidate, version, task, executor, task.payload.render(names), run, now)

    def _attempted(
        self,
        candidate: Candidate,
        version: Version,
        task: Task,
        executor: str,
        payload: Any,
        run: Mapping[str, Any],
        now: datetime,
    ) -> _Choice:
        attempt_id = new_attempt_id()
        try_number = candidate.try_number + 1
        order = Attempt(
            attempt_id=attempt_id,
            dag_id=candidate.dag_id,
            run_id=candidate.run_id,
            task_id=task.task_id,
            map_index=candidate.map_index,
            try_number=try_number,
            task_type=task.type,
            payload=payload,
            context=attempt_context(run),
            timeout=task.execution_timeout,
            cancel_grace=task.cancel_grace,
        )
        attempt = NewAttempt(
            attempt_id=attempt_id,
            instance_id=candidate.id,
            generation=candidate.generation,
            try_number=try_number,
            executor=executor,
            owner=self._owner,
            queued_at=now,
            payload=None if task.payload.is_constant else orjson.dumps(payload).decode(),
        )
        decided = Decided(id=candidate.id, state=TaskState.QUEUED, at=now, attempt_id=attempt_id)
        return _Choice(candidate, version, decided, attempt, order, executor)

    def _failed(
        self, candidate: Candidate, version: Version, reason: StateReason, message: str, now: datetime
    ) -> _Choice:
        """A try that ended before it could start: it has a row, so that its message can be read."""
        attempt = NewAttempt(
            attempt_id=new_attempt_id(),
            instance_id=candidate.id,
            generation=candidate.generation,
            try_number=candidate.try_number + 1,
            executor=candidate.executor or self._default_executor,
            owner=self._owner,
            queued_at=now,
            state=AttemptState.FAILED,
            reason=reason,
            message=message,
            ended_at=now,
        )
        decided = Decided(
            id=candidate.id,
            state=TaskState.FAILED,
            at=now,
            attempt_id=attempt.attempt_id,
            reason=reason,
            end_date=now,
        )
        return _Choice(candidate, version, decided, attempt)

    def _write(self, scheduling: Pass, choices: Sequence[_Choice]) -> list[_Choice]:
        """Write the decisions; returns those that held."""
        if not choices:
            return []
        moved = scheduling.decide([choice.decided for choice in choices])
        held = [choice for choice in choices if choice.candidate.id in moved]
        attempts = [choice.attempt for choice in held if choice.attempt is not None]
        if attempts:
            scheduling.add_attempts(attempts)
        for choice in held:
            candidate, decided = choice.candidate, choice.decided
            scheduling.effects.moved(
                InstanceRef(
                    candidate.id, candidate.dag_run_id, candidate.task_index, candidate.pool, candidate.pool_slots
                ),
                TaskState.SCHEDULED,
                decided.state,
                at=decided.at,
                downstream=choice.version.graph.downstream[candidate.task_index],
                reason=decided.reason,
                try_number=choice.attempt.try_number if choice.attempt else candidate.try_number,
            )
            if choice.order is not None and choice.attempt is not None:
                self._live_attempts.add(_live(choice.attempt, candidate))
        return held


class _Limits:
    """Room left in this round: of executors, runs and pools. The store's figures, less what was taken since."""

    def __init__(self, executors: MutableMapping[str, int]) -> None:
        self._executors = executors
        self._runs: dict[int, int] = {}
        self._pools: dict[str, int] = {}

    def take(self, candidate: Candidate, executor: str) -> bool:
        run = self._runs.setdefault(candidate.dag_run_id, candidate.run_slots_free)
        slots = self._pools.setdefault(candidate.pool, candidate.pool_slots_free)
        if self._executors.get(executor, 0) < 1 or run < 1 or slots < candidate.pool_slots:
            return False
        self._executors[executor] -= 1
        self._runs[candidate.dag_run_id] = run - 1
        self._pools[candidate.pool] = slots - candidate.pool_slots
        return True


def _holds(when: Expression, names: Mapping[str, Any]) -> bool:
    result = when.evaluate(names)
    if not isinstance(result, bool):
        raise ExpressionError(
            f"when: {when.source} gave {result!r}; it must give true or false. Compare it, as in `... == 'x'`"
        )
    return result


def _resolved(
    candidate: Candidate, version: Version, state: TaskState, reason: StateReason | None, now: datetime
) -> _Choice:
    decided = Decided(id=candidate.id, state=state, at=now, reason=reason, end_date=now)
    return _Choice(candidate, version, decided)


def _live(attempt: NewAttempt, candidate: Candidate) -> LiveAttempt:
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
    )
