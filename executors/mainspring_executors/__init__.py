"""Executors: the contract, `thread`, `local` and `rq`, and the task types they carry out."""

from mainspring_executors.contract import Capabilities, Executor, SubmitResult, Submitted, Whereabouts
from mainspring_executors.registry import open_executor
from mainspring_executors.settings import ExecutorSettings
from mainspring_executors.task import CurrentAttempt, Fail, Skip, current_attempt

__all__ = [
    "Capabilities",
    "CurrentAttempt",
    "Executor",
    "ExecutorSettings",
    "Fail",
    "Skip",
    "SubmitResult",
    "Submitted",
    "Whereabouts",
    "current_attempt",
    "open_executor",
]
