"""Signals: values that clients send to the waiting tasks of a run."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Response, g
from marshmallow import fields

from mainspring_api.http.answers import answer
from mainspring_api.http.audit import audit_detail
from mainspring_api.http.context import context
from mainspring_api.http.fields import Answer, Body, Instant, JsonValue, list_arguments, list_query
from mainspring_api.http.operations import Resource
from mainspring_api.http.paging import list_answer
from mainspring_store.access.roles import Role
from mainspring_store.queries import signals as questions
from mainspring_store.resources.signals import send_signal

__all__ = ["blueprint"]

blueprint = Resource("signals", "Signals: values that clients send to the waiting tasks of a run")

_SIGNALS = "/dags/<dag_id>/dagRuns/<dag_run_id>/signals"
SignalList = list_arguments("SignalList", questions.SIGNALS)


class Signal(Answer):
    """A signal that a client sent to a run."""

    signal_id = fields.Integer(metadata={"description": "Id of the signal; ascending in the order of the signals"})
    name = fields.String(metadata={"description": "Name of the signal, as the definition has it", "example": "paid"})
    value = JsonValue(allow_none=True, metadata={"description": "JSON value of the signal", "example": {"amount": 120}})
    sent_by = fields.String(metadata={"description": "Name of the user or token that sent the signal"})
    sent_at = Instant(metadata={"description": "Instant at which the server got the signal"})
    taken_by = fields.String(
        allow_none=True,
        metadata={"description": "Id of the task that took the signal; null = no task has", "example": "payment"},
    )
    taken_by_map_index = fields.Integer(
        allow_none=True,
        metadata={"description": "Map index of the instance that took the signal; -1 = not mapped, null = none has"},
    )
    taken_at = Instant(
        allow_none=True, metadata={"description": "Instant at which the task took the signal; null = no task has"}
    )


class SignalCollection(Answer):
    """A page of signals."""

    signals = fields.List(fields.Nested(Signal), metadata={"description": "Signals of this page"})
    total_entries = fields.Integer()


class SignalBody(Body):
    """A signal to send."""

    value = JsonValue(
        load_default=None,
        allow_none=True,
        metadata={"description": "JSON value of at most 64 KiB; null when absent", "example": {"amount": 120}},
    )


@blueprint.operation(
    "GET",
    _SIGNALS,
    "get_signals",
    role=Role.VIEWER,
    answer=SignalCollection,
    query=SignalList,
    errors=(400, 404),
)
def get_signals(query: Mapping[str, Any], dag_id: str, dag_run_id: str) -> Response:
    """List the signals of a run, the earliest first."""
    listed = questions.list_signals(context().database, list_query(query), dag_id, dag_run_id)
    return list_answer(query, {"signals": [_signal(row) for row in listed.rows], "total_entries": listed.total})


@blueprint.operation(
    "POST",
    f"{_SIGNALS}/<signal_name>",
    "send_signal",
    role=Role.OPERATOR,
    answer=Signal,
    status=201,
    body=SignalBody,
    errors=(404, 409),
)
def post_signal(body: Mapping[str, Any], dag_id: str, dag_run_id: str, signal_name: str) -> Response:
    """Send a signal to a run. A task that waits for its name takes the signal, now or when its wait begins.

    The run keeps a signal that no task has taken. Each signal ends one wait: a wait takes the earliest signal of its
    name that no wait of the run has taken. A run keeps at most 1,000 signals; beyond, and after the end of the run, the
    answer is 409.
    """
    ctx = context()
    audit_detail(signal=signal_name)
    key = send_signal(
        ctx.database,
        ctx.versions,
        dag_id,
        dag_run_id,
        signal_name,
        body["value"],
        by=g.user.name,
        now=datetime.now(UTC),
    )
    ctx.notifier.notify()
    return answer(_signal(questions.get_signal(ctx.database, key)), 201)


def _signal(row: Mapping[str, Any]) -> dict[str, Any]:
    names = ("name", "value", "sent_by", "sent_at", "taken_by", "taken_by_map_index", "taken_at")
    return {"signal_id": row["id"], **{name: row[name] for name in names}}
