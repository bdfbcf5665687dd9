"""The end of a turn of a task with `repeat`: the loop ends, or the next turn follows. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from mainspring.attempts import Finished, Outcome
from mainspring.definition.model import Repeat
from mainspring.states import StateReason, TaskState
from mainspring_scheduler.progress.outcomes import ResolvedOutcome
from mainspring_scheduler.versions import Version
from mainspring_store.scheduling import LiveAttempt, Pass

__all__ = ["TURN_BYTES_MAX", "FinishedTurn", "JudgeTurns", "TurnEnd", "ended_turn", "next_turn", "without_value"]

TURN_BYTES_MAX = 4096
"""Size of the outputs as JSON that stay with the try of a turn: a list of tries may have ten thousand of them."""


@dataclass(frozen=True, slots=True)
class FinishedTurn:
    """A successful attempt of a task with `repeat`."""

    live: LiveAttempt
    version: Version
    report: Finished


@dataclass(frozen=True, slots=True)
class TurnEnd:
    """The result of a turn."""

    report: Finished
    """The report to store: a failure when `until` has no value, and when it is false after the last turn."""
    next_index: int | None = None
    """The turn that follows, from 0; None = the loop is over."""


JudgeTurns = Callable[[Pass, Sequence[FinishedTurn]], Mapping[str, TurnEnd]]
"""Evaluates `until` of finished turns: attempt id -> result. An attempt of a deleted run is absent."""


def ended_turn(report: Finished, repeat: Repeat, turn: int, holds: Any) -> TurnEnd:
    """The result of a turn after which `until` gave `holds`."""
    if not isinstance(holds, bool):
        message = f"repeat.until: {repeat.until.source} gave {holds!r}; it must give true or false"
        return TurnEnd(_failed(report, StateReason.EXPRESSION_ERROR, f"{message}. Compare it, as in `... == 'x'`"))
    if holds:
        return TurnEnd(report)
    if turn + 1 < repeat.max:
        return TurnEnd(report, turn + 1)
    message = f"repeat.until: {repeat.until.source} was still false after {turn + 1} turns; raise repeat.max for more"
    return TurnEnd(_failed(report, StateReason.REPEAT_MAX, message))


def without_value(report: Finished, message: str) -> TurnEnd:
    """The result of a turn after which the evaluation of `until` failed."""
    return TurnEnd(_failed(report, StateReason.EXPRESSION_ERROR, f"repeat.until: {message}"))


def next_turn(repeat: Repeat, index: int, now: datetime) -> ResolvedOutcome:
    """The next state of an instance whose next turn has this index."""
    if repeat.delay <= timedelta(0):
        return ResolvedOutcome(TaskState.SCHEDULED, StateReason.NEXT_TURN, next_turn=index)
    not_before = now + repeat.delay
    return ResolvedOutcome(TaskState.UP_FOR_RETRY, StateReason.NEXT_TURN, not_before=not_before, next_turn=index)


def _failed(report: Finished, reason: StateReason, message: str) -> Finished:
    """The failure of a turn whose try succeeded. The outputs of the try stay."""
    return replace(report, outcome=Outcome.FAILED, reason=reason, message=message)
