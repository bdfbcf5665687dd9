"""The interface of Python tasks: `Skip`, `Fail`, `current_attempt`. Works alike on every executor."""

import os
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mainspring.attempts import Attempt

__all__ = ["CurrentAttempt", "Fail", "Skip", "current_attempt"]


class Skip(Exception):
    """Raised by a task without work. Its instance becomes `skipped`, with this text as the reason."""


class Fail(Exception):
    """Raised by a task when a further try would not help. Its instance fails at once, even with `retries` left."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CurrentAttempt:
    """The try that runs the calling code."""

    attempt_id: str
    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    """-1 for an unmapped task."""
    try_number: int
    logical_date: datetime | None = None
    data_interval_start: datetime | None = None
    data_interval_end: datetime | None = None
    ds: str | None = None
    params: dict[str, Any] = field(default_factory=dict)
    """Empty in a process that the task itself started."""
    traceparent: str | None = None
    """Span of the try, as W3C Trace Context writes it; None = the run has no trace."""


current: ContextVar[Attempt | None] = ContextVar("mainspring_attempt", default=None)


def current_attempt() -> CurrentAttempt:
    """The attempt that this code runs in. Raises `LookupError` outside of one.

    A thread started by the task is outside on the `thread` executor; hand the value over.
    """
    attempt = current.get()
    if attempt is None:
        return _from_environment()
    context = attempt.context
    return CurrentAttempt(
        attempt_id=attempt.attempt_id,
        dag_id=attempt.dag_id,
        run_id=attempt.run_id,
        task_id=attempt.task_id,
        map_index=attempt.map_index,
        try_number=attempt.try_number,
        logical_date=_instant(context.get("logical_date")),
        data_interval_start=_instant(context.get("data_interval_start")),
        data_interval_end=_instant(context.get("data_interval_end")),
        ds=context.get("ds"),
        params=dict(context.get("params") or {}),
        traceparent=context.get("traceparent"),
    )


def _from_environment() -> CurrentAttempt:
    """The attempt of a separate process, as inline source and programs are."""
    if "MAINSPRING_ATTEMPT_ID" not in os.environ:
        raise LookupError("there is no current attempt: this code was not started by a Mainspring task")
    get = os.environ.get
    return CurrentAttempt(
        attempt_id=os.environ["MAINSPRING_ATTEMPT_ID"],
        dag_id=os.environ["MAINSPRING_DAG_ID"],
        run_id=os.environ["MAINSPRING_RUN_ID"],
        task_id=os.environ["MAINSPRING_TASK_ID"],
        map_index=int(os.environ["MAINSPRING_MAP_INDEX"]),
        try_number=int(os.environ["MAINSPRING_TRY_NUMBER"]),
        logical_date=_instant(get("MAINSPRING_LOGICAL_DATE")),
        data_interval_start=_instant(get("MAINSPRING_DATA_INTERVAL_START")),
        data_interval_end=_instant(get("MAINSPRING_DATA_INTERVAL_END")),
        ds=get("MAINSPRING_DS"),
        traceparent=get("TRACEPARENT"),
    )


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
