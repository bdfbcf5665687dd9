"""Errors as answers: a single writer, and a table from domain errors to status codes.

`detail` has the shapes that Airflow's clients know: a sentence, a list for a request that does not validate, an object
for a conflict. Members of RFC 9457 and ours stand beside it. The media type is `application/json`, because `airflowctl`
reads no other; A client gets `application/problem+json` on request.

`airflowctl` also breaks on a 5xx with exactly this Content-Type, and retries after a different Content-Type. So a 5xx
has a parameter in its Content-Type, which conforming readers ignore.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

import orjson
from flask import Flask, Response, g, request
from marshmallow import Schema, fields
from werkzeug.exceptions import HTTPException

from mainspring.concurrency_keys import ConcurrencyKeyInvalid
from mainspring.errors import (
    Conflict,
    InvalidInput,
    LogStoreUnavailable,
    MainspringError,
    NotFound,
    PreconditionFailed,
    Problem,
    QuotaExceeded,
    StoreUnavailable,
)
from mainspring.pointers import split_pointer
from mainspring_api.http.answers import dump
from mainspring_api.http.authentication import Forbidden, TokenExpired, Unauthenticated
from mainspring_api.http.identity_providers import ProviderUnavailable
from mainspring_api.http.limits import TooManyRequests
from mainspring_api.http.near_ids import near_id_hint
from mainspring_api.http.oidc_tokens import InvalidOidcToken, OtherAudience, OtherIssuer
from mainspring_api.http.places import TooManyWaits
from mainspring_store.access.idempotency import KeyInUse
from mainspring_store.access.identities import InactiveUser, Replayed
from mainspring_store.database.key_ring import CannotOpen
from mainspring_store.queries.listing import InvalidPage
from mainspring_store.resources.approvals import NotAssigned
from mainspring_store.state.concurrency import ConcurrencyKeyTaken

__all__ = [
    "TITLES",
    "BadRequest",
    "InvalidHeader",
    "InvalidQuery",
    "NoExchangeRule",
    "NotHere",
    "NotReady",
    "ProblemSchema",
    "Refused",
    "UnknownHost",
    "UnsupportedGrantType",
    "problem_of",
    "register_error_handlers",
    "require_all",
]

ERRORS_MAX = 200
"""Faults told in one answer; `errors_total` says how many there are."""
POINTER_LENGTH_MAX = 1000

log = logging.getLogger(__name__)


class InvalidQuery(InvalidInput):
    """Query parameters that do not validate; pointers name them."""


class InvalidHeader(InvalidInput):
    """A header that cannot be; the pointer names it."""


class UnknownHost(MainspringError):
    """A request to a name that is not ours."""


class NotHere(MainspringError):
    """An operation of Airflow without a counterpart in this server."""


class NotReady(MainspringError):
    """This process cannot work now; the message may be read by anyone."""


class BadRequest(InvalidInput):
    """Wrong in a way that Airflow answers with 400."""


class BadCursor(BadRequest):
    """A position in the event feed that is no position; the pointer names the parameter."""


class NoExchangeRule(Forbidden):
    """A token of an identity provider that no rule of the settings exchanges."""


class UnsupportedGrantType(MainspringError):
    """A form that asks the token endpoint for something else than an exchange."""


class Refused(InvalidInput):
    """A valid body with an impossible request. Airflow tells why in one sentence."""


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    code: str
    headers: tuple[tuple[str, str], ...] = ()


_ANSWERS: Mapping[type[MainspringError], _Answer] = {
    TokenExpired: _Answer(401, "token_expired", (("WWW-Authenticate", 'Bearer error="invalid_token"'),)),
    Unauthenticated: _Answer(401, "unauthenticated", (("WWW-Authenticate", "Bearer"),)),
    OtherIssuer: _Answer(400, "other_issuer"),
    OtherAudience: _Answer(400, "other_audience"),
    InvalidOidcToken: _Answer(400, "invalid_oidc_token"),
    Replayed: _Answer(400, "token_replayed"),
    NoExchangeRule: _Answer(403, "no_exchange_rule"),
    InactiveUser: _Answer(403, "inactive_user"),
    NotAssigned: _Answer(403, "not_assigned"),
    UnsupportedGrantType: _Answer(400, "unsupported_grant_type"),
    Forbidden: _Answer(403, "forbidden"),
    QuotaExceeded: _Answer(403, "quota_exceeded"),
    NotFound: _Answer(404, "not_found"),
    Conflict: _Answer(409, "conflict"),
    ConcurrencyKeyTaken: _Answer(409, "concurrency_key_taken"),
    CannotOpen: _Answer(409, "cannot_open"),
    PreconditionFailed: _Answer(412, "precondition_failed"),
    KeyInUse: _Answer(409, "idempotency_key_in_use", (("Retry-After", "1"),)),
    UnknownHost: _Answer(400, "unknown_host"),
    BadRequest: _Answer(400, "bad_request"),
    ConcurrencyKeyInvalid: _Answer(400, "bad_request"),
    InvalidPage: _Answer(400, "bad_request"),
    InvalidInput: _Answer(422, "invalid"),
    TooManyRequests: _Answer(429, "too_many_requests"),
    NotHere: _Answer(501, "not_here"),
    ProviderUnavailable: _Answer(503, "identity_provider_unavailable", (("Retry-After", "10"),)),
    NotReady: _Answer(503, "not_ready", (("Retry-After", "1"),)),
    TooManyWaits: _Answer(503, "too_many_waits", (("Retry-After", "1"),)),
    LogStoreUnavailable: _Answer(503, "log_store_unavailable", (("Retry-After", "5"),)),
    StoreUnavailable: _Answer(503, "unavailable", (("Retry-After", "1"),)),
}
"""The nearest ancestor counts. Whatever is not here is our fault: 500."""

_LOCATIONS: Mapping[type[InvalidInput], str] = {
    InvalidQuery: "query",
    InvalidPage: "query",
    BadCursor: "query",
    InvalidHeader: "header",
}
"""Where the fault is; otherwise in the body."""

TITLES: Mapping[int, str] = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    409: "Conflict",
    412: "Precondition Failed",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Content",
    429: "Too Many Requests",
    500: "Internal Server Error",
    501: "Not Implemented",
    503: "Service Unavailable",
}
"""What we answer with. Spelt out, because the standard library's names change between versions of Python."""

_SECRET_PATHS = frozenset({"hooks.deliver_to_hook"})
"""Endpoints whose path holds a secret, which no log shows."""
_OAUTH_ENDPOINT = "token_exchange.exchange_token"
"""Its errors have the members of RFC 6749 (5.2) too."""
_OAUTH_ERRORS = {"unsupported_grant_type": "unsupported_grant_type"}
"""Code -> error. RFC 8693 (2.2.2) wants `invalid_request` for every token that is not taken."""
_UNAVAILABLE = "The database cannot be used now; try again in a second. The server's log tells why."
_LOGS_UNAVAILABLE = "the store of old logs cannot be used now; the log is not lost, try again later"
_OTHER_METHODS = {("POST", "/api/v2/dags"): "Save a DAG with PUT /api/v2/dags/{dag_id}, or many with PUT /api/v2/dags."}
"""Method and path that users try -> where to go instead."""
_INTERNAL = "Something went wrong on our side; the server's log tells what, under this request id."


class ErrorItem(Schema):
    """One fault of a request."""

    location = fields.String(required=True, metadata={"description": "`body`, `query` or `header`"})
    pointer = fields.String(
        required=True, metadata={"description": "RFC 6901 pointer into the body, or the name of the parameter"}
    )
    message = fields.String(required=True, metadata={"description": "Fault in a sentence"})
    code = fields.String(required=True, metadata={"description": "Stable name of this kind of fault"})
    line = fields.Integer(
        required=True, allow_none=True, metadata={"description": "Line in a YAML body, from 1; null = unknown"}
    )
    hint = fields.String(required=True, allow_none=True, metadata={"description": "Possible cure; null = none"})


class ProblemSchema(Schema):
    """An error."""

    detail = fields.Raw(
        required=True,
        metadata={
            "description": "A sentence; for most 422 a list of {loc, msg, type}; for 409 an object with `message`",
            "anyOf": [
                {"type": "string"},
                {"type": "object", "additionalProperties": True},
                {"type": "array", "items": {"type": "object", "additionalProperties": True}},
            ],
        },
    )
    type = fields.String(
        required=True,
        metadata={"description": "URI reference that names this kind of error, and leads to what is known about it"},
    )
    title = fields.String(required=True, metadata={"description": "Name of the HTTP status"})
    status = fields.Integer(required=True, metadata={"description": "HTTP status code"})
    code = fields.String(required=True, metadata={"description": "Stable name of this kind of error"})
    request_id = fields.String(
        required=True, metadata={"description": "Identifier of the request, as in the server's log"}
    )
    error = fields.String(
        metadata={
            "description": "For `POST /auth/token/exchange`: the error of RFC 6749, `invalid_request` for example"
        }
    )
    error_description = fields.String(metadata={"description": "The same error in a sentence"})
    hint = fields.String(metadata={"description": "For 404: the id that may be meant; absent = none is near"})
    errors = fields.List(
        fields.Nested(ErrorItem), metadata={"description": f"Faults of the request, at most {ERRORS_MAX}"}
    )
    errors_total = fields.Integer(metadata={"description": "Number of all faults"})
    version_number = fields.Integer(
        allow_none=True,
        metadata={
            "description": "For 412: current version of the DAG, whose `ETag` is a header of the answer; null = none"
        },
    )


def require_all(**path: str) -> None:
    """Raises InvalidQuery unless these parts of a path are `~`, which means all."""
    wrong = [Problem(pointer=f"/{name}", message="must be `~` here") for name, value in path.items() if value != "~"]
    if wrong:
        raise InvalidQuery(wrong)


def register_error_handlers(app: Flask) -> None:
    app.register_error_handler(MainspringError, _domain_error)
    app.register_error_handler(NotFound, _not_found)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unexpected)


def problem_of(error: MainspringError) -> dict[str, Any]:
    """The `Problem` that answers an error, for the result of a part of a request."""
    problem: dict[str, Any] = orjson.loads(_domain_error(error).get_data())
    return problem


def _not_found(error: NotFound) -> Response:
    hint = near_id_hint()
    return _domain_error(error, {} if hint is None else {"hint": hint})


def _domain_error(error: MainspringError, members: Mapping[str, Any] | None = None) -> Response:
    entry = next((_ANSWERS[kind] for kind in type(error).__mro__ if kind in _ANSWERS), None)
    if entry is None:
        return _unexpected(error)
    headers = dict(entry.headers)
    if isinstance(error, InvalidInput):
        return _invalid(error, entry, headers)
    detail: Any = str(error)
    if isinstance(error, TooManyRequests):
        headers |= error.headers
    extra: Mapping[str, Any] = members or {}
    if isinstance(error, PreconditionFailed):
        extra = {"version_number": error.version_number}
        if error.entity_tag is not None:
            headers["ETag"] = f'W/"{error.entity_tag}"'
    if isinstance(error, StoreUnavailable):
        # The message of the database may name files, tables and statements.
        log.warning("request %s: %s", _request_id(), error)
        detail = _UNAVAILABLE
    if isinstance(error, LogStoreUnavailable):
        # The message names buckets and files.
        log.warning("request %s: %s", _request_id(), error)
        detail = _LOGS_UNAVAILABLE
    if isinstance(error, Conflict):
        # Airflow also sends the statement and the database error, which clients must not see.
        detail = {"reason": "Conflict", "message": str(error)}
    return _write(entry.status, entry.code, detail, headers=headers, extra=extra)


def _invalid(error: InvalidInput, entry: _Answer, headers: Mapping[str, str]) -> Response:
    location = next((name for kind, name in _LOCATIONS.items() if isinstance(error, kind)), "body")
    problems = [_clipped(problem) for problem in error.problems[:ERRORS_MAX]]
    detail: Any = [_validation_error(location, problem) for problem in problems]
    if entry.status == HTTPStatus.BAD_REQUEST or isinstance(error, Refused):
        detail = "; ".join(str(problem) for problem in problems)
    extra = {
        "errors": [_error_item(location, problem) for problem in problems],
        "errors_total": len(error.problems),
    }
    return _write(entry.status, entry.code, detail, headers=headers, extra=extra)


def _clipped(problem: Problem) -> Problem:
    """The name of a member may be as long as a body; an answer repeats its beginning only."""
    if len(problem.pointer) <= POINTER_LENGTH_MAX:
        return problem
    return replace(problem, pointer=problem.pointer[:POINTER_LENGTH_MAX] + "…")


def _validation_error(location: str, problem: Problem) -> dict[str, Any]:
    """In FastAPI's shape, which Airflow's clients parse."""
    parts = split_pointer(problem.pointer)
    loc = [int(part) if part.isdecimal() and len(part) < 10 else part for part in parts]
    return {"loc": [location, *loc], "msg": str(problem), "type": problem.code}


def _error_item(location: str, problem: Problem) -> dict[str, Any]:
    return {
        "location": location,
        "pointer": problem.pointer if location == "body" else problem.pointer.removeprefix("/"),
        "message": problem.message,
        "code": problem.code,
        "line": problem.line,
        "hint": problem.hint,
    }


def _http_error(error: HTTPException) -> Response:
    status = error.code or 500
    if error.response is not None or status < 400:
        return error.get_response()  # type: ignore[return-value]
    headers = {
        name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After", "WWW-Authenticate")
    }
    detail = error.description or _title(status)
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        detail = " ".join(filter(None, (detail, _OTHER_METHODS.get((request.method, request.path)))))
    return _write(status, _title(status).lower().replace(" ", "_"), detail, headers=headers)


def _unexpected(error: Exception) -> Response:
    path = request.url_rule if request.endpoint in _SECRET_PATHS else request.path
    log.error("request %s failed: %s %s", _request_id(), request.method, path, exc_info=error)
    return _write(500, "internal", _INTERNAL)


def _write(
    status: int,
    code: str,
    detail: str | Mapping[str, Any] | Sequence[Any],
    *,
    headers: Mapping[str, str] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Response:
    oauth: Mapping[str, Any] = {}
    if request.endpoint == _OAUTH_ENDPOINT and status < HTTPStatus.INTERNAL_SERVER_ERROR:
        sentence = detail if isinstance(detail, str) else _title(status)
        oauth = {"error": _OAUTH_ERRORS.get(code, "invalid_request"), "error_description": sentence}
    content = {
        "detail": detail,
        "type": f"/problems/{code}",
        "title": _title(status),
        "status": status,
        "code": code,
        "request_id": _request_id(),
        **oauth,
        **(extra or {}),
    }
    wants_problem = "application/problem+json" in request.headers.get("Accept", "")
    mimetype = "application/problem+json" if wants_problem else "application/json"
    parameter = "; charset=utf-8" if status >= 500 else ""
    return Response(dump(content), status=status, headers=dict(headers or {}), content_type=mimetype + parameter)


def _title(status: int) -> str:
    return TITLES.get(status) or HTTPStatus(status).phrase


def _request_id() -> str:
    request_id: str = g.get("request_id", "")
    return request_id
