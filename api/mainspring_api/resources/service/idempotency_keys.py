"""Look-up of an idempotency key: what became of a request whose answer was lost."""

from collections.abc import Mapping
from typing import Any

import orjson
from flask import Response
from marshmallow import fields

from mainspring.errors import NotFound
from mainspring_api.http.answers import answer
from mainspring_api.http.context import context
from mainspring_api.http.fields import Answer, Instant, JsonValue, Query
from mainspring_api.http.idempotency import call_of, check_key
from mainspring_api.http.operations import Resource
from mainspring_api.http.permissions import Over
from mainspring_store.access.idempotency import KEPT_FOR, find_answered
from mainspring_store.access.roles import Role

__all__ = ["blueprint"]

blueprint = Resource("idempotency_keys", "Idempotency keys: what became of a request")


class KeyQuery(Query):
    key = fields.String(
        required=True, metadata={"description": "Key that the request had, in the header or in the entry"}
    )


class AnsweredKey(Answer):
    """The request that a key belongs to."""

    answered_at = Instant(metadata={"description": "Instant of the effect"})
    expires_at = Instant(metadata={"description": "Instant from which the key is forgotten"})
    status = fields.Integer(metadata={"description": "HTTP status of the answer"})
    body = JsonValue(
        allow_none=True,
        metadata={"description": "Answer as it was given; null = none, or an answer that held a secret"},
    )


@blueprint.operation(
    "GET",
    "/idempotencyKeys",
    "get_idempotency_key",
    role=Role.VIEWER,
    over=Over.SELF,
    answer=AnsweredKey,
    query=KeyQuery,
    errors=(404,),
)
def get_idempotency_key(query: Mapping[str, Any]) -> Response:
    """What became of the request with an idempotency key of the caller, in the last 24 hours.

    404 says that no request with the key has had an effect so far; one may be under way.
    """
    check_key(query["key"], "/key")
    answered = find_answered(context().database, call_of(query["key"], b""))
    if answered is None:
        raise NotFound("no request with this Idempotency-Key has had an effect in the last 24 hours")
    at, kept = answered
    is_json = kept.media_type == "application/json" and not kept.is_sealed
    return answer(
        {
            "answered_at": at,
            "expires_at": at + KEPT_FOR,
            "status": kept.status,
            "body": _body(kept.body) if is_json else None,
        }
    )


def _body(text: bytes) -> Any:
    """The stored answer; `None` for the id alone that is kept of an answer with a secret."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict | list) else None
