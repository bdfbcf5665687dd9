"""The OpenAPI 3.1 document of the execution API.

The document is written by hand, like the checks of the bodies. Tests compare every route and every answer with it.
"""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from mainspring.attempts import Outcome
from mainspring.large_values import EXCERPT_CHARS, KINDS, PIECE_BYTES, VALUE_BYTES_MAX, VALUES_MAX
from mainspring.states import DECIDED_REASONS, StateReason
from mainspring_api.execution.bodies import ATTEMPT_ID, ATTEMPTS_MAX, BATCH_MAX, BODY_BYTES_MAX

__all__ = ["execution_document"]

_DESCRIPTION = f"""\
What workers of the executor `rq` call: claim an attempt, beat, append to its log, report its end. While one attempt
runs, a worker may `exchange` the ends of those before it for claims of the next ones, ahead of their time: a start is
reported then when it happens, by `start` or with the end, and one that has not started can be released. Every call but
`health` carries `Authorization: Bearer <worker token>`; those about one attempt carry the header `Attempt-Token` too: a
random text that the worker chose for its claim, and whose hash alone is kept. A worker token is one of the settings,
which opens all queues, or one that was made for a queue, which opens attempts of that queue alone. A worker sends the
header `Worker-Key` with every call: a random text of its own, from which its incarnation is made, so that a beat speaks
for the worker that sends it and renews what that worker claimed. Each call is one short transaction and
may be repeated until it is acknowledged. A body has at most {BODY_BYTES_MAX} bytes.

The number in the path is the version of this protocol. A server that no longer speaks a worker's answers 426, and the
worker ends; servers speak the one of the release before them too.
"""


def execution_document() -> dict[str, Any]:
    """The document, as JSON-like data."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Mainspring execution API",
            "version": version("mainspring"),
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "The server that gives this document"}],
        "tags": [{"name": "execution", "description": "What workers call"}],
        "security": [{"worker": []}],
        "paths": _paths(),
        "components": {
            "securitySchemes": {"worker": {"type": "http", "scheme": "bearer"}},
            "responses": {name: {"description": name, "content": _json("Problem")} for name in _ERRORS.values()},
            "schemas": dict(_SCHEMAS),
        },
    }


def _paths() -> dict[str, Any]:
    return {
        "/execution/v1/attempts/{attempt_id}/claim": _of_attempt(
            "claim_attempt", "Take an attempt; the answer is its work order.", "ClaimBody", "Claim"
        ),
        "/execution/v1/attempts/{attempt_id}/log": _of_attempt(
            "append_log", "Append a piece to the log of an attempt.", "LogChunk", "Nothing"
        ),
        "/execution/v1/attempts/{attempt_id}/value": _of_attempt(
            "send_value",
            "Send a piece of a large output, before the end that names the output.",
            "ValuePiece",
            "Nothing",
        ),
        "/execution/v1/attempts/{attempt_id}/input": _of_attempt(
            "get_input",
            "Fetch a piece of a large value that the attempt is handed.",
            "InputBody",
            "InputPiece",
            errors=(404, 409, 410),
        ),
        "/execution/v1/attempts/{attempt_id}/start": _of_attempt(
            "start_attempt", "Report the start of an attempt that was claimed ahead.", "StartBody", "Nothing"
        ),
        "/execution/v1/attempts/{attempt_id}/release": _of_attempt(
            "release_attempt", "Let others have an attempt that was claimed ahead.", "Nothing", "Nothing"
        ),
        "/execution/v1/attempts/{attempt_id}/finish": _of_attempt(
            "finish_attempt", "Report the end of an attempt, and claim the next.", "FinishBody", "Finished"
        ),
        "/execution/v1/exchange": {
            "post": _operation(
                "exchange_attempts", "Report ends, and claim ahead, in one.", "Exchanged", body="ExchangeBody"
            )
        },
        "/execution/v1/beat": {
            "post": _operation(
                "beat", "Say that a worker lives; renew its leases.", "Heard", body="BeatBody", errors=(403,)
            )
        },
        "/execution/v1/workers/{hostname}": {
            "parameters": [_path_parameter("hostname", {"type": "string"})],
            "get": _operation("count_workers", "How many workers of a machine live.", "Alive"),
        },
        "/execution/v1/health": {
            "get": {**_operation("get_health", "That this process answers.", "Health"), "security": []}
        },
    }


_ERRORS: Mapping[int, str] = {
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    409: "NotYours",
    410: "Gone",
    413: "ContentTooLarge",
    422: "Unprocessable",
    426: "UpgradeRequired",
    503: "ServiceUnavailable",
}
_ALWAYS = (401, 426, 503)


def _of_attempt(
    operation_id: str, summary: str, body: str, answer: str, *, errors: tuple[int, ...] = (404, 409)
) -> dict[str, Any]:
    token = {"name": "Attempt-Token", "in": "header", "required": True, "schema": _TOKEN}
    operation = _operation(operation_id, summary, answer, body=body, errors=errors)
    attempt_id = _path_parameter("attempt_id", {"type": "string", "pattern": f"^{ATTEMPT_ID}$"})
    return {"parameters": [attempt_id], "post": {**operation, "parameters": [token]}}


def _operation(
    operation_id: str, summary: str, answer: str, *, body: str | None = None, errors: tuple[int, ...] = ()
) -> dict[str, Any]:
    statuses = sorted({*_ALWAYS, *errors, *((413, 422) if body else ())})
    operation: dict[str, Any] = {
        "operationId": operation_id,
        "summary": summary,
        "tags": ["execution"],
        "responses": {
            "200": {"description": "OK", "content": _json(answer)},
            **{str(status): {"$ref": f"#/components/responses/{_ERRORS[status]}"} for status in statuses},
        },
    }
    if body is not None:
        operation["requestBody"] = {"required": True, "content": _json(body)}
    return operation


def _path_parameter(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": dict(schema)}


def _json(schema: str) -> dict[str, Any]:
    return {"application/json": {"schema": _ref(schema)}}


def _ref(schema: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{schema}"}


def _text(most: int, **more: Any) -> dict[str, Any]:
    return {"type": "string", "maxLength": most, **more}


def _object(optional: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, **({"required": required} if required else {})}


def _or_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"anyOf": [dict(schema), {"type": "null"}]}


_ID = {"type": "string", "pattern": f"^{ATTEMPT_ID}$"}
_NUMBER = {"type": "integer", "minimum": 0}
_SECONDS = {"type": "number", "minimum": 0}
_ANYTHING: Mapping[str, Any] = {"type": "object", "additionalProperties": True}
_TOKEN = _text(200, minLength=32)
_QUEUE = _or_null(_text(250, description="What the worker listens to: an attempt of another queue is refused"))
_TAKES_VALUES = {
    "type": "boolean",
    "description": "Whether the worker fetches large values; without, it gets no attempt that is handed any",
}
_START = _object(at={"type": "string", "format": "date-time"}, hostname=_text(255))
_END = {
    "at": {"type": "string", "format": "date-time"},
    "outcome": {"enum": list(Outcome)},
    "reason": _or_null({"enum": [reason for reason in StateReason if reason not in DECIDED_REASONS]}),
    "message": _or_null(_text(2000)),
    "exit_code": _or_null({"type": "integer"}),
    "outputs": _or_null(_ANYTHING),
    "log_bytes": _NUMBER,
    "log": _or_null({"type": "array", "items": _ref("LogChunk"), "maxItems": 16}),
    "started": _or_null(_ref("StartBody")),
    "large": {
        "type": "array",
        "items": _ref("LargeValue"),
        "maxItems": VALUES_MAX,
        "description": "Outputs that are kept by reference; all their pieces were sent",
    },
}
_END_OPTIONAL = ("large", "reason", "message", "exit_code", "outputs", "log", "started")
_SCHEMAS: Mapping[str, Any] = {
    "Problem": _object(detail=_or_null({"type": "string"})),
    "Nothing": _object(),
    "Health": _object(status={"const": "healthy"}),
    "Alive": _object(alive=_NUMBER),
    "ClaimBody": _object(("queue", "takes_values"), hostname=_text(255), queue=_QUEUE, takes_values=_TAKES_VALUES),
    "StartBody": _START,
    "Claim": _object(lease_seconds=_SECONDS, attempt=_ref("WorkOrder")),
    "WorkOrder": _object(
        attempt_id=_ID,
        dag_id={"type": "string"},
        run_id={"type": "string"},
        task_id={"type": "string"},
        map_index={"type": "integer", "minimum": -1},
        try_number={"type": "integer", "minimum": 1},
        queue={"type": "string"},
        task_type={"type": "string"},
        payload={
            "description": "The task's own fields, every expression evaluated. With large values, an object of "
            "`$payload`, which has null at their places, and `$values`: JSON pointer to reference"
        },
        secrets={"type": "object", "additionalProperties": {"type": "string"}},
        context=_ANYTHING,
        text_outputs={
            "type": "array",
            "items": {"type": "string"},
            "description": "Names of the outputs that are declared as strings",
        },
        output_types={**_ANYTHING, "description": "JSON Schemas of the declared outputs"},
        timeout_seconds=_or_null(_SECONDS),
        cancel_grace_seconds=_SECONDS,
        output_bytes_max=_NUMBER,
        value_bytes_max={**_NUMBER, "description": "Size of one output that is kept by reference"},
        log_bytes_max=_NUMBER,
    ),
    "LogChunk": _object(
        offset={**_NUMBER, "description": "Bytes of the log before it"},
        data={"type": "string", "contentEncoding": "base64", "description": "At most 64 KiB"},
    ),
    "FinishBody": _object((*_END_OPTIONAL, "next"), **_END, next=_or_null(_ref("Wish"))),
    "Wish": _object(
        ("queue", "takes_values"),
        attempt_id=_ID,
        token=_TOKEN,
        hostname=_text(255),
        queue=_QUEUE,
        takes_values=_TAKES_VALUES,
    ),
    "LargeValue": _object(
        name=_text(250, description="Of the output"),
        bytes={"type": "integer", "minimum": 1, "maximum": VALUE_BYTES_MAX, "description": "Size of the JSON text"},
        sha256={"type": "string", "pattern": "^[0-9a-f]{64}$", "description": "Digest of the JSON text"},
        kind={"enum": list(KINDS)},
        excerpt=_text(EXCERPT_CHARS, description="The first characters of the JSON text"),
    ),
    "ValuePiece": _object(
        value=_ref("LargeValue"),
        position={**_NUMBER, "description": "Counts from 0"},
        data={
            "type": "string",
            "contentEncoding": "base64",
            "description": f"{PIECE_BYTES} bytes of the JSON text; the last piece is shorter",
        },
    ),
    "InputBody": _object(value_id=_ID, position={**_NUMBER, "description": "Counts from 0"}),
    "InputPiece": _object(data={"type": "string", "contentEncoding": "base64"}),
    "ExchangeBody": _object(
        ends={"type": "array", "items": _ref("End"), "maxItems": BATCH_MAX},
        bids={"type": "array", "items": _ref("Wish"), "maxItems": BATCH_MAX},
    ),
    "End": _object(_END_OPTIONAL, attempt_id=_ID, token=_TOKEN, **_END),
    "Exchanged": _object(
        claimed={"type": "array", "items": _ref("Claim"), "description": "Without those that are not to be had"}
    ),
    "Finished": _object(next=_or_null(_ref("Claim"))),
    "BeatBody": _object(
        worker=_object(
            ("is_stopped", "refusals"),
            incarnation=_text(36),
            hostname=_text(255),
            pid=_NUMBER,
            version=_text(100),
            queue=_text(250),
            is_stopped={"type": "boolean", "description": "It is about to end"},
            refusals=_or_null(
                _object(
                    ("cause",),
                    count={
                        **_NUMBER,
                        "description": "Starts that the machine had no room for, since the worker's start",
                    },
                    cause=_or_null(_text(200, description="Why tasks cannot start now; null = they can")),
                )
            ),
        ),
        attempts={"type": "array", "items": _ID, "maxItems": ATTEMPTS_MAX},
    ),
    "Heard": _object(
        stop={"type": "array", "items": _ID, "description": "What the worker carries and is to stop"},
        lease_seconds=_SECONDS,
        takes_claims_ahead={"type": "boolean", "description": "Whether this server knows them"},
    ),
}
