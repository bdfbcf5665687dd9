"""The application and its calls: claim, start, log, value, input, finish, release, exchange, beat.

Each call is a short, idempotent transaction, so that a worker repeats the call until the acknowledgement. Nothing is
decided here. Bodies are checked by hand: no schema library stands on this path.
"""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import orjson
from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.routing import BaseConverter

from mainspring.attempt_json import attempt_to_json
from mainspring.attempts import Attempt
from mainspring.errors import LogStoreUnavailable, StoreUnavailable
from mainspring.failpoints import failpoint
from mainspring_api.execution.bodies import (
    ATTEMPT_ID,
    BODY_BYTES_MAX,
    Bad,
    ClaimFields,
    Ended,
    checked_token,
    read_chunk,
    read_claim,
    read_finish,
    read_heartbeat,
    read_input,
    read_json,
    read_next,
    read_report_and_claim,
    read_start,
    read_value_piece,
)
from mainspring_api.execution.credentials import Credential, Credentials, incarnation_of
from mainspring_api.execution.heartbeats import Heartbeat
from mainspring_api.execution.orders import WorkOrders
from mainspring_api.http.connection import note_principal
from mainspring_api.http.routing import route_exactly
from mainspring_api.settings import STATEMENT_SECONDS_MAX
from mainspring_store import open_database
from mainspring_store.database.key_ring import KeyRing
from mainspring_store.database.log_stores import open_log_store
from mainspring_store.database.notify import Notifier, open_notifier
from mainspring_store.database.transactions import Database
from mainspring_store.queries.large_values import ValueMissing, read_piece, values_of_attempt
from mainspring_store.resources import heartbeats as services
from mainspring_store.resources.large_values import TooManyBytes, store_piece
from mainspring_store.scheduling import worker_protocol as remote

__all__ = ["ExecutionSettings", "close_execution_app", "create_execution_app"]

ATTEMPT_HEADER = "Attempt-Token"
WORKER_HEADER = "Worker-Key"
_EXTENSION = "mainspring_execution"


@dataclass(frozen=True, kw_only=True, slots=True)
class ExecutionSettings:
    """Read once by `create_execution_app`."""

    database_url: str = field(repr=False)
    worker_tokens: Sequence[str] = field(repr=False)
    """The credentials of workers: `TOKEN` for all queues, `QUEUE:TOKEN` for one. Any of them lets a worker in."""
    key_ring: KeyRing
    """The keys for the secrets of a claimed attempt."""
    lease: timedelta = timedelta(seconds=30)
    """How long a claim holds without a beat."""
    exports_traces: bool = False
    """Whether the schedulers export traces: then tasks continue the spans of their tries."""
    log_store: str | None = None
    """Where large outputs of ended runs lie, see `open_log_store`; `None` = in the database."""
    version: str = "0"
    connections_max: int = 16
    synchronous: str = "FULL"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Context:
    database: Database
    notifier: Notifier
    heartbeats: Heartbeat
    order: Callable[[remote.Claimed], Attempt]
    lease: timedelta
    credentials: Credentials


class _AttemptId(BaseConverter):
    regex = ATTEMPT_ID
    part_isolating = True


def create_execution_app(
    settings: ExecutionSettings,
    *,
    order: Callable[[remote.Claimed], Attempt] | None = None,
    is_served: Callable[[], bool] = lambda: True,
) -> Flask:
    """The WSGI application over a migrated database. To be made in the process that serves.

    order: makes the work order of a claimed attempt; `None` = read the definition and the secrets again.
    is_served: whether workers are answered now; see `Heartbeat`.
    """
    app = Flask("mainspring_execution", static_folder=None)
    route_exactly(app)
    database = open_database(
        settings.database_url,
        connections_max=settings.connections_max,
        synchronous=settings.synchronous,
        statement_seconds_max=STATEMENT_SECONDS_MAX,
    )
    database.log_store = None if settings.log_store is None else open_log_store(settings.log_store)
    context = _Context(
        database=database,
        notifier=open_notifier(database),
        heartbeats=Heartbeat(database, version=settings.version, lease=settings.lease, is_served=is_served),
        order=order or WorkOrders(database, settings.key_ring, exports_traces=settings.exports_traces),
        lease=settings.lease,
        credentials=Credentials(database, settings.worker_tokens),
    )
    app.config["MAX_CONTENT_LENGTH"] = BODY_BYTES_MAX
    app.url_map.converters["attempt"] = _AttemptId
    app.extensions[_EXTENSION] = context
    context.heartbeats.start()
    app.before_request(lambda: _refuse_strangers(context))
    app.register_error_handler(Bad, lambda exc: _answer(422, {"detail": str(exc)}))
    app.register_error_handler(remote.ForeignIncarnation, _not_a_worker)
    app.register_error_handler(NotFound, _nothing_there)
    app.register_error_handler(HTTPException, lambda exc: _answer(exc.code or 500, {"detail": exc.description}))
    app.register_error_handler(StoreUnavailable, lambda exc: _answer(503, {"detail": str(exc)}, {"Retry-After": "1"}))
    app.register_error_handler(remote.ValueNotWhole, _not_whole)
    app.register_error_handler(TooManyBytes, lambda exc: _answer(422, {"detail": str(exc)}))
    app.register_error_handler(LogStoreUnavailable, _no_log_store)
    calls = (_claim, _start, _log, _value, _input, _finish, _release)
    for call in (make(context) for make in calls):
        rule = f"/execution/v1/attempts/<attempt:attempt_id>/{call.__name__}"
        app.add_url_rule(rule, view_func=call, methods=["POST"])
    app.add_url_rule("/execution/v1/exchange", view_func=_report_and_claim(context), methods=["POST"])
    app.add_url_rule("/execution/v1/beat", view_func=_heartbeat(context), methods=["POST"])
    app.add_url_rule("/execution/v1/workers/<hostname>", view_func=_workers(context), methods=["GET"])
    app.add_url_rule("/execution/v1/health", view_func=_health, methods=["GET"])
    return app


def close_execution_app(app: Flask) -> None:
    """Close the connections."""
    context: _Context = app.extensions[_EXTENSION]
    context.heartbeats.stop()
    context.notifier.close()
    context.database.close()


def _refuse_strangers(context: _Context) -> Response | None:
    """Deny by default, before anything is routed."""
    if request.path == "/execution/v1/health":
        return None
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    credential = context.credentials.find(token) if scheme.lower() == "bearer" else None
    if credential is None:
        return _answer(401, {"detail": "a worker must send its token: set MAINSPRING_WORKER_TOKEN"})
    note_principal(request.environ, "worker")
    g.credential = credential
    return None


def _not_a_worker(error: remote.ForeignIncarnation) -> Response:
    return _answer(403, {"detail": f"{error} is the incarnation of another service"})


def _not_whole(error: remote.ValueNotWhole) -> Response:
    return _answer(422, {"detail": f"pieces of the large output '{error}' are missing: send all before the end"})


def _no_log_store(error: LogStoreUnavailable) -> Response:
    return _answer(503, {"detail": f"the log store does not answer: {error}"}, {"Retry-After": "1"})


def _nothing_there(error: NotFound) -> Response:
    if request.path.startswith("/execution/") and not request.path.startswith("/execution/v1/"):
        detail = "this server speaks version 1 of the execution API and no other; run workers of its release"
        return _answer(426, {"detail": detail})
    return _answer(404, {"detail": error.description})


def _claim(context: _Context) -> Any:
    def claim(attempt_id: str) -> Response:
        claim_fields = read_claim(attempt_id, _attempt_token(), _body())
        claimed = remote.claim_attempt(context.database, _claim_request(context, claim_fields))
        if claimed is None:
            return _answer(409, {"detail": f"attempt {attempt_id} is not to be claimed: taken, cancelled or over"})
        context.notifier.notify()
        order = _work_order(context, claimed)
        failpoint("execution.claim.before-answer")
        return _answer(200, order)

    return claim


def _claim_request(context: _Context, claim_fields: ClaimFields, *, is_ahead: bool = False) -> remote.ClaimRequest:
    now = datetime.now(UTC)
    return remote.ClaimRequest(
        attempt_id=claim_fields.attempt_id,
        token_hash=_hash(claim_fields.token),
        hostname=claim_fields.hostname,
        at=now,
        lease_expires_at=now + context.lease,
        is_ahead=is_ahead,
        worker_id=_worker_id(),
        # What a token is bound to counts; the worker's own queue keeps the worker from stray attempts.
        queue=_credential().queue or claim_fields.queue,
        takes_values=claim_fields.takes_values,
    )


def _end(report: Ended, token: str) -> remote.End:
    return remote.End(
        attempt_id=report.attempt_id,
        token_hash=_hash(token),
        report=report.report,
        chunks=report.chunks,
        start=report.start,
        large=report.large,
    )


def _start(context: _Context) -> Any:
    def start(attempt_id: str) -> Response:
        token_hash = _hash(_attempt_token())
        if not remote.start_attempt(context.database, attempt_id, read_start(_body()), token_hash=token_hash):
            return _not_yours(attempt_id)
        context.notifier.notify()
        return _answer(200, {})

    return start


def _release(context: _Context) -> Any:
    def release(attempt_id: str) -> Response:
        if not remote.release_attempt(context.database, attempt_id, token_hash=_hash(_attempt_token())):
            return _not_yours(attempt_id)
        return _answer(200, {})

    return release


def _work_order(context: _Context, claimed: remote.Claimed) -> Mapping[str, Any]:
    return {"lease_seconds": context.lease.total_seconds(), "attempt": attempt_to_json(context.order(claimed))}


def _heartbeat(context: _Context) -> Any:
    def heartbeat() -> Response:
        credential = _credential()
        worker, attempt_ids = read_heartbeat(_body(), worker_id=_worker_id(), token=credential.token)
        if credential.queue not in (None, worker.queue):
            detail = f"this token is for workers of queue '{credential.queue}', not of '{worker.queue}'"
            return _answer(403, {"detail": detail})
        if credential.token is not None:
            context.credentials.touch(credential.token)
        now = datetime.now(UTC)
        renewed = remote.hear_worker(
            context.database, worker, attempt_ids, lease_expires_at=now + context.lease, now=now
        )
        stop = sorted(set(attempt_ids) - renewed)
        lease_seconds = context.lease.total_seconds()
        return _answer(200, {"stop": stop, "lease_seconds": lease_seconds, "takes_claims_ahead": True})

    return heartbeat


def _workers(context: _Context) -> Any:
    def workers(hostname: str) -> Response:
        if "\0" in hostname:
            raise Bad("a host name holds no U+0000")
        since = datetime.now(UTC) - context.lease
        alive = services.count_alive(context.database, kind="worker", hostname=hostname, since=since)
        return _answer(200, {"alive": alive})

    return workers


def _log(context: _Context) -> Any:
    def log(attempt_id: str) -> Response:
        chunk = read_chunk(attempt_id, _body(), now=datetime.now(UTC))
        if not remote.append_log(context.database, [chunk], token_hash=_hash(_attempt_token())):
            return _not_yours(attempt_id)
        return _answer(200, {})

    return log


def _value(context: _Context) -> Any:
    def value(attempt_id: str) -> Response:
        piece = read_value_piece(attempt_id, _body())
        token_hash, now = _hash(_attempt_token()), datetime.now(UTC)
        if not store_piece(context.database, attempt_id, piece, now=now, token_hash=token_hash):
            return _not_yours(attempt_id)
        failpoint("execution.value.committed")
        return _answer(200, {})

    return value


def _input(context: _Context) -> Any:
    def input_(attempt_id: str) -> Response:
        value_id, position = read_input(_body())
        known = values_of_attempt(context.database, attempt_id, token_hash=_hash(_attempt_token()))
        if known is None:
            return _not_yours(attempt_id)
        try:
            data = read_piece(context.database, value_id, position) if value_id in known else None
        except ValueMissing:
            data = None
        if data is None:
            # Not 404, which is the answer of a server of the release before.
            return _answer(410, {"detail": f"the attempt is handed no value {value_id}, or the value was deleted"})
        return _answer(200, {"data": b64encode(data).decode()})

    input_.__name__ = "input"
    return input_


def _finish(context: _Context) -> Any:
    def finish(attempt_id: str) -> Response:
        body = _body()
        end = _end(read_finish(attempt_id, body, now=datetime.now(UTC)), _attempt_token())
        claim_fields = read_next(body)
        claim_request = None if claim_fields is None else _claim_request(context, claim_fields)
        is_held, claimed = remote.finish_attempt(context.database, end, claim_request)
        if not is_held:
            return _not_yours(attempt_id)
        context.notifier.notify()
        order = None if claimed is None else _work_order(context, claimed)
        failpoint("execution.finish.before-answer")
        return _answer(200, {"next": order})

    return finish


def _report_and_claim(context: _Context) -> Any:
    def report_and_claim() -> Response:
        reports, requested = read_report_and_claim(_body(), now=datetime.now(UTC))
        ends = [_end(report, token) for report, token in reports]
        claim_requests = [_claim_request(context, claim_fields, is_ahead=True) for claim_fields in requested]
        claimed = remote.report_and_claim(context.database, ends, claim_requests)
        if ends:
            context.notifier.notify()
        orders = [
            _work_order(context, claimed[claim_fields.attempt_id])
            for claim_fields in requested
            if claim_fields.attempt_id in claimed
        ]
        failpoint("execution.exchange.before-answer")
        return _answer(200, {"claimed": orders})

    return report_and_claim


def _health() -> Response:
    return _answer(200, {"status": "healthy"})


def _body() -> Any:
    return read_json(request.get_data())


def _credential() -> Credential:
    """Of this request, which was let in."""
    credential: Credential = g.credential
    return credential


def _worker_id() -> str | None:
    """The incarnation of the calling worker, proven by the worker's key; `None` = it is of the release before."""
    key = request.headers.get(WORKER_HEADER)
    return None if key is None else incarnation_of(checked_token(key, WORKER_HEADER))


def _attempt_token() -> str:
    """The attempt token that the worker chose for its claim. Only its hash is kept."""
    return checked_token(request.headers.get(ATTEMPT_HEADER, ""), ATTEMPT_HEADER)


def _not_yours(attempt_id: str) -> Response:
    return _answer(409, {"detail": f"attempt {attempt_id} is not held by this token"})


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def _answer(status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(body), status, headers, content_type="application/json")
