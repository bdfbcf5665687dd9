"""Decides whether and how a wait ends. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from mainspring.attempts import Finished, Outcome
from mainspring.definition.model import Task
from mainspring.durations import parse_duration
from mainspring.errors import ExpressionError
from mainspring.expressions import Expression
from mainspring.instants import format_instant, parse_instant
from mainspring.params import resolve_params
from mainspring.states import RUN_FINISHED, RunState, StateReason, TaskState
from mainspring.waits import REJECT, WaitKind, defaults_of
from mainspring_scheduler.progress.outcomes import ResolvedOutcome
from mainspring_store.scheduling import ChildRun, TakenSignal

__all__ = ["POKE_INTERVAL", "JudgedPoke", "deadline", "end_of_wait", "judge_poke", "with_condition"]

POKE_INTERVAL = timedelta(seconds=30)
"""Pause between two checks of a wait without `interval`."""
LOSSES_MAX = 3
"""Checks in a row that may lose their worker; the last of them fails the try."""
_NOT_YET: Mapping[WaitKind, frozenset[StateReason]] = {
    WaitKind.HTTP: frozenset(
        {StateReason.HTTP_STATUS, StateReason.HTTP_ERROR, StateReason.NOT_YET, StateReason.TIMED_OUT}
    ),
    WaitKind.SHELL: frozenset({StateReason.EXIT_CODE, StateReason.TIMED_OUT}),
    WaitKind.PYTHON: frozenset({StateReason.TIMED_OUT}),
    WaitKind.FILE: frozenset({StateReason.NOT_YET, StateReason.TIMED_OUT}),
}
"""Reasons of failed checks after which a further check may succeed."""


@dataclass(frozen=True, slots=True)
class JudgedPoke:
    """A check that did not end its wait well: the wait goes on, or has timed out."""

    report: Finished
    """The report to store."""
    outcome: ResolvedOutcome
    waits_for: Mapping[str, Any]
    """The wait from now on."""


def end_of_wait(
    attempt_id: str,
    waits_for: Mapping[str, Any],
    now: datetime,
    *,
    child: ChildRun | None = None,
    signal: TakenSignal | None = None,
) -> Finished | None:
    """The end of a due deferred attempt; None = the wait goes on.

    child: the awaited run; None when the attempt waits for no run, or the run was deleted.
    signal: the signal that the attempt took; None = the attempt waits for no signal, or no signal came.
    """
    end = _Ends(attempt_id, now)
    match waits_for["kind"]:
        case WaitKind.TIME if parse_instant(waits_for["until"]) <= now:
            return end.success({})
        case WaitKind.RUN if child is None or child.state in RUN_FINISHED:
            return _end_with(child, waits_for, end)
        case WaitKind.APPROVAL if (answer := waits_for.get("answer")) is not None:
            return _answered(answer, end)
        case WaitKind.SIGNAL if signal is not None:
            return end.success({"value": signal.value, "by": signal.sent_by, "at": format_instant(signal.sent_at)})
    give_up_at = deadline(waits_for)
    if give_up_at is None or give_up_at > now:
        return None
    if waits_for["kind"] == WaitKind.APPROVAL and waits_for["default"] is not None:
        return _answered(_default_answer(waits_for, now), end)
    return end.given_up(waits_for, _gave_up(waits_for))


def with_condition(report: Finished, condition: Expression | None) -> Finished:
    """The report of a request of an HTTP wait, judged by the condition on its answer: "not yet" when this is false.

    An expression that fails, or gives neither true nor false, fails the task.
    """
    if condition is None or report.outcome is not Outcome.SUCCESS:
        return report
    try:
        holds = condition.evaluate({"answer": {**report.outputs, **report.large}})
    except ExpressionError as exc:
        return _refused(report, StateReason.EXPRESSION_ERROR, str(exc))
    if not isinstance(holds, bool):
        message = f"until: {condition.source} gave {holds!r:.100}; it must give true or false"
        return _refused(report, StateReason.EXPRESSION_ERROR, message)
    return report if holds else _refused(report, StateReason.NOT_YET, "`until` was false for the answer")


def _refused(report: Finished, reason: StateReason, message: str) -> Finished:
    return replace(report, outcome=Outcome.FAILED, reason=reason, message=message, outputs={}, large={})


def judge_poke(
    report: Finished, task: Task, waits_for: Mapping[str, Any], *, has_started: bool, now: datetime
) -> JudgedPoke | None:
    """The outcome of a check of a wait; None = treat the report like that of any other task.

    The wait goes on, and no try is charged, after a "not yet", an interrupted check and a check with a lost worker. A
    task that costs its worker `LOSSES_MAX` checks in a row is treated like any task that costs its worker.

    has_started: as of `judge`.
    """
    losses = waits_for.get("losses", 0) + 1 if _is_loss(report, has_started) else 0
    if losses >= LOSSES_MAX or not (_is_repeated(report) or _is_not_yet(report, task, waits_for)):
        return None
    if report.outcome is Outcome.SUCCESS:
        message = "the callable returned a false value"
        report = replace(report, outcome=Outcome.FAILED, reason=StateReason.NOT_YET, message=message, outputs={})
    if report.reason is StateReason.TIMED_OUT and waits_for["kind"] != WaitKind.HTTP:
        report = replace(report, message=f"the check was stopped at its time limit (check_timeout): {report.message}")
    give_up_at = deadline(waits_for)
    if give_up_at is not None and give_up_at <= now:
        message = f"{_gave_up(waits_for)}; at last: {report.message}"
        end = _Ends(report.attempt_id, now).given_up(waits_for, message)
        state = TaskState.SKIPPED if end.outcome is Outcome.SKIPPED else TaskState.FAILED
        return JudgedPoke(end, ResolvedOutcome(state, end.reason), waits_for)
    interval = task.payload.source.get("interval")
    again_at = now + (POKE_INTERVAL if interval is None else parse_duration(interval))
    not_before = again_at if give_up_at is None else min(again_at, give_up_at)
    seen = {"checked_at": format_instant(report.at)} if report.outcome is Outcome.FAILED else {}
    # The members of the wait: a count of 0 is left out.
    goes_on = {**{name: value for name, value in waits_for.items() if name != "losses"}, **seen}
    if losses:
        goes_on["losses"] = losses
    return JudgedPoke(report, ResolvedOutcome(TaskState.DEFERRED, not_before=not_before), goes_on)


def _is_loss(report: Finished, has_started: bool) -> bool:
    """Whether the check may have cost its worker. A task host finds out by itself which of its tasks cost it."""
    return report.outcome is Outcome.LOST and has_started and report.reason is not StateReason.HOST_LOST


def _is_repeated(report: Finished) -> bool:
    """Whether the check came to no result. A task host that died with this check alone was killed by it."""
    if report.outcome is Outcome.LOST:
        return report.reason is not StateReason.HOST_KILLED
    return report.outcome is Outcome.INTERRUPTED


def _is_not_yet(report: Finished, task: Task, waits_for: Mapping[str, Any]) -> bool:
    kind = WaitKind(waits_for["kind"])
    if report.outcome is Outcome.SUCCESS:
        # A large value that is kept by reference is not empty.
        is_large = "return_value" in report.large
        return kind is WaitKind.PYTHON and not is_large and not report.outputs.get("return_value")
    if report.outcome is not Outcome.FAILED or report.reason not in _NOT_YET[kind]:
        return False
    return report.exit_code not in task.written_payload.get("fail_on_exit_codes", ()) or kind is not WaitKind.SHELL


def deadline(waits_for: Mapping[str, Any]) -> datetime | None:
    """When the wait times out; None = never."""
    text = waits_for["give_up_at"]
    return None if text is None else parse_instant(text)


class _Ends:
    """Makes reports of deferred attempts. The scheduler makes them itself, because no process ran."""

    def __init__(self, attempt_id: str, now: datetime) -> None:
        self._attempt_id = attempt_id
        self._now = now

    def success(self, outputs: Mapping[str, Any]) -> Finished:
        return Finished(attempt_id=self._attempt_id, seq=0, at=self._now, outcome=Outcome.SUCCESS, outputs=outputs)

    def given_up(self, waits_for: Mapping[str, Any], message: str) -> Finished:
        """The end of a wait whose timeout has passed."""
        if not waits_for.get("soft_fail"):
            return self.failure(StateReason.TIMED_OUT, message)
        return Finished(
            attempt_id=self._attempt_id,
            seq=0,
            at=self._now,
            outcome=Outcome.SKIPPED,
            reason=StateReason.SOFT_FAIL,
            message=message,
        )

    def failure(self, reason: StateReason, message: str) -> Finished:
        return Finished(
            attempt_id=self._attempt_id, seq=0, at=self._now, outcome=Outcome.FAILED, reason=reason, message=message
        )


def _end_with(child: ChildRun | None, waits_for: Mapping[str, Any], end: _Ends) -> Finished:
    if child is None:
        return end.failure(StateReason.CHILD_RUN_FAILED, f"{_name(waits_for)} was deleted")
    if child.state is RunState.SUCCESS:
        return end.success({**(child.outputs or {}), "run_id": child.run_id})
    return end.failure(StateReason.CHILD_RUN_FAILED, f"{_name(waits_for)} failed: {child.message}")


def _default_answer(waits_for: Mapping[str, Any], now: datetime) -> Mapping[str, Any]:
    choices = defaults_of(waits_for["default"]) or []
    # A definition is refused when the defaults of its params do not fit them.
    values = {} if REJECT in choices else resolve_params(waits_for.get("params", {}), {})
    return {
        "choice": choices[0],
        "choices": choices,
        "values": values,
        "by": None,
        "note": None,
        "at": format_instant(now),
    }


def _answered(answer: Mapping[str, Any], end: _Ends) -> Finished:
    if answer["choice"] != REJECT:
        return end.success(answer)
    who = answer["by"] or "its default"
    note = f": {answer['note']}" if answer["note"] else ""
    return end.failure(StateReason.APPROVAL_REJECTED, f"rejected by {who}{note}")


def _gave_up(waits_for: Mapping[str, Any]) -> str:
    match waits_for["kind"]:
        case WaitKind.RUN:
            return f"{_name(waits_for)} took longer than execution_timeout allows, and is stopped"
        case WaitKind.APPROVAL:
            return "nobody answered within its timeout"
        case WaitKind.SIGNAL:
            return f"no client sent the signal '{waits_for['name']}' within its timeout"
        case WaitKind.TIME:
            return f"its timeout passed before {waits_for['until']}"
    return "its condition did not hold within its timeout"


def _name(waits_for: Mapping[str, Any]) -> str:
    return f"run '{waits_for['run_id']}' of dag '{waits_for['dag_id']}'"
