"""Connections: addresses with credentials, which Airflow's clients keep on a server."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from marshmallow import ValidationError, fields, validate

from mainspring_api.http.context import context
from mainspring_api.http.fields import Answer, Body, list_arguments
from mainspring_api.http.named_resource import Named, register_named
from mainspring_api.http.operations import Resource
from mainspring_api.http.owners import current_owner
from mainspring_store.access.roles import Role
from mainspring_store.queries import connections as questions
from mainspring_store.resources.conflict_policy import OnAbsence, OnExistence
from mainspring_store.resources.connections import SEALED, change_connections, create_connections, delete_connections
from mainspring_store.resources.row_locks import lock_connection

__all__ = ["blueprint"]

blueprint = Resource("connections", "Connections: addresses with credentials, written and never read back")

MASK = "***"
"""Stands for a stored secret member. Sent back in a change, the placeholder leaves the member unchanged."""

_ID = validate.Regexp(
    r"[A-Za-z0-9_.()\[\]/\\-]{1,200}\Z", error="must be 1 to 200 of the characters A-Z a-z 0-9 _ . ( ) [ ] / \\ -"
)
_TEXT = validate.Length(max=10_000)
_PORT = validate.Range(min=0, max=65_535)
_NO_TEAM = validate.Equal(None, error="there are no teams here; leave it out")
_NOT_MASK = validate.NoneOf([MASK], error="is the mask of a value that cannot be read back; send the value itself")
_SECRET = {"description": f"Write-only value; answered as {MASK} when set"}


def _is_object(text: str) -> None:
    """Raises ValidationError unless `extra` is empty or the text of a JSON object. The mask of one passes."""
    try:
        if text in ("", MASK) or isinstance(orjson.loads(text), dict):
            return
    except orjson.JSONDecodeError:
        pass
    raise ValidationError("must be the text of a JSON object")


class Connection(Answer):
    """A connection."""

    connection_id = fields.String()
    conn_type = fields.String()
    description = fields.String(allow_none=True)
    host = fields.String(allow_none=True)
    login = fields.String(allow_none=True)
    schema = fields.String(allow_none=True)
    port = fields.Integer(allow_none=True)
    password = fields.String(allow_none=True, metadata=_SECRET)
    extra = fields.String(allow_none=True, metadata=_SECRET)
    team_name = fields.String(allow_none=True)


class ConnectionCollection(Answer):
    """A page of connections."""

    connections = fields.List(fields.Nested(Connection))
    total_entries = fields.Integer()


class ConnectionPatchBody(Body):
    """What is to be changed of a connection."""

    connection_id = fields.String(
        metadata={"description": "Identifier of the connection; the identifier in the path, or absent"}
    )
    conn_type = fields.String(validate=validate.Length(min=1, max=500))
    description = fields.String(allow_none=True, validate=_TEXT)
    host = fields.String(allow_none=True, validate=_TEXT)
    login = fields.String(allow_none=True, validate=_TEXT)
    schema = fields.String(allow_none=True, validate=_TEXT)
    port = fields.Integer(allow_none=True, strict=True, validate=_PORT)
    password = fields.String(allow_none=True, validate=_TEXT, metadata=_SECRET)
    extra = fields.String(allow_none=True, validate=[_TEXT, _is_object], metadata=_SECRET)
    team_name = fields.String(allow_none=True, validate=_NO_TEAM)


class BulkConnection(ConnectionPatchBody):
    """A connection in a bulk update."""

    connection_id = fields.String(required=True)


class ConnectionBody(ConnectionPatchBody):
    """A connection to be created."""

    connection_id = fields.String(required=True, validate=_ID)
    conn_type = fields.String(required=True, validate=validate.Length(min=1, max=500))
    password = fields.String(allow_none=True, validate=[_TEXT, _NOT_MASK], metadata=_SECRET)
    extra = fields.String(allow_none=True, validate=[_TEXT, _is_object, _NOT_MASK], metadata=_SECRET)


_COLUMNS = ("conn_type", "description", "host", "login", "schema", "port", *SEALED)


def _create(bodies: Sequence[Mapping[str, Any]], on_existence: OnExistence) -> list[str]:
    ctx = context()
    rows = [{name: body[name] for name in ("connection_id", *_COLUMNS) if name in body} for body in bodies]
    return create_connections(
        ctx.database,
        ctx.key_ring,
        rows,
        owner=current_owner(),
        now=datetime.now(UTC),
        on_existence=on_existence,
    )


def _update(changes: Mapping[str, Mapping[str, Any]], on_absence: OnAbsence) -> list[str]:
    ctx = context()
    rows = {
        connection_id: {
            name: change[name] for name in _COLUMNS if name in change and not (name in SEALED and change[name] == MASK)
        }
        for connection_id, change in changes.items()
    }
    return change_connections(ctx.database, ctx.key_ring, rows, now=datetime.now(UTC), on_absence=on_absence)


def _delete(ids: Sequence[str], on_absence: OnAbsence) -> list[str]:
    return delete_connections(context().database, ids, on_absence=on_absence)


def _connection(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **{name: row[name] for name in ("connection_id", *_COLUMNS) if name not in SEALED},
        **{name: MASK if name in row["sealed"] else None for name in SEALED},
        "team_name": None,
    }


register_named(
    blueprint,
    Named(
        singular="connection",
        plural="connections",
        path_part="<path:connection_id>",
        name_field="connection_id",
        patch_name_field="connection_id",
        reader=Role.AUTHOR,
        answer=Connection,
        collection=ConnectionCollection,
        list_arguments=list_arguments("ConnectionList", questions.CONNECTIONS),
        body=ConnectionBody,
        patch_body=ConnectionPatchBody,
        bulk_patch=BulkConnection,
        find=lambda connection_id: questions.get_connection(context().database, connection_id),
        page=lambda query: questions.list_connections(context().database, query),
        show=_connection,
        create=_create,
        update=_update,
        delete=_delete,
        lock=lock_connection,
        # The instant stands for the secret members.
        state=lambda row: {**_connection(row), "updated_at": row["updated_at"]},
    ),
)
