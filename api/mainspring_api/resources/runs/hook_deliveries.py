"""Deliveries to hooks: a signed request from outside starts a run with the rights of the hook's owner.

An unknown hook, a disabled hook and a wrong signature get the same answer after the same work, so that nobody learns
which URLs exist.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from flask import Response, g, request
from marshmallow import fields

from mainspring.definition import load_json
from mainspring.errors import ExpressionError, InvalidInput, MainspringError, NotFound, Problem, StoreUnavailable
from mainspring.expressions import Expression
from mainspring.hook_signatures import (
    Check,
    HookKind,
    check_delivery,
    delivery_id_of,
    identities_of,
    new_hook_secret,
    readable_headers,
)
from mainspring.ids import new_run_id
from mainspring.states import RunType
from mainspring_api.http.answers import answer
from mainspring_api.http.audit import audit_detail
from mainspring_api.http.authentication import Forbidden
from mainspring_api.http.client_address import client_network
from mainspring_api.http.context import Context, application_context, context
from mainspring_api.http.fields import Answer, Choice
from mainspring_api.http.operations import BODY_DEPTH_MAX, BODY_NODES_MAX, JSON, read_body
from mainspring_api.http.owners import current_owner
from mainspring_api.http.problems import BadRequest
from mainspring_api.resources.runs.hooks import HOOK_ROOTS, blueprint
from mainspring_api.resources.runs.triggers import params_of_trigger
from mainspring_api.settings import BODY_BYTES_MAX
from mainspring_store.access.installation import holds_schedules
from mainspring_store.access.principals import principal_by_id
from mainspring_store.access.roles import Role
from mainspring_store.database.key_ring import CannotOpen, KeyRing
from mainspring_store.database.shared_transaction import SharedTransaction
from mainspring_store.queries.hooks import HookOfUrl, find_hook_of_url, find_run_of_delivery
from mainspring_store.resources.hooks import (
    AlreadyDelivered,
    Delivery,
    DeliveryOutcome,
    claim_delivery,
    move_claim,
    note_delivery,
    open_hook_secret,
    seal_hook_secret,
    write_delivery,
)
from mainspring_store.state.debounces import trigger_run
from mainspring_store.state.runs import NewRun

__all__ = ["blueprint"]

FORM = "application/x-www-form-urlencoded"
_REFUSAL = "there is no such hook, or the signature is wrong"

log = logging.getLogger(__name__)


class HookAnswer(Answer):
    """What became of a delivery."""

    outcome = Choice(
        DeliveryOutcome,
        only=[DeliveryOutcome.RUN, DeliveryOutcome.DUPLICATE, DeliveryOutcome.FILTERED, DeliveryOutcome.PING],
        metadata={"description": "What became of the delivery"},
    )
    dag_id = fields.String(metadata={"description": "DAG of the hook"})
    dag_run_id = fields.String(
        allow_none=True, metadata={"description": "Run that this, or the first such delivery started; null = none"}
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Request:
    """A delivery whose sender knows the secret of the hook."""

    hook: HookOfUrl
    headers: Mapping[str, str]
    body: bytes
    now: datetime

    def noted(self, outcome: DeliveryOutcome, status: int, **more: str | None) -> Delivery:
        return Delivery(
            hook_id=self.hook.id,
            received_at=self.now,
            delivery_id=delivery_id_of(self.hook.kind, self.headers),
            outcome=outcome,
            status=status,
            **more,
        )


@blueprint.operation(
    "POST",
    "/hooks/<hook_id>",
    "deliver_to_hook",
    role=None,
    answer=HookAnswer,
    status=202,
    also={200: HookAnswer},
    body_content={
        JSON: {"schema": {}, "example": {"ref": "refs/heads/main", "after": "9fceb02"}},
        FORM: {
            "schema": {"$ref": "#/components/schemas/JsonObject"},
            "example": {"payload": '{"ref": "refs/heads/main"}'},
        },
    },
    body_bytes_max=BODY_BYTES_MAX,
    errors=(400, 403, 404),
)
def deliver_to_hook(hook_id: str) -> Response:
    """Start a run by a signed request of a service outside.

    The path holds the secret part of the hook's URL in place of an identifier. 202 has the run's id at once; a repeated
    delivery gets the run of the first. 200 answers a ping, and a delivery that the filter leaves out. An unknown hook
    and a wrong signature get the same 404. Form bodies are GitHub's, with the JSON in `payload`.
    """
    ctx = context()
    audit_detail(hook_id="")  # the secret part of the URL stays out of the audit log
    body = read_body(BODY_BYTES_MAX, JSON, FORM)
    delivery = _authentic(ctx, hook_id, body)
    hook = delivery.hook
    audit_detail(hook_id=hook.id, dag_id=hook.dag_id)
    ctx.limits.hook_deliveries.take(hook.id)
    if hook.kind is HookKind.GITHUB and delivery.headers.get("x-github-event") == "ping":
        note_delivery(ctx.database, delivery.noted(DeliveryOutcome.PING, 200))
        return _answered(hook, DeliveryOutcome.PING, None)
    if holds_schedules(ctx.database):
        # The original may be alive, and a delivery must not start a run twice.
        raise StoreUnavailable("the instance was restored from a backup and is held; send the delivery again later")
    try:
        _act_as_owner(ctx, hook, delivery.now)
        return _started(ctx, delivery)
    except (InvalidInput, Forbidden, NotFound) as exc:
        _note_failure(ctx, delivery, exc)
        raise


def _authentic(ctx: Context, url_part: str, body: bytes) -> _Request:
    """The delivery, if its sender knows the secret.

    Raises:
        NotFound: The hook is unknown or disabled, or the signature is wrong. BadRequest: The signed time is too old.
        TooManyRequests: Too many refusals to this network of clients.
    """
    now = datetime.now(UTC)
    hook = find_hook_of_url(ctx.database, url_part, now=now)
    headers = {name.lower(): value for name, value in request.headers.items()}
    kind = HookKind.GITHUB if hook is None else hook.kind
    keys, is_readable = _keys(ctx, hook)
    check = check_delivery(kind, keys, headers, body, now=now)
    if hook is None or not hook.is_enabled or not is_readable or check is Check.WRONG:
        _refuse(ctx, hook, now, HTTPStatus.NOT_FOUND, _cause(hook, is_readable=is_readable))
        raise NotFound(_REFUSAL)
    if check is Check.STALE:
        message = "the signed time is more than 5 minutes away from the server's; send the delivery again"
        _refuse(ctx, hook, now, HTTPStatus.BAD_REQUEST, message)
        raise BadRequest([Problem(pointer="", message=message, code="stale_delivery")])
    return _Request(hook=hook, headers=headers, body=body, now=now)


def _keys(ctx: Context, hook: HookOfUrl | None) -> tuple[list[str], bool]:
    """The secrets of a hook, and whether they can be read. The work is the same where there is no hook."""
    key_ring, hook_id, ciphertexts = _decoy() if hook is None else (ctx.key_ring, hook.id, hook.ciphertexts)
    try:
        return [open_hook_secret(key_ring, hook_id, ciphertext) for ciphertext in ciphertexts], True
    except CannotOpen as exc:
        log.debug("the secret of a hook cannot be opened: cause=%s", exc)
        return [new_hook_secret(HookKind.GITHUB)], False


@cache
def _decoy() -> tuple[KeyRing, str, Sequence[bytes]]:
    """What is opened in place of the secrets of an unknown hook, with a key of this process alone."""
    from cryptography.fernet import Fernet

    key_ring = KeyRing(Path(), [Fernet.generate_key().decode()])
    return key_ring, "", [seal_hook_secret(key_ring, "", new_hook_secret(HookKind.GITHUB))]


def _cause(hook: HookOfUrl | None, *, is_readable: bool) -> str:
    if hook is not None and not hook.is_enabled:
        return "the hook is disabled"
    return "the signature is wrong" if is_readable else "the secret cannot be opened"


def _refuse(ctx: Context, hook: HookOfUrl | None, now: datetime, status: HTTPStatus, cause: str) -> None:
    """Count a refusal. A thread keeps at most 10 a minute of a hook.

    Raises:
        TooManyRequests: Too many refusals to this network of clients.
    """
    ctx.totals.count("hook_deliveries", (DeliveryOutcome.REFUSED,))
    ctx.limits.refused_deliveries.take(client_network())
    delivery = None
    if hook is not None:
        delivery = Delivery(
            hook_id=hook.id,
            received_at=now,
            delivery_id=None,
            outcome=DeliveryOutcome.REFUSED,
            status=status,
            message=cause,
        )
    ctx.refused_deliveries.add(delivery)


def _act_as_owner(ctx: Context, hook: HookOfUrl, now: datetime) -> None:
    """Let the rest of the request act with the rights that the owner of the hook has now.

    Raises:
        Forbidden: The owner is gone, or may not start runs of the DAG.
        TooManyRequests: The owner writes too often.
    """
    with ctx.database.read() as connection:
        owner = principal_by_id(connection, hook.principal_id, now=now)
    role = None if owner is None else owner.role_on(hook.dag_id)
    if owner is None or role is None or not role.includes(Role.OPERATOR):
        raise Forbidden("the owner of the hook may not start runs of its DAG any more")
    g.user = replace(owner, name=f"hook:{hook.name}")
    ctx.limits.writes.take(owner.id)


def _started(ctx: Context, delivery: _Request) -> Response:
    """The answer to an authentic delivery, after its run was written if it starts one."""
    hook, now = delivery.hook, delivery.now
    identities = identities_of(hook.kind, delivery.headers, delivery.body)
    first_run_id = find_run_of_delivery(ctx.database, hook.id, identities, now=now)
    if first_run_id is not None:
        return _repeated(ctx, delivery, first_run_id)
    names = {"headers": readable_headers(delivery.headers), "body": _content(delivery)}
    if not _admits(hook, names):
        note_delivery(ctx.database, delivery.noted(DeliveryOutcome.FILTERED, 200, message="the filter is false"))
        return _answered(hook, DeliveryOutcome.FILTERED, None)
    run = _new_run(ctx, hook, _conf(hook, names), now)
    audit_detail(run_id=run.run_id)
    try:
        with SharedTransaction(
            ctx.database,
            at_begin=lambda connection: claim_delivery(connection, hook.id, identities, run.run_id, now=now),
        ) as shared:
            run_id = trigger_run(shared, run, owner=current_owner(), now=now).run_id
            with shared.write() as connection:
                move_claim(connection, hook.id, run.run_id, run_id)
                write_delivery(connection, delivery.noted(DeliveryOutcome.RUN, 202, run_id=run_id))
    except AlreadyDelivered as exc:
        return _repeated(ctx, delivery, exc.run_id)
    audit_detail(run_id=run_id)
    ctx.notifier.notify()
    return _answered(hook, DeliveryOutcome.RUN, run_id)


def _repeated(ctx: Context, delivery: _Request, run_id: str) -> Response:
    message = "an earlier delivery started the run"
    note_delivery(ctx.database, delivery.noted(DeliveryOutcome.DUPLICATE, 202, run_id=run_id, message=message))
    return _answered(delivery.hook, DeliveryOutcome.DUPLICATE, run_id)


def _new_run(ctx: Context, hook: HookOfUrl, conf: dict[str, Any], now: datetime) -> NewRun:
    """Raises NotFound when the DAG is gone, BadRequest when the `conf` does not fit its params."""
    version = ctx.versions.for_new_run(hook.dag_id)
    return NewRun(
        version=version,
        run_id=new_run_id(RunType.MANUAL, now),
        run_type=RunType.MANUAL,
        conf=conf,
        params=params_of_trigger(version.definition, conf),
        run_after=now,
        triggered_by="rest_api",
        user=g.user.name,
        may_join=True,
    )


def _content(delivery: _Request) -> Any:
    """The JSON of a body.

    Raises:
        InvalidInput: The body is no JSON, or the form has no `payload`.
    """
    data = delivery.body
    if request.mimetype == FORM:
        try:
            form = parse_qs(data.decode(), strict_parsing=True, max_num_fields=10)
            data = form["payload"][0].encode()
        except (ValueError, KeyError) as exc:
            message = "the form has no member `payload`"
            raise InvalidInput([Problem(pointer="/payload", message=message, code="missing_field")]) from exc
    return load_json(data, bytes_max=BODY_BYTES_MAX, depth_max=BODY_DEPTH_MAX, nodes_max=BODY_NODES_MAX)


def _admits(hook: HookOfUrl, names: Mapping[str, Any]) -> bool:
    if hook.filter is None:
        return True
    result = _evaluated(hook.filter, names, "/filter")
    if not isinstance(result, bool):
        raise _expression_error("/filter", "the filter of the hook is neither true nor false for the delivery")
    return result


def _conf(hook: HookOfUrl, names: Mapping[str, Any]) -> dict[str, Any]:
    if hook.conf is None:
        return {}
    result = _evaluated(hook.conf, names, "/conf")
    if not isinstance(result, dict):
        raise _expression_error("/conf", "the expression `conf` of the hook gives no object for the delivery")
    return result


def _evaluated(source: str, names: Mapping[str, Any], pointer: str) -> Any:
    try:
        return Expression(source, roots=HOOK_ROOTS).evaluate(names)
    except ExpressionError as exc:
        raise _expression_error(pointer, str(exc)) from exc


def _expression_error(pointer: str, message: str) -> InvalidInput:
    return InvalidInput([Problem(pointer=pointer, message=message, code="expression_error")])


def _note_failure(ctx: Context, delivery: _Request, error: MainspringError) -> None:
    status = 400 if isinstance(error, BadRequest) else 422 if isinstance(error, InvalidInput) else 403
    status = 404 if isinstance(error, NotFound) else status
    ctx.totals.count("hook_deliveries", (DeliveryOutcome.FAILED,))
    # Not by the database of the request, which would note the operation as done.
    database = application_context().database
    note_delivery(database, delivery.noted(DeliveryOutcome.FAILED, status, message=str(error)))


def _answered(hook: HookOfUrl, outcome: DeliveryOutcome, run_id: str | None) -> Response:
    context().totals.count("hook_deliveries", (outcome,))
    status = 202 if run_id is not None else 200
    return answer({"outcome": outcome, "dag_id": hook.dag_id, "dag_run_id": run_id}, status)
