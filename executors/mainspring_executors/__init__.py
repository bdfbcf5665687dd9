"""Executors: the contract, `thread`, `local` and `rq`, and the task types they carry out."""

from mainspring_executors.contract import AttemptLocation, Capabilities, Executor, SubmitResult, Submitted
from mainspring_executors.registry import open_executor
from mainspring_executors.settings import ExecutorSettings
from mainspring_executors.task import CurrentAttempt, Fail, Skip, current_attempt

__all__ = [
    "AttemptLocation",
    "Capabilities",
    "CurrentAttempt",
    "Executor",
    "ExecutorSettings",
    "Fail",
    "Skip",
    "SubmitResult",
    "Submitted",
    "current_attempt",
    "open_executor",
]
