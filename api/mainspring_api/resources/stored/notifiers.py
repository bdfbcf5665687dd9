"""Notifiers: chats and mailboxes that definitions notify. Administrators configure them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from flask import Response
from marshmallow import fields, validate
from sqlalchemy import Connection

from mainspring.errors import InvalidInput, Problem
from mainspring.notifier_urls import NOTIFIER_SCHEMES, notifier_url_fault, shown_notifier_url
from mainspring_api.http.answers import answer, dump, no_content
from mainspring_api.http.audit import audit_detail
from mainspring_api.http.bulk import chosen
from mainspring_api.http.context import context
from mainspring_api.http.fields import Answer, Body, Choice, Instant, UpdateMask, list_arguments, list_query
from mainspring_api.http.operations import Resource
from mainspring_api.http.paging import list_answer
from mainspring_api.http.permissions import Over
from mainspring_api.http.preconditions import CurrentState, Guard
from mainspring_api.http.receiver_addresses import URL_CHARS_MAX
from mainspring_api.resources.stored.receivers import (
    DESCRIPTION,
    NAME,
    PATTERN,
    DeliveryCollection,
    DeliveryList,
    DeliveryRef,
    deliveries_answer,
    redelivered,
    tested,
)
from mainspring_store.access.roles import Role
from mainspring_store.queries.receivers import RECEIVERS, get_receiver, list_receivers
from mainspring_store.resources.receivers import (
    NewReceiver,
    change_receiver,
    create_receiver,
    delete_receiver,
    lock_receiver,
)
from mainspring_store.state.receivers import Address, ReceiverKind, ReceiverState

__all__ = ["blueprint"]

blueprint = Resource("notifiers", "Notifiers: chats and mailboxes that definitions notify")

_KIND = ReceiverKind.NOTIFIER
_STATES = [ReceiverState.ACTIVE, ReceiverState.DISABLED]
_URL = {
    "description": "Address as the library apprise writes it, answered as its scheme alone; schemes: "
    + ", ".join(NOTIFIER_SCHEMES)
}
_PATTERN = {"description": "Id of the DAG that may use the notifier, or the beginning of ids and `*`"}
_STATE = {"description": "`disabled` sends nothing"}


class Notifier(Answer):
    """A notifier."""

    name = fields.String(metadata={"description": "Name of the notifier, which definitions use"})
    url = fields.String(metadata=_URL)
    dag_id_pattern = fields.String(metadata=_PATTERN)
    description = fields.String(allow_none=True)
    state = Choice(ReceiverState, only=_STATES, metadata=_STATE)
    created_at = Instant()
    updated_at = Instant()


class NotifierCollection(Answer):
    """A page of notifiers."""

    notifiers = fields.List(fields.Nested(Notifier), metadata={"description": "Notifiers of the page"})
    total_entries = fields.Integer()


class NotifierPatchBody(Body):
    """What is to be changed of a notifier."""

    url = fields.String(validate=validate.Length(min=1, max=URL_CHARS_MAX), metadata=_URL)
    dag_id_pattern = fields.String(validate=PATTERN, metadata=_PATTERN)
    description = fields.String(allow_none=True, validate=DESCRIPTION)
    state = Choice(ReceiverState, only=_STATES, metadata=_STATE)


class NotifierBody(NotifierPatchBody):
    """A notifier to be made."""

    name = fields.String(required=True, validate=NAME, metadata={"description": "Name of the notifier"})
    url = fields.String(required=True, validate=validate.Length(min=1, max=URL_CHARS_MAX), metadata=_URL)
    dag_id_pattern = fields.String(load_default="*", validate=PATTERN, metadata=_PATTERN)


NotifierList = list_arguments("NotifierList", RECEIVERS)


def _find(name: str) -> dict[str, Any]:
    return get_receiver(context().database, _KIND, name, principal_id=None)


def _lock(connection: Connection, notifier_name: str) -> None:
    lock_receiver(connection, _KIND, notifier_name)


_GUARD = Guard(
    subject="notifier",
    lock=_lock,
    state=lambda notifier_name: CurrentState(bodies=[dump(_notifier(_find(notifier_name)))]),
)


@blueprint.operation(
    "GET",
    "/notifiers",
    "get_notifiers",
    role=Role.AUTHOR,
    over=Over.DAGS,
    answer=NotifierCollection,
    query=NotifierList,
    errors=(400,),
)
def get_notifiers(query: Mapping[str, Any]) -> Response:
    """List the notifiers. Authors of any DAG see all of them, without their addresses."""
    # A notifier belongs to no DAG.
    listed = list_receivers(context().database, _KIND, replace(list_query(query), seen=None), principal_id=None)
    return list_answer(query, {"notifiers": [_notifier(row) for row in listed.rows], "total_entries": listed.total})


@blueprint.operation(
    "POST",
    "/notifiers",
    "post_notifier",
    role=Role.ADMIN,
    answer=Notifier,
    status=201,
    body=NotifierBody,
    errors=(409,),
)
def post_notifier(body: Mapping[str, Any]) -> Response:
    """Create a notifier. The server stores the address encrypted and never shows the address again."""
    ctx = context()
    _check_url(body["url"])
    new = NewReceiver(
        kind=_KIND,
        name=body["name"],
        principal_id=None,
        address=Address(url=body["url"]),
        shown_url=shown_notifier_url(body["url"]),
        pattern=body["dag_id_pattern"],
        description=body.get("description"),
        state=ReceiverState(body.get("state", ReceiverState.ACTIVE)),
    )
    audit_detail(notifier_name=new.name)
    create_receiver(ctx.database, ctx.key_ring, new, now=datetime.now(UTC))
    ctx.notifier.notify()
    return answer(_notifier(_find(new.name)), 201)


@blueprint.operation(
    "GET",
    "/notifiers/<notifier_name>",
    "get_notifier",
    role=Role.AUTHOR,
    over=Over.DAGS,
    answer=Notifier,
    has_etag=True,
    errors=(404,),
)
def get_notifier(notifier_name: str) -> Response:
    """One notifier."""
    return answer(_notifier(_find(notifier_name)))


@blueprint.operation(
    "PATCH",
    "/notifiers/<notifier_name>",
    "patch_notifier",
    role=Role.ADMIN,
    answer=Notifier,
    body=NotifierPatchBody,
    query=UpdateMask,
    errors=(404, 409),
    guard=_GUARD,
)
def patch_notifier(body: Mapping[str, Any], query: Mapping[str, Any], notifier_name: str) -> Response:
    """Change a notifier."""
    changes = chosen(body, query["update_mask"])
    if "url" in changes:
        _check_url(changes["url"])
    _change(notifier_name, changes)
    context().notifier.notify()
    return answer(_notifier(_find(notifier_name)))


@blueprint.operation(
    "DELETE",
    "/notifiers/<notifier_name>",
    "delete_notifier",
    role=Role.ADMIN,
    answer=None,
    status=204,
    errors=(404,),
    guard=_GUARD,
)
def remove_notifier(notifier_name: str) -> Response:
    """Delete a notifier. The `notify` rules that name the notifier have no effect from now on."""
    delete_receiver(context().database, _KIND, notifier_name)
    return no_content()


@blueprint.operation(
    "POST",
    "/notifiers/<notifier_name>/test",
    "test_notifier",
    role=Role.ADMIN,
    answer=DeliveryRef,
    errors=(404, 409),
)
def test_notifier(notifier_name: str) -> Response:
    """Send a message to try the notifier, once. At most 10 tests and repeated deliveries a minute."""
    return tested(_KIND, notifier_name)


@blueprint.operation(
    "GET",
    "/notifiers/<notifier_name>/deliveries",
    "get_notifier_deliveries",
    role=Role.ADMIN,
    answer=DeliveryCollection,
    query=DeliveryList,
    errors=(400, 404),
)
def get_notifier_deliveries(query: Mapping[str, Any], notifier_name: str) -> Response:
    """List what was sent to a notifier in the last 7 days and what waits, newest first."""
    return deliveries_answer(_find(notifier_name), query)


@blueprint.operation(
    "POST",
    "/notifiers/<notifier_name>/deliveries/<delivery_id>/redeliver",
    "redeliver_notifier",
    role=Role.ADMIN,
    answer=DeliveryRef,
    errors=(404, 409),
)
def redeliver_notifier(notifier_name: str, delivery_id: str) -> Response:
    """Send a message that ended again. At most 10 a minute, with the tests."""
    return redelivered(_KIND, notifier_name, delivery_id)


def _check_url(url: str) -> None:
    fault = notifier_url_fault(url)
    if fault is not None:
        raise InvalidInput([Problem(pointer="/url", message=fault, code="invalid_value")])


def _change(name: str, changes: Mapping[str, Any]) -> None:
    ctx = context()
    if not changes:
        return
    values = {"pattern" if member == "dag_id_pattern" else member: value for member, value in changes.items()}
    if "url" in values:
        values["shown_url"] = shown_notifier_url(values["url"])
    change_receiver(ctx.database, ctx.key_ring, _KIND, name, values, now=datetime.now(UTC))


def _notifier(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": row["name"],
        "url": row["shown_url"],
        "dag_id_pattern": row["pattern"],
        "description": row["description"],
        "state": row["state"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
    }
