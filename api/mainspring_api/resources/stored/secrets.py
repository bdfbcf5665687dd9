"""Secrets: values that are written and never answered."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Response
from marshmallow import fields, validate

from mainspring.errors import InvalidInput, NotFound, Problem
from mainspring.ids import is_valid_id
from mainspring_api.http.answers import answer, dump, no_content
from mainspring_api.http.context import context
from mainspring_api.http.fields import Answer, Body, Instant, list_arguments, list_query
from mainspring_api.http.operations import Resource
from mainspring_api.http.owners import current_owner
from mainspring_api.http.paging import list_answer
from mainspring_api.http.preconditions import CurrentState, Guard, with_entity_tag
from mainspring_store.access.roles import Role
from mainspring_store.queries import secrets as questions
from mainspring_store.resources.row_locks import lock_secret
from mainspring_store.resources.secrets import delete_secret, put_secret

__all__ = ["blueprint"]

blueprint = Resource("secrets", "Secrets: values that tasks name and nobody can read back")

SECRET_CHARS_MAX = 64 * 1024


class Secret(Answer):
    """A secret, without its value."""

    name = fields.String(metadata={"description": "Name of the secret"})
    updated_at = Instant()


class SecretCollection(Answer):
    """A page of secrets."""

    secrets = fields.List(fields.Nested(Secret))
    total_entries = fields.Integer()


class SecretBody(Body):
    """The value of a secret."""

    value = fields.String(
        required=True, validate=validate.Length(max=SECRET_CHARS_MAX), metadata={"description": "Text of the secret"}
    )


SecretList = list_arguments("SecretList", questions.SECRETS)


@blueprint.operation(
    "GET", "/secrets", "get_secrets", role=Role.AUTHOR, answer=SecretCollection, query=SecretList, errors=(400,)
)
def get_secrets(query: Mapping[str, Any]) -> Response:
    """List the names of the secrets."""
    listed = questions.list_secrets(context().database, list_query(query))
    return list_answer(query, {"secrets": [_secret(row) for row in listed.rows], "total_entries": listed.total})


@blueprint.operation(
    "GET", "/secrets/<secret_name>", "get_secret", role=Role.AUTHOR, has_etag=True, answer=Secret, errors=(404,)
)
def get_secret(secret_name: str) -> Response:
    """One secret, without its value. Its `ETag` changes with the value."""
    return answer(_secret(questions.get_secret(context().database, secret_name)))


@blueprint.operation(
    "PUT",
    "/secrets/<secret_name>",
    "put_secret",
    role=Role.AUTHOR,
    answer=Secret,
    also={201: Secret},
    body=SecretBody,
    guard=Guard(
        subject="secret",
        lock=lambda connection, secret_name: lock_secret(connection, secret_name),
        state=lambda secret_name: _current_state(secret_name, may_be_absent=True),
    ),
)
def write_secret(body: Mapping[str, Any], secret_name: str) -> Response:
    """Create a secret (201) or change its value. Tries that start from now on get the new value."""
    if not is_valid_id(secret_name):
        message = "the name of a secret has 1 to 250 of the characters A-Z a-z 0-9 _ . -, and is not '.' or '..'"
        raise InvalidInput([Problem(pointer="/secret_name", message=message, code="invalid_id")])
    ctx = context()
    owner, now = current_owner(), datetime.now(UTC)
    is_new = put_secret(ctx.database, ctx.key_ring, secret_name, body["value"], owner=owner, now=now)
    secret = _secret(questions.get_secret(ctx.database, secret_name))
    return with_entity_tag(answer(secret, 201 if is_new else 200), dump(secret))


@blueprint.operation(
    "DELETE",
    "/secrets/<secret_name>",
    "delete_secret",
    role=Role.AUTHOR,
    answer=None,
    status=204,
    errors=(404,),
    guard=Guard(
        subject="secret",
        lock=lambda connection, secret_name: lock_secret(connection, secret_name),
        state=lambda secret_name: _current_state(secret_name),
    ),
)
def remove_secret(secret_name: str) -> Response:
    """Delete a secret. A task that names it fails from now on, with the reason `secret_missing`."""
    delete_secret(context().database, secret_name)
    return no_content()


def _current_state(name: str, *, may_be_absent: bool = False) -> CurrentState:
    """Raises NotFound for an unknown secret, unless it may be absent."""
    try:
        return CurrentState(bodies=[dump(_secret(questions.get_secret(context().database, name)))])
    except NotFound:
        if may_be_absent:
            return CurrentState(bodies=[])
        raise


def _secret(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": row["name"], "updated_at": row["updated_at"]}
