"""The domain of Mainspring, pure: definitions, graphs, expressions, states, trigger rules, attempts and reports.

Re-exported is what travels between the parts; it needs nothing but the standard library. Definitions are in
`mainspring.definition`.
"""

from mainspring.attempts import (
    Attempt,
    Finished,
    Limits,
    LogChunk,
    Outcome,
    Report,
    Started,
    Stopped,
)
from mainspring.errors import (
    Conflict,
    ExecutorError,
    ExpressionError,
    InvalidDag,
    InvalidInput,
    InvalidParams,
    MainspringError,
    NotFound,
    Problem,
    QuotaExceeded,
    StoreUnavailable,
)
from mainspring.states import (
    ATTEMPT_LIVE,
    RUN_FINISHED,
    RUN_TRANSITIONS,
    TASK_ACTIVE,
    TASK_FINISHED,
    TASK_TRANSITIONS,
    AttemptState,
    RunState,
    RunType,
    StateReason,
    TaskState,
    may_move,
)

__all__ = [
    "ATTEMPT_LIVE",
    "RUN_FINISHED",
    "RUN_TRANSITIONS",
    "TASK_ACTIVE",
    "TASK_FINISHED",
    "TASK_TRANSITIONS",
    "Attempt",
    "AttemptState",
    "Conflict",
    "ExecutorError",
    "ExpressionError",
    "Finished",
    "InvalidDag",
    "InvalidInput",
    "InvalidParams",
    "Limits",
    "LogChunk",
    "MainspringError",
    "NotFound",
    "Outcome",
    "Problem",
    "QuotaExceeded",
    "Report",
    "RunState",
    "RunType",
    "Started",
    "StateReason",
    "Stopped",
    "StoreUnavailable",
    "TaskState",
    "may_move",
]
