"""Hooks: where services outside of the installation start runs by a signed request."""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Response, g
from marshmallow import fields, validate

from mainspring.errors import InvalidInput, NotFound, Problem
from mainspring.expressions import Expression
from mainspring.hook_signatures import HookKind, is_hook_secret, new_hook_secret
from mainspring_api.http.answers import answer, no_content
from mainspring_api.http.audit import audit_detail
from mainspring_api.http.context import context
from mainspring_api.http.fields import Answer, Body, Choice, Instant, list_arguments, list_query
from mainspring_api.http.operations import Resource
from mainspring_api.http.paging import list_answer
from mainspring_api.http.permissions import Over, require_role_on
from mainspring_store.access.roles import Role
from mainspring_store.queries import hooks as questions
from mainspring_store.queries.hooks import hook_not_found
from mainspring_store.resources.hooks import (
    DELIVERIES_KEPT,
    DeliveryOutcome,
    NewHook,
    Rotation,
    change_hook,
    create_hook,
    delete_hook,
    rotate_hook,
)

__all__ = ["HOOK_ROOTS", "blueprint"]

blueprint = Resource("hooks", "Hooks: services outside start runs by signed requests")

HOOK_ROOTS = frozenset({"body", "headers"})
"""The names that the expressions of a hook may begin with."""
GRACE_SECONDS_MAX = 7 * 24 * 3600
_PATH = "/api/v2/hooks/"
_NAME = validate.Regexp(r"[A-Za-z0-9_.-]{1,250}\Z", error="must have 1 to 250 of the characters A-Z a-z 0-9 _ . -")
_CONF = {"description": "CEL of `headers` and `body` whose object is the `conf` of the run; null = an empty `conf`"}
_FILTER = {"description": "CEL of `headers` and `body`; false = the delivery starts no run; null = each delivery does"}
_KIND = {"description": "How the sender shows that it knows the secret"}
_SECRET = {"description": "Secret that the sender has already, 16 to 500 characters; null = made by the server"}


class Hook(Answer):
    """A hook, without the secret part of its URL and without its secret."""

    id = fields.UUID(metadata={"description": "Identifier of the hook"})
    name = fields.String(metadata={"description": "Name of the hook"})
    dag_id = fields.String(metadata={"description": "DAG whose runs the hook starts"})
    kind = Choice(HookKind, metadata=_KIND)
    conf = fields.String(allow_none=True, metadata=_CONF)
    filter = fields.String(allow_none=True, metadata=_FILTER)
    description = fields.String(allow_none=True)
    is_enabled = fields.Boolean(metadata={"description": "False = deliveries are answered as for an unknown hook"})
    owner = fields.String(
        allow_none=True, metadata={"description": "User or token with whose rights runs start; null = deleted"}
    )
    previous_until = Instant(
        allow_none=True, metadata={"description": "Instant until which rotated parts are valid; null = none are"}
    )
    created_at = Instant()
    updated_at = Instant()


class CreatedHook(Hook):
    """A hook whose secret parts were just made."""

    path = fields.String(
        allow_none=True,
        metadata={
            "description": "Path of the URL for deliveries, which is a secret; shown only once. Null = unchanged"
        },
    )
    secret = fields.String(
        allow_none=True, metadata={"description": "Secret of the sender; shown only once. Null = unchanged"}
    )


class HookCollection(Answer):
    """A page of hooks."""

    hooks = fields.List(fields.Nested(Hook), metadata={"description": "Hooks of the page"})
    total_entries = fields.Integer()


class HookDelivery(Answer):
    """A delivery to a hook."""

    received_at = Instant(metadata={"description": "Instant at which the delivery came"})
    delivery_id = fields.String(allow_none=True, metadata={"description": "Id that the sender gave; null = none"})
    outcome = Choice(DeliveryOutcome, metadata={"description": "What became of the delivery"})
    status = fields.Integer(metadata={"description": "HTTP status of the answer"})
    dag_run_id = fields.String(
        allow_none=True, metadata={"description": "Run that this, or the first such delivery started; null = none"}
    )
    message = fields.String(allow_none=True, metadata={"description": "Why no run was started; null = one was"})


class HookDeliveryCollection(Answer):
    """The latest deliveries of a hook, latest first."""

    deliveries = fields.List(fields.Nested(HookDelivery), metadata={"description": f"At most {DELIVERIES_KEPT}"})


class HookBody(Body):
    """A hook to be created."""

    name = fields.String(required=True, validate=_NAME, metadata={"description": "Name of the hook"})
    dag_id = fields.String(required=True, metadata={"description": "DAG whose runs the hook starts"})
    kind = Choice(HookKind, required=True, metadata=_KIND)
    secret = fields.String(load_default=None, allow_none=True, metadata=_SECRET)
    conf = fields.String(load_default=None, allow_none=True, metadata=_CONF)
    filter = fields.String(load_default=None, allow_none=True, metadata=_FILTER)
    description = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=10_000))
    is_enabled = fields.Boolean(
        load_default=True, metadata={"description": "False = deliveries are answered as for an unknown hook"}
    )


class HookPatch(Body):
    """What is to be changed of a hook."""

    name = fields.String(validate=_NAME, metadata={"description": "Name of the hook"})
    conf = fields.String(allow_none=True, metadata=_CONF)
    filter = fields.String(allow_none=True, metadata=_FILTER)
    description = fields.String(allow_none=True, validate=validate.Length(max=10_000))
    is_enabled = fields.Boolean(metadata={"description": "False = deliveries are answered as for an unknown hook"})


class HookRotation(Body):
    """Which secret parts of a hook are replaced."""

    url = fields.Boolean(load_default=False, metadata={"description": "Replace the secret part of the URL"})
    secret = fields.Boolean(load_default=True, metadata={"description": "Replace the secret of the sender"})
    new_secret = fields.String(load_default=None, allow_none=True, metadata=_SECRET)
    grace_seconds = fields.Integer(
        load_default=0,
        validate=validate.Range(min=0, max=GRACE_SECONDS_MAX),
        metadata={"description": "For how long the replaced parts stay valid, in seconds"},
    )


HookList = list_arguments("HookList", questions.HOOKS)


@blueprint.operation(
    "GET",
    "/hooks",
    "get_hooks",
    role=Role.AUTHOR,
    over=Over.DAGS,
    answer=HookCollection,
    query=HookList,
    errors=(400,),
)
def get_hooks(query: Mapping[str, Any]) -> Response:
    """List the hooks of the DAGs on which the caller is an author."""
    seen = g.user.dags_with(Role.AUTHOR)
    listed = questions.list_hooks(context().database, replace(list_query(query), seen=seen))
    return list_answer(query, {"hooks": [_body(row) for row in listed.rows], "total_entries": listed.total})


@blueprint.operation(
    "POST",
    "/hooks",
    "post_hook",
    role=Role.AUTHOR,
    over=Over.DAGS,
    answer=CreatedHook,
    status=201,
    body=HookBody,
    errors=(404,),
    contains_secret=True,
)
def post_hook(body: Mapping[str, Any]) -> Response:
    """Create a hook. Its runs start with the rights that the caller has at each delivery.

    The answer has the path of the URL and the secret, once.
    """
    ctx = context()
    audit_detail(dag_id=body["dag_id"], hook_name=body["name"])
    require_role_on(body["dag_id"], Role.AUTHOR)
    _check_expressions(body)
    kind = HookKind(body["kind"])
    secret = _checked_secret(kind, body["secret"], "/secret") or new_hook_secret(kind)
    url_part = _new_url_part()
    new = NewHook(
        name=body["name"],
        dag_id=body["dag_id"],
        principal_id=g.user.id,
        kind=kind,
        url_part=url_part,
        secret=secret,
        conf=body["conf"],
        filter=body["filter"],
        description=body["description"],
        is_enabled=body["is_enabled"],
    )
    hook_id = create_hook(ctx.database, ctx.key_ring, new, now=datetime.now(UTC))
    return answer(_with_secrets(questions.get_hook(ctx.database, hook_id), url_part, secret), 201)


@blueprint.operation(
    "GET", "/hooks/<hook_id>", "get_hook", role=Role.AUTHOR, over=Over.DAGS, answer=Hook, errors=(404,)
)
def get_hook(hook_id: str) -> Response:
    """One hook."""
    return answer(_body(_own_hook(hook_id)))


@blueprint.operation(
    "PATCH",
    "/hooks/<hook_id>",
    "patch_hook",
    role=Role.AUTHOR,
    over=Over.DAGS,
    answer=Hook,
    body=HookPatch,
    errors=(404, 409),
)
def patch_hook(body: Mapping[str, Any], hook_id: str) -> Response:
    """Change a hook, or disable it. The owner of the hook stays."""
    row = _own_hook(hook_id)
    audit_detail(dag_id=row["dag_id"])
    _check_expressions(body)
    change_hook(context().database, hook_id, body, now=datetime.now(UTC))
    return answer(_body(questions.get_hook(context().database, hook_id)))


@blueprint.operation(
    "DELETE",
    "/hooks/<hook_id>",
    "delete_hook",
    role=Role.AUTHOR,
    over=Over.DAGS,
    answer=None,
    status=204,
    errors=(404,),
)
def remove_hook(hook_id: str) -> Response:
    """Delete a hook with its deliveries. Its runs stay."""
    audit_detail(dag_id=_own_hook(hook_id)["dag_id"])
    delete_hook(context().database, hook_id)
    return no_content()


@blueprint.operation(
    "POST",
    "/hooks/<hook_id>/rotate",
    "rotate_hook",
    role=Role.AUTHOR,
    over=Over.DAGS,
    answer=CreatedHook,
    body=HookRotation,
    errors=(404,),
    contains_secret=True,
)
def rotate(body: Mapping[str, Any], hook_id: str) -> Response:
    """Replace the secret, the secret part of the URL, or both. The answer has the new parts, once."""
    ctx = context()
    row = _own_hook(hook_id)
    audit_detail(dag_id=row["dag_id"])
    if not body["url"] and not body["secret"]:
        raise _invalid("/secret", "is false, and `url` too; one of them must be replaced")
    if body["new_secret"] is not None and not body["secret"]:
        raise _invalid("/new_secret", "must not be given where `secret` is false")
    kind = HookKind(row["kind"])
    given = _checked_secret(kind, body["new_secret"], "/new_secret")
    secret = (given or new_hook_secret(kind)) if body["secret"] else None
    url_part = _new_url_part() if body["url"] else None
    now = datetime.now(UTC)
    until = now + timedelta(seconds=body["grace_seconds"])
    rotate_hook(
        ctx.database, ctx.key_ring, hook_id, Rotation(url_part=url_part, secret=secret, previous_until=until), now=now
    )
    return answer(_with_secrets(questions.get_hook(ctx.database, hook_id), url_part, secret))


@blueprint.operation(
    "GET",
    "/hooks/<hook_id>/deliveries",
    "get_hook_deliveries",
    role=Role.AUTHOR,
    over=Over.DAGS,
    answer=HookDeliveryCollection,
    errors=(404,),
)
def get_hook_deliveries(hook_id: str) -> Response:
    """The latest deliveries of a hook, latest first."""
    _own_hook(hook_id)
    rows = questions.list_deliveries(context().database, hook_id)
    return answer({"deliveries": [_delivery(row) for row in rows[:DELIVERIES_KEPT]]})


def _own_hook(hook_id: str) -> dict[str, Any]:
    """A hook of a DAG on which the caller is an author.

    Raises:
        NotFound: There is no such hook, or the caller does not see its DAG. Forbidden: The caller is no author.
    """
    row = questions.get_hook(context().database, hook_id)
    try:
        require_role_on(row["dag_id"], Role.AUTHOR)
    except NotFound as exc:
        raise hook_not_found(hook_id) from exc
    return row


def _check_expressions(body: Mapping[str, Any]) -> None:
    """Raises InvalidInput with the faults of `conf` and `filter`."""
    problems = []
    for member in ("conf", "filter"):
        if body.get(member) is None:
            continue
        try:
            problem = Expression(body[member], roots=HOOK_ROOTS).check()
        except InvalidInput as exc:
            problems += [replace(each, pointer=f"/{member}") for each in exc.problems]
        else:
            problems += [] if problem is None else [replace(problem, pointer=f"/{member}")]
    if problems:
        raise InvalidInput(problems)


def _checked_secret(kind: HookKind, secret: str | None, pointer: str) -> str | None:
    if secret is not None and not is_hook_secret(kind, secret):
        spelling = "`whsec_` and base64 of at least 16 bytes" if kind is HookKind.STANDARD else "printable ASCII"
        raise _invalid(pointer, f"must have 16 to 500 characters: {spelling}, without spaces")
    return secret


def _new_url_part() -> str:
    return f"mh_{secrets.token_urlsafe(32)}"


def _invalid(pointer: str, message: str) -> InvalidInput:
    return InvalidInput([Problem(pointer=pointer, message=message, code="invalid_value")])


def _with_secrets(row: Mapping[str, Any], url_part: str | None, secret: str | None) -> dict[str, Any]:
    return {**_body(row), "path": None if url_part is None else _PATH + url_part, "secret": secret}


def _body(row: Mapping[str, Any]) -> dict[str, Any]:
    until: datetime | None = row["previous_until"]
    return {
        "id": row["id"],
        "name": row["name"],
        "dag_id": row["dag_id"],
        "kind": row["kind"],
        "conf": row["conf"],
        "filter": row["filter"],
        "description": row["description"],
        "is_enabled": row["is_enabled"],
        "owner": row["owner"],
        "previous_until": until if until is not None and until > datetime.now(UTC) else None,
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
    }


def _delivery(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "received_at": row["received_at"],
        "delivery_id": row["delivery_id"],
        "outcome": row["outcome"],
        "status": row["status"],
        "dag_run_id": row["run_id"],
        "message": row["message"],
    }
