"""What webhooks and notifiers have in common: names, patterns, and the list of deliveries."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from flask import Response, g
from marshmallow import fields, validate

from mainspring.errors import InvalidInput, Problem
from mainspring.events import format_event_id
from mainspring.webhook_types import TEST_TYPE
from mainspring_api.http.answers import answer
from mainspring_api.http.context import context
from mainspring_api.http.fields import Answer, Choice, Instant, list_arguments, list_query
from mainspring_api.http.paging import list_answer
from mainspring_store.access.roles import GRANT_PATTERN, Role
from mainspring_store.queries.receivers import DELIVERIES, list_deliveries
from mainspring_store.resources.receivers import redeliver, send_test
from mainspring_store.state.receivers import DeliveryState, ReceiverKind

__all__ = [
    "DESCRIPTION",
    "NAME",
    "PATTERN",
    "DeliveryCollection",
    "DeliveryList",
    "DeliveryRef",
    "deliveries_answer",
    "is_admin",
    "redelivered",
    "tested",
]

_RESERVED = ("key", ".", "..")
NAME = [
    validate.Regexp(r"[A-Za-z0-9_.-]{1,250}\Z", error="must be 1 to 250 of the characters A-Z a-z 0-9 _ . -"),
    validate.NoneOf(_RESERVED, error="is reserved; choose another name"),
]
PATTERN = validate.Regexp(rf"(?:{GRANT_PATTERN.pattern})\Z", error="must be a dag_id, or the beginning of one and *")
_DELIVERY_ID = re.compile(r"[0-9]{1,18}", re.ASCII)
"""Fits the columns of both databases."""
DESCRIPTION = validate.Length(max=1000)


class Delivery(Answer):
    """A delivery, with its latest attempt."""

    id = fields.Integer(metadata={"description": "Identifier of the delivery"})
    message_id = fields.String(metadata={"description": "Header `webhook-id` of each attempt"})
    event_id = fields.String(allow_none=True, metadata={"description": "Identifier of the event; null = a test"})
    type = fields.String(metadata={"description": "Type of the event, such as `run.failed`; `webhook.test` = a test"})
    dag_id = fields.String(allow_none=True, metadata={"description": "DAG of the event; null = a test"})
    state = Choice(
        DeliveryState,
        metadata={
            "description": "`pending` = not sent yet; `failed` = given up; `refused` = the owner may not see the DAG"
        },
    )
    created_at = Instant()
    attempts = fields.Integer(metadata={"description": "Number of attempts so far"})
    attempted_at = Instant(allow_none=True, metadata={"description": "End of the latest attempt; null = none yet"})
    seconds = fields.Float(allow_none=True, metadata={"description": "Length of the latest attempt; null = none yet"})
    status = fields.Integer(
        allow_none=True, metadata={"description": "Status that the receiver answered; null = no answer"}
    )
    answer = fields.String(
        allow_none=True, metadata={"description": "First 1024 bytes of the receiver's answer; null = no answer"}
    )
    error = fields.String(allow_none=True, metadata={"description": "Why the latest attempt failed; null = it did not"})


class DeliveryCollection(Answer):
    """A page of deliveries, and when the next attempt is due."""

    deliveries = fields.List(fields.Nested(Delivery), metadata={"description": "Deliveries of the page"})
    total_entries = fields.Integer()
    failures = fields.Integer(metadata={"description": "Failed attempts since the latest success"})
    next_attempt_at = Instant(
        allow_none=True, metadata={"description": "Earliest next attempt after a failure; null = at once"}
    )


class DeliveryRef(Answer):
    """A delivery that was asked for."""

    delivery_id = fields.Integer(
        metadata={"description": "Identifier of the delivery, which is sent in the background"}
    )


DeliveryList = list_arguments("DeliveryList", DELIVERIES)


def is_admin() -> bool:
    """Whether the sender of the current request administers the installation."""
    role: Role | None = g.user.role
    return role is Role.ADMIN


def deliveries_answer(row: Mapping[str, Any], query: Mapping[str, Any]) -> Response:
    """The deliveries of a receiver, which is a row of `get_receiver`."""
    listed = list_deliveries(context().database, row["id"], list_query(query))
    return list_answer(
        query,
        {
            "deliveries": [_delivery(delivery) for delivery in listed.rows],
            "total_entries": listed.total,
            "failures": row["failures"],
            "next_attempt_at": row["next_attempt_at"],
        },
    )


def tested(kind: ReceiverKind, name: str) -> Response:
    """Send a test to a receiver, within the limit of the sender."""
    context().limits.deliveries.take(g.user.id)
    now = datetime.now(UTC)
    message: dict[str, Any] = {"type": TEST_TYPE, "timestamp": now, "data": {kind.value: name}}
    if kind is ReceiverKind.NOTIFIER:
        message = {"title": "Mainspring: test", "text": f"{g.user.name} tests the notifier {name}."}
    body = orjson.dumps(message, option=orjson.OPT_UTC_Z).decode()
    key = send_test(context().database, kind, name, type_=TEST_TYPE, body=body, now=now)
    context().notifier.notify()
    return answer({"delivery_id": key})


def redelivered(kind: ReceiverKind, name: str, delivery_id: str) -> Response:
    """Send a delivery again, within the limit of the sender."""
    if not _DELIVERY_ID.fullmatch(delivery_id):
        problem = Problem(pointer="/delivery_id", message="must be a number of 1 to 18 digits", code="invalid_value")
        raise InvalidInput([problem])
    number = int(delivery_id)
    context().limits.deliveries.take(g.user.id)
    redeliver(context().database, kind, name, number, now=datetime.now(UTC))
    context().notifier.notify()
    return answer({"delivery_id": number})


def _delivery(row: Mapping[str, Any]) -> dict[str, Any]:
    event_id = row["event_id"]
    members = {name: row[name] for name in _DELIVERY_MEMBERS}
    return {**members, "event_id": None if event_id is None else format_event_id(event_id)}


_DELIVERY_MEMBERS = (
    "id", "message_id", "type", "dag_id", "state", "created_at", "attempts", "attempted_at", "seconds", "status",
    "answer", "error",
)  # fmt: skip
