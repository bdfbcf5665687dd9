"""What needs a person now, worst first, with the line of the log that says why."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Response, g
from marshmallow import fields

from mainspring.errors import LogStoreUnavailable
from mainspring.instants import parse_instant
from mainspring_api.http.answers import answer
from mainspring_api.http.context import Context, context
from mainspring_api.http.fields import Answer, Instant
from mainspring_api.http.operations import Resource
from mainspring_api.http.permissions import Over
from mainspring_api.resources.instances.instance_fields import rendered_map_index
from mainspring_api.resources.instances.log_lines import Log, first_telling_line
from mainspring_api.resources.service.monitor import Health, health
from mainspring_store.access.roles import Role
from mainspring_store.queries.page.attention import Attention, Failure, LateRun, read_attention

__all__ = ["Summary", "blueprint", "summary_body"]

blueprint = Resource("summary", "Summary: what needs a person", tag="page_views")

ATTENTION_MAX = 20
LINE_CHARS_MAX = 300
_LOG_COMPLETE_AFTER = timedelta(seconds=30)
_LINES_KEPT_MAX = 500
_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_LOG_BYTES_MAX = 2 * 1024 * 1024
"""Of a longer log, only its beginning is searched for the first error."""


class SummaryCounts(Answer):
    """Counts over the DAGs that the caller sees."""

    running = fields.Integer(metadata={"description": "Running runs"})
    queued = fields.Integer(metadata={"description": "Runs that are due and wait"})
    failing = fields.Integer(metadata={"description": "DAGs whose latest finished run failed"})
    late = fields.Integer(metadata={"description": "Runs that were due a minute ago or more and have not begun"})
    approvals = fields.Integer(metadata={"description": "Tasks that wait for an answer"})
    runs_24h = fields.Integer(metadata={"description": "Runs that were due in the last 24 hours"})
    success_24h = fields.Integer(metadata={"description": "Successful runs among `runs_24h`"})


class TellingLine(Answer):
    """A line of a log."""

    n = fields.Integer(metadata={"description": "Number of the line, from 1"})
    text = fields.String(metadata={"description": "Text, at most 300 characters"})


class AttentionItem(Answer):
    """Something that needs a person. Members that a kind does not have are null."""

    kind = fields.String(
        metadata={
            "description": "`failed` = the latest finished run of a DAG failed; `retrying` = a worker was lost; `late`"
            " = a due run has not begun; `slow` = a run takes more than three times its median; `approval` = a task"
            " asks; `backfill_paused` = a backfill is paused"
        }
    )
    since = Instant(metadata={"description": "Since when"})
    dag_id = fields.String()
    dag_run_id = fields.String(allow_none=True, metadata={"description": "Null = no run"})
    task_id = fields.String(allow_none=True, metadata={"description": "Null = no single task"})
    map_index = fields.Integer(allow_none=True, metadata={"description": "Null = no single task"})
    rendered_map_index = fields.String(
        allow_none=True, metadata={"description": "Key of a mapped instance, otherwise `map_index`; null = not mapped"}
    )
    try_number = fields.Integer(allow_none=True, metadata={"description": "Number of the try; null = no try"})
    state_reason = fields.String(allow_none=True, metadata={"description": "Code of the cause"})
    message = fields.String(allow_none=True, metadata={"description": "Cause or question in a sentence"})
    line = fields.Nested(
        TellingLine,
        allow_none=True,
        metadata={"description": "First line with an error in the log of the try, else its last line; null = no log"},
    )
    failed_in_a_row = fields.Integer(
        allow_none=True, metadata={"description": "Failed runs since the last success, at most 20"}
    )
    next_try_at = Instant(allow_none=True, metadata={"description": "Instant of the next try"})
    due_at = Instant(allow_none=True, metadata={"description": "When a late run was due, or an approval gives up"})
    choices = fields.List(fields.String(), allow_none=True, metadata={"description": "Possible answers of an approval"})


class Summary(Answer):
    """How everything stands."""

    counts = fields.Nested(SummaryCounts)
    attention = fields.List(fields.Nested(AttentionItem), metadata={"description": "Worst first, at most 20"})
    health = fields.Nested(Health)


@blueprint.operation("GET", "/summary", "get_summary", role=Role.VIEWER, over=Over.DAGS, answer=Summary)
def get_summary() -> Response:
    """Counts of runs, what needs a person, and the health of the services."""
    return answer(summary_body())


def summary_body() -> dict[str, Any]:
    """A `Summary` for the sender of the request."""
    ctx = context()
    attention = read_attention(ctx.database, seen=g.user.seen, now=datetime.now(UTC), limit=ATTENTION_MAX)
    return {
        "counts": {
            "running": attention.running,
            "queued": attention.queued,
            "failing": attention.failing,
            "late": attention.late,
            "approvals": attention.approvals,
            "runs_24h": attention.runs,
            "success_24h": attention.successes,
        },
        "attention": _items(ctx, attention),
        "health": health(),
    }


def _items(ctx: Context, attention: Attention) -> list[dict[str, Any]]:
    items = [_failed(failure) for failure in attention.failures]
    items += [_retrying(row) for row in attention.retries]
    items += [_late(run) for run in attention.late_runs]
    items += [
        _item("slow", run.since, run.dag_id, dag_run_id=run.run_id, message=_usual(run.median_seconds))
        for run in attention.slow_runs
    ]
    items += [_approval(row) for row in attention.open_approvals]
    items += [
        _item("backfill_paused", row.updated_at, row.dag_id, message=row.message) for row in attention.paused_backfills
    ]
    listed = items[:ATTENTION_MAX]
    for item in listed:
        item["line"] = _line(ctx, item.pop("attempt_id", None), item["since"])
    return listed


def _item(kind: str, since: datetime, dag_id: str, **members: Any) -> dict[str, Any]:
    absent = dict.fromkeys(AttentionItem().fields)
    return {**absent, "kind": kind, "since": since, "dag_id": dag_id, **members}


def _failed(failure: Failure) -> dict[str, Any]:
    since = failure.ended_at or datetime.now(UTC)
    members: dict[str, Any] = {
        "dag_run_id": failure.run_id,
        "state_reason": failure.state_reason,
        "message": failure.message,
        "failed_in_a_row": failure.failed_in_a_row,
    }
    if failure.instance is not None:
        members |= _of_instance(failure.instance)
        members["message"] = failure.instance.message or failure.message
    return _item("failed", since, failure.dag_id, **members)


def _retrying(row: Any) -> dict[str, Any]:
    members = {**_of_instance(row), "dag_run_id": row.run_id, "message": row.message, "next_try_at": row.not_before}
    return _item("retrying", row.end_date or row.not_before, row.dag_id, **members)


def _late(run: LateRun) -> dict[str, Any]:
    return _item("late", run.due_at, run.dag_id, dag_run_id=run.run_id, message=run.message, due_at=run.due_at)


def _approval(row: Any) -> dict[str, Any]:
    waits_for: Mapping[str, Any] = row.waits_for or {}
    gives_up = waits_for.get("give_up_at")
    return _item(
        "approval",
        row.start_date,
        row.dag_id,
        dag_run_id=row.run_id,
        task_id=row.task_id,
        map_index=row.map_index,
        rendered_map_index=rendered_map_index(row.map_index, row.map_key),
        message=waits_for.get("message"),
        choices=waits_for.get("choices"),
        due_at=parse_instant(gives_up) if gives_up else None,
    )


def _of_instance(row: Any) -> dict[str, Any]:
    return {
        "task_id": row.task_id,
        "map_index": row.map_index,
        "rendered_map_index": rendered_map_index(row.map_index, row.map_key),
        "try_number": row.try_number or None,
        "state_reason": row.state_reason,
        "attempt_id": row.attempt_id,
    }


def _usual(seconds: float) -> str:
    return f"takes {seconds:.0f} s usually"


def _line(ctx: Context, attempt_id: str | None, since: datetime) -> dict[str, Any] | None:
    """The line that says why an attempt failed. since: instant of the failure."""
    if attempt_id is None:
        return None
    kept = ctx.log_indexes.telling_lines
    line = kept.get(attempt_id)
    if line is None:
        try:
            line = first_telling_line(ctx, Log(attempt_id, is_finished=True), bytes_max=_LOG_BYTES_MAX)
        except LogStoreUnavailable:
            return None
        # The last lines of a log may come after the end of the attempt.
        if line is not None and datetime.now(UTC) - since > _LOG_COMPLETE_AFTER:
            kept[attempt_id] = line
            while len(kept) > _LINES_KEPT_MAX:
                kept.popitem(last=False)
    return None if line is None else {"n": line[0], "text": _COLOURS.sub("", line[1])[:LINE_CHARS_MAX]}
