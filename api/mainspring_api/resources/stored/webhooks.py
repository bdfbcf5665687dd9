"""Webhooks: addresses that get the events of DAGs and runs. A webhook belongs to a user."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Response, g
from marshmallow import fields, validate
from sqlalchemy import Connection

from mainspring.webhook_signatures import new_private_key, new_secret, public_key_of
from mainspring.webhook_types import WEBHOOK_TYPES
from mainspring_api.http.answers import answer, dump, no_content
from mainspring_api.http.audit import audit_detail
from mainspring_api.http.authentication import Forbidden
from mainspring_api.http.bulk import chosen
from mainspring_api.http.context import context
from mainspring_api.http.fields import Answer, Body, Choice, Instant, UpdateMask, list_arguments, list_query
from mainspring_api.http.operations import Resource
from mainspring_api.http.paging import list_answer
from mainspring_api.http.permissions import Over
from mainspring_api.http.preconditions import CurrentState, Guard
from mainspring_api.http.receiver_addresses import URL_CHARS_MAX, check_webhook_url
from mainspring_api.resources.stored.receivers import (
    DESCRIPTION,
    NAME,
    PATTERN,
    DeliveryCollection,
    DeliveryList,
    DeliveryRef,
    deliveries_answer,
    is_admin,
    redelivered,
    tested,
)
from mainspring_store.access.installation import keep_webhook_key
from mainspring_store.access.roles import Principal, Role
from mainspring_store.queries.receivers import RECEIVERS, get_receiver, list_receivers
from mainspring_store.resources.receivers import (
    NewReceiver,
    change_receiver,
    create_receiver,
    delete_receiver,
    lock_receiver,
    rotate_secret,
)
from mainspring_store.state.receivers import Address, LiveSecret, ReceiverKind, ReceiverState, url_without_secrets

__all__ = ["blueprint"]

blueprint = Resource("webhooks", "Webhooks: addresses that get events, with signed requests")

_KIND = ReceiverKind.WEBHOOK
_OLD_SECONDS_DEFAULT = 86_400
_OLD_SECONDS_MAX = 7 * 86_400
_STATES = [ReceiverState.ACTIVE, ReceiverState.DISABLED]
_URL = {"description": "Address that deliveries are posted to; answered with the values of its query masked"}
_TYPES = {"description": "Types of events to send; empty = only what definitions send by `notify`"}
_PATTERN = {"description": "Id of the DAG whose events are sent, or the beginning of ids and `*`"}
_OUTPUTS = {"description": "Whether the end of a run is sent with the outputs of the run"}


class Webhook(Answer):
    """A webhook."""

    name = fields.String(metadata={"description": "Name of the webhook, which definitions use"})
    url = fields.String(metadata=_URL)
    types = fields.List(fields.String(), metadata=_TYPES)
    dag_id_pattern = fields.String(metadata=_PATTERN)
    description = fields.String(allow_none=True)
    includes_outputs = fields.Boolean(metadata=_OUTPUTS)
    state = Choice(
        ReceiverState,
        only=[ReceiverState.ACTIVE, ReceiverState.DISABLED, ReceiverState.ENDED],
        metadata={"description": "`disabled` = switched off by a user; `ended` = switched off by the server"},
    )
    ended_reason = fields.String(
        allow_none=True,
        metadata={
            "description": "Why the server ended the webhook: `owner_gone`, `grant_revoked` or `gone` (the receiver "
            "answered 410); null = it did not"
        },
    )
    owner = fields.String(allow_none=True, metadata={"description": "Name of the owner; null = the owner is deleted"})
    created_at = Instant()
    updated_at = Instant()


class CreatedWebhook(Webhook):
    """A webhook that was just made."""

    secret = fields.String(metadata={"description": "Secret that signs deliveries; shown only once"})


class WebhookCollection(Answer):
    """A page of webhooks."""

    webhooks = fields.List(fields.Nested(Webhook), metadata={"description": "Webhooks of the page"})
    total_entries = fields.Integer()


class WebhookPatchBody(Body):
    """What is to be changed of a webhook."""

    url = fields.String(validate=validate.Length(min=1, max=URL_CHARS_MAX), metadata=_URL)
    types = fields.List(
        fields.String(validate=validate.OneOf(WEBHOOK_TYPES)),
        validate=validate.Length(max=len(WEBHOOK_TYPES)),
        metadata=_TYPES,
    )
    dag_id_pattern = fields.String(validate=PATTERN, metadata=_PATTERN)
    description = fields.String(allow_none=True, validate=DESCRIPTION)
    includes_outputs = fields.Boolean(metadata=_OUTPUTS)
    state = Choice(
        ReceiverState,
        only=_STATES,
        metadata={"description": "`active` sends the events from now on; `disabled` sends nothing"},
    )


class WebhookBody(WebhookPatchBody):
    """A webhook to be made."""

    name = fields.String(required=True, validate=NAME, metadata={"description": "Name of the webhook"})
    url = fields.String(required=True, validate=validate.Length(min=1, max=URL_CHARS_MAX), metadata=_URL)
    dag_id_pattern = fields.String(load_default="*", validate=PATTERN, metadata=_PATTERN)


class RotateBody(Body):
    """How long the previous secret goes on signing."""

    old_seconds = fields.Integer(
        load_default=_OLD_SECONDS_DEFAULT,
        strict=True,
        validate=validate.Range(min=0, max=_OLD_SECONDS_MAX),
        metadata={"description": "Seconds for which deliveries carry signatures of both secrets; 0 = not at all"},
    )


class RotatedSecret(Answer):
    """A new secret."""

    secret = fields.String(metadata={"description": "Secret that signs deliveries; shown only once"})
    old_expires_at = Instant(metadata={"description": "Instant from which the previous secret signs no more"})


class WebhookKey(Answer):
    """The key that verifies callbacks without a secret."""

    public_key = fields.String(
        metadata={"description": "Ed25519 key of the installation, in the spelling of Standard Webhooks"}
    )


WebhookList = list_arguments("WebhookList", RECEIVERS)


def _own(name: str) -> dict[str, Any]:
    """A webhook of the sender of the request; an administrator's are all. Raises NotFound."""
    return get_receiver(context().database, _KIND, name, principal_id=None if is_admin() else g.user.id)


def _require_author(pattern: str) -> None:
    """Raises Forbidden unless the sender may write all DAGs of a pattern."""
    user: Principal = g.user
    # A pattern fits a grant exactly when the grant covers its text, because no id has a `*`.
    role = user.role_on(pattern)
    if role is None or not role.includes(Role.AUTHOR):
        raise Forbidden(f"a webhook on '{pattern}' needs the role author on all these DAGs")


def _lock(connection: Connection, webhook_name: str) -> None:
    lock_receiver(connection, _KIND, webhook_name)


_GUARD = Guard(
    subject="webhook",
    lock=_lock,
    state=lambda webhook_name: CurrentState(bodies=[dump(_webhook(_own(webhook_name)))]),
)


@blueprint.operation(
    "GET",
    "/webhooks",
    "get_webhooks",
    role=Role.VIEWER,
    over=Over.SELF,
    answer=WebhookCollection,
    query=WebhookList,
    errors=(400,),
)
def get_webhooks(query: Mapping[str, Any]) -> Response:
    """List one's own webhooks; an administrator's list has all."""
    listed = list_receivers(
        context().database,
        _KIND,
        # A webhook belongs to a user and not to a DAG.
        replace(list_query(query), seen=None),
        principal_id=None if is_admin() else g.user.id,
    )
    return list_answer(query, {"webhooks": [_webhook(row) for row in listed.rows], "total_entries": listed.total})


@blueprint.operation(
    "POST",
    "/webhooks",
    "post_webhook",
    role=Role.VIEWER,
    over=Over.SELF,
    answer=CreatedWebhook,
    status=201,
    body=WebhookBody,
    errors=(409,),
    contains_secret=True,
)
def post_webhook(body: Mapping[str, Any]) -> Response:
    """Create a webhook. Needs the role `author` on all DAGs of the pattern.

    The webhook gets the events from now on, as long as its owner may see their DAGs.
    """
    ctx = context()
    _require_author(body["dag_id_pattern"])
    check_webhook_url(body["url"])
    secret = new_secret()
    new = NewReceiver(
        kind=_KIND,
        name=body["name"],
        principal_id=g.user.id,
        address=Address(url=body["url"], secrets=(LiveSecret(value=secret),)),
        shown_url=url_without_secrets(body["url"]),
        pattern=body["dag_id_pattern"],
        types=tuple(dict.fromkeys(body.get("types", ()))),
        description=body.get("description"),
        state=ReceiverState(body.get("state", ReceiverState.ACTIVE)),
        includes_outputs=body.get("includes_outputs", False),
    )
    audit_detail(webhook_name=new.name)
    create_receiver(ctx.database, ctx.key_ring, new, now=datetime.now(UTC))
    ctx.notifier.notify()
    return answer({**_webhook(_own(new.name)), "secret": secret}, 201)


@blueprint.operation(
    "GET",
    "/webhooks/key",
    "get_webhook_key",
    role=Role.VIEWER,
    over=Over.SELF,
    answer=WebhookKey,
)
def get_webhook_key() -> Response:
    """The public key that verifies the callbacks of triggers without a secret."""
    ctx = context()
    return answer({"public_key": public_key_of(keep_webhook_key(ctx.database, ctx.key_ring, new_private_key))})


@blueprint.operation(
    "GET",
    "/webhooks/<webhook_name>",
    "get_webhook",
    role=Role.VIEWER,
    over=Over.SELF,
    answer=Webhook,
    has_etag=True,
    errors=(404,),
)
def get_webhook(webhook_name: str) -> Response:
    """One webhook. The secret is never shown again."""
    return answer(_webhook(_own(webhook_name)))


@blueprint.operation(
    "PATCH",
    "/webhooks/<webhook_name>",
    "patch_webhook",
    role=Role.VIEWER,
    over=Over.SELF,
    answer=Webhook,
    body=WebhookPatchBody,
    query=UpdateMask,
    errors=(404, 409),
    guard=_GUARD,
)
def patch_webhook(body: Mapping[str, Any], query: Mapping[str, Any], webhook_name: str) -> Response:
    """Change a webhook. Needs the role `author` on all DAGs of the old and of the new pattern.

    `state` active also continues a webhook that the server ended.
    """
    changes = chosen(body, query["update_mask"])
    _require_author(_own(webhook_name)["pattern"])
    if "dag_id_pattern" in changes:
        _require_author(changes["dag_id_pattern"])
    if "url" in changes:
        check_webhook_url(changes["url"])
    _change(webhook_name, changes)
    context().notifier.notify()
    return answer(_webhook(_own(webhook_name)))


@blueprint.operation(
    "DELETE",
    "/webhooks/<webhook_name>",
    "delete_webhook",
    role=Role.VIEWER,
    over=Over.SELF,
    answer=None,
    status=204,
    errors=(404,),
    guard=_GUARD,
)
def remove_webhook(webhook_name: str) -> Response:
    """Delete a webhook with its deliveries. The `notify` rules that name the webhook have no effect from now on."""
    row = _own(webhook_name)
    if len(g.user.rights) > 1:  # a token that may do less than its user
        _require_author(row["pattern"])
    delete_receiver(context().database, _KIND, webhook_name)
    return no_content()


@blueprint.operation(
    "POST",
    "/webhooks/<webhook_name>/rotate",
    "rotate_webhook_secret",
    role=Role.VIEWER,
    over=Over.SELF,
    answer=RotatedSecret,
    body=RotateBody,
    errors=(404, 409),
    contains_secret=True,
)
def rotate_webhook_secret(body: Mapping[str, Any], webhook_name: str) -> Response:
    """Give a webhook a new secret. For a time both secrets sign each delivery."""
    ctx = context()
    _require_author(_own(webhook_name)["pattern"])
    now, secret = datetime.now(UTC), new_secret()
    old_until = now + timedelta(seconds=body["old_seconds"])
    rotate_secret(ctx.database, ctx.key_ring, webhook_name, secret=secret, old_until=old_until, now=now)
    return answer({"secret": secret, "old_expires_at": old_until})


@blueprint.operation(
    "POST",
    "/webhooks/<webhook_name>/test",
    "test_webhook",
    role=Role.VIEWER,
    over=Over.SELF,
    answer=DeliveryRef,
    errors=(404, 409),
)
def test_webhook(webhook_name: str) -> Response:
    """Send a delivery of the type `webhook.test`, once. At most 10 tests and repeated deliveries a minute."""
    _require_author(_own(webhook_name)["pattern"])
    return tested(_KIND, webhook_name)


@blueprint.operation(
    "GET",
    "/webhooks/<webhook_name>/deliveries",
    "get_webhook_deliveries",
    role=Role.VIEWER,
    over=Over.SELF,
    answer=DeliveryCollection,
    query=DeliveryList,
    errors=(400, 404),
)
def get_webhook_deliveries(query: Mapping[str, Any], webhook_name: str) -> Response:
    """List what was sent to a webhook in the last 7 days and what waits, newest first."""
    return deliveries_answer(_own(webhook_name), query)


@blueprint.operation(
    "POST",
    "/webhooks/<webhook_name>/deliveries/<delivery_id>/redeliver",
    "redeliver_webhook",
    role=Role.VIEWER,
    over=Over.SELF,
    answer=DeliveryRef,
    errors=(404, 409),
)
def redeliver_webhook(webhook_name: str, delivery_id: str) -> Response:
    """Send a delivery that ended again, with the same id and body. At most 10 a minute, with the tests."""
    _require_author(_own(webhook_name)["pattern"])
    return redelivered(_KIND, webhook_name, delivery_id)


def _change(name: str, changes: Mapping[str, Any]) -> None:
    ctx = context()
    if not changes:
        return
    columns = {"dag_id_pattern": "pattern"}
    values = {columns.get(member, member): value for member, value in changes.items()}
    if "url" in values:
        values["shown_url"] = url_without_secrets(values["url"])
    if "types" in values:
        values["types"] = list(dict.fromkeys(values["types"]))
    change_receiver(ctx.database, ctx.key_ring, _KIND, name, values, now=datetime.now(UTC))


def _webhook(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": row["name"],
        "url": row["shown_url"],
        "types": row["types"],
        "dag_id_pattern": row["pattern"],
        "description": row["description"],
        "includes_outputs": row["includes_outputs"],
        "state": row["state"],
        "ended_reason": row["ended_reason"],
        "owner": row["owner"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
    }
