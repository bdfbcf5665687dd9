"""`Idempotency-Key`: a repeated POST with an equal key has a single effect and an equal response.

The effect, its audit event and the response are written in a single transaction. After a lost reply, a crash or a
commit with unknown outcome, the repeated request either finds the response or does the work. A failed request has no
effect and leaves no row, so the client may repeat it with the key. A request that writes nothing keeps nothing.
"""

import hashlib
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial, wraps

import orjson
from flask import Response, g, request

from mainspring.errors import Conflict, InvalidInput, Problem
from mainspring_api.http.context import context, replace_database
from mainspring_api.http.problems import InvalidHeader
from mainspring_store.access.idempotency import (
    AlreadyAnswered,
    Call,
    KeyInUse,
    StoredResponse,
    claim_key,
    find_response,
    store_response,
)
from mainspring_store.database.shared_transaction import SharedTransaction

__all__ = ["HEADER", "REPLAYED", "call_of", "check_key", "idempotent", "once_for_key"]

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"

_KEY_RULE = "must have 1 to 255 printable ASCII characters and no space; a random UUID is a good one"
_KEY = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)

View = Callable[..., Response]


def idempotent(view: View, *, contains_secret: bool = False) -> View:
    """The view of a POST, which does no work when the key of the request has an answer.

    contains_secret: the response holds a secret, which is shown once. The table keeps the id in the response alone, or
        nothing where the response has no id; a repeated request is refused.
    """

    @wraps(view)
    def once(**path: object) -> Response:
        if HEADER not in request.headers or g.get("user") is None:
            return view(**path)
        call = _call(request.headers[HEADER])
        kept = find_response(context().database, call)
        if kept is not None:
            return _replay(kept, call, contains_secret=contains_secret)
        with context().keys_in_use.holding(call):
            return _first(partial(view, **path), call, contains_secret=contains_secret)

    return once


def _first(view: Callable[[], Response], call: Call, *, contains_secret: bool) -> Response:
    ctx = context()
    try:
        with SharedTransaction(ctx.database, at_begin=lambda connection: claim_key(connection, call)) as shared:
            replace_database(shared)
            response = view()
            if shared.connection is not None:
                store_response(shared.connection, call, _kept(response, call, contains_secret=contains_secret))
    except AlreadyAnswered:
        kept = find_response(ctx.database, call)
        if kept is None:
            raise KeyInUse("a request with this Idempotency-Key has ended at this moment; send it again") from None
        return _replay(kept, call, contains_secret=contains_secret)
    # The view notified the scheduler before the commit.
    ctx.notifier.notify()
    return response


def once_for_key(key: str | None, content: bytes, work: Callable[[], bytes]) -> tuple[bytes, bool]:
    """Do the work of a part of a request once for its key; returns the JSON result, and whether it was stored earlier.

    key: `None` = do the work. content: what the key stands for. The work runs with a database that joins its writes.

    Raises:
        InvalidInput: The key was used for something else.
        KeyInUse: A concurrent request holds the key.
    """
    if key is None:
        return work(), False
    call = call_of(key, content)
    database = context().database
    try:
        with context().keys_in_use.holding(call):
            kept = find_response(database, call)
            if kept is None:
                response = _first(lambda: Response(work(), mimetype="application/json"), call, contains_secret=False)
            else:
                response = _replay(kept, call, contains_secret=False)
    finally:
        # `_first` leaves its ended transaction there.
        replace_database(database)
    return response.get_data(), REPLAYED in response.headers


def check_key(key: str, pointer: str) -> None:
    """Raises InvalidInput for a key that no request can have."""
    if not _KEY.fullmatch(key):
        raise InvalidInput([Problem(pointer=pointer, message=_KEY_RULE, code="invalid_value")])


def call_of(key: str, content: bytes) -> Call:
    """The call of the sender of the current request with a key and what it stands for."""
    return Call(
        principal_id=g.user.id,
        key_hash=hashlib.sha256(key.encode()).hexdigest(),
        fingerprint=hashlib.sha256(content).hexdigest(),
        now=datetime.now(UTC),
    )


def _call(key: str) -> Call:
    if not _KEY.fullmatch(key):
        raise InvalidHeader([Problem(pointer=f"/{HEADER}", message=_KEY_RULE, code="invalid_value")])
    content = b"\n".join([request.method.encode(), request.full_path.encode(), request.mimetype.encode()])
    return call_of(key, content + b"\n" + request.get_data(cache=True))


def _kept(response: Response, call: Call, *, contains_secret: bool) -> StoredResponse:
    body = response.get_data()
    if contains_secret:
        body = str(orjson.loads(body).get("id", "")).encode()
    return StoredResponse(
        fingerprint=call.fingerprint,
        status=response.status_code,
        media_type=response.mimetype or "",
        body=body,
        is_sealed=False,
    )


def _replay(kept: StoredResponse, call: Call, *, contains_secret: bool) -> Response:
    """Raises InvalidHeader when the key was used for another request, Conflict when the answer held a secret."""
    if kept.fingerprint != call.fingerprint:
        message = "was used for another request in the last 24 hours; use a new key for each"
        raise InvalidHeader([Problem(pointer=f"/{HEADER}", message=message, code="idempotency_key_reused")])
    if contains_secret or kept.is_sealed:
        # Sealed are answers of earlier versions, which held the secret.
        made = "it made" if kept.is_sealed else f"'{kept.body.decode()}'"
        deletion = f" delete {made} and" if kept.body else ""
        raise Conflict(
            "this request has had its effect, and its answer held a secret that is shown once; if that answer was lost,"
            f"{deletion} send the request with another Idempotency-Key"
        )
    return Response(kept.body, status=kept.status, mimetype=kept.media_type, headers={REPLAYED: "true"})
