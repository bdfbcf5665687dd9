"""The names of run values in expressions and tasks."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from mainspring.instants import format_instant
from mainspring.traces import RunTrace

__all__ = ["attempt_context", "run_names"]

_TRACE = " trace"
"""No expression can name this value."""


def run_names(
    *,
    dag_id: str,
    run_id: str,
    run_type: str,
    conf: Mapping[str, Any],
    params: Mapping[str, Any],
    logical_date: datetime | None,
    data_interval_start: datetime | None,
    data_interval_end: datetime | None,
    run_after: datetime,
    trace: RunTrace | None,
) -> Mapping[str, Any]:
    """Every name of a run that `${{ ... }}` may use, but for those of tasks and of the instance itself.

    `ds` and `ts` are those of the logical date; a run without a logical date stands for its earliest start.
    """
    date = logical_date or run_after
    instants = {
        "logical_date": _instant(logical_date),
        "data_interval_start": _instant(data_interval_start),
        "data_interval_end": _instant(data_interval_end),
    }
    return {
        _TRACE: trace,
        "dag_id": dag_id,
        "run_id": run_id,
        "params": params,
        "conf": conf,
        **instants,
        "ds": date.strftime("%Y-%m-%d"),
        "ds_nodash": date.strftime("%Y%m%d"),
        "ts": _instant(date),
        "dag_run": {
            "dag_id": dag_id,
            "run_id": run_id,
            "run_type": run_type,
            **instants,
            "run_after": _instant(run_after),
            "conf": conf,
        },
    }


def attempt_context(names: Mapping[str, Any], attempt_id: str) -> Mapping[str, Any]:
    """The part of a run's names that travels with an attempt, and `traceparent` where the run has a trace."""
    context = {
        name: names[name]
        for name in ("logical_date", "data_interval_start", "data_interval_end", "ds", "ts", "params", "conf")
    }
    trace: RunTrace | None = names[_TRACE]
    traceparent = None if trace is None else trace.traceparent_of(attempt_id)
    return context if traceparent is None else {**context, "traceparent": traceparent}


def _instant(value: datetime | None) -> str | None:
    return None if value is None else format_instant(value)
