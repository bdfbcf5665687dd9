"""JSON answers: plain dicts straight to the encoder. Instants go out in UTC with `Z`, to the microsecond."""

from typing import Any

import orjson
from flask import Response, request

__all__ = ["NDJSON", "answer", "dump", "no_content", "wants_ndjson"]

NDJSON = "application/x-ndjson"

_OPTIONS = orjson.OPT_UTC_Z


def answer(content: Any, status: int = 200) -> Response:
    return Response(dump(content), status=status, mimetype="application/json")


def no_content() -> Response:
    return Response(status=204)


def dump(content: Any) -> bytes:
    return orjson.dumps(content, option=_OPTIONS)


def wants_ndjson() -> bool:
    """Whether the caller takes NDJSON and no JSON. Who lists both may be able to read JSON alone."""
    accepted = [media for media, _ in request.accept_mimetypes]
    return NDJSON in accepted and "application/json" not in accepted
