"""Exit codes of programs that wait for a run."""

from collections.abc import Mapping

from mainspring.states import RunState, StateReason

__all__ = ["CANCELLED", "FAILED", "STILL_RUNNING", "SUCCESS", "exit_code_of_run"]

SUCCESS = 0
FAILED = 1
CANCELLED = 3
STILL_RUNNING = 4
"""The run has not ended."""

_BY_STATE: Mapping[RunState, int] = {RunState.SUCCESS: SUCCESS, RunState.FAILED: FAILED}


def exit_code_of_run(state: str, reason: str | None) -> int:
    """The exit code that a state of a run and its reason mean."""
    if state == RunState.FAILED and reason == StateReason.CANCELLED:
        return CANCELLED
    return _BY_STATE.get(RunState(state), STILL_RUNNING)
