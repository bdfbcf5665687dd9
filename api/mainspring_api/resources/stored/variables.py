"""Variables: values that expressions read as `vars.<key>`."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from marshmallow import fields, validate

from mainspring.errors import InvalidInput, Problem
from mainspring_api.http.context import context
from mainspring_api.http.fields import Answer, Body, JsonValue, list_arguments
from mainspring_api.http.named_resource import Named, register_named
from mainspring_api.http.operations import Resource
from mainspring_api.http.owners import current_owner
from mainspring_store.access.roles import Role
from mainspring_store.queries import variables as questions
from mainspring_store.resources.conflict_policy import OnAbsence, OnExistence
from mainspring_store.resources.row_locks import lock_variable
from mainspring_store.resources.variables import NewVariable, change_variables, create_variables, delete_variables

__all__ = ["blueprint"]

blueprint = Resource("variables", "Variables: values that expressions read as `vars.<key>`; no place for secrets")

VALUE_BYTES_MAX = 64 * 1024

_KEY = validate.Regexp(
    r"[^\x00-\x1f]{1,250}\Z", error="must have 1 to 250 characters, none of them a control character"
)
_DESCRIPTION = validate.Length(max=10_000)
_NO_TEAM = validate.Equal(None, error="there are no teams here; leave it out")
_VALUE = {"description": "Text of the variable; another JSON value is stored as its text"}


class Variable(Answer):
    """A variable."""

    key = fields.String(metadata={"description": "Name of the variable"})
    value = fields.String(metadata={"description": "Text of the variable"})
    description = fields.String(allow_none=True)
    is_encrypted = fields.Boolean(metadata={"description": "Always false: confidential text belongs in a secret"})
    team_name = fields.String(allow_none=True)


class VariableCollection(Answer):
    """A page of variables."""

    variables = fields.List(fields.Nested(Variable))
    total_entries = fields.Integer()


class VariableBody(Body):
    """A variable to be created."""

    key = fields.String(required=True, validate=_KEY, metadata={"description": "Name of the variable"})
    value = JsonValue(required=True, allow_none=True, metadata=_VALUE)
    description = fields.String(allow_none=True, validate=_DESCRIPTION)
    team_name = fields.String(allow_none=True, validate=_NO_TEAM)


class VariablePatchBody(Body):
    """What is to be changed of a variable."""

    key = fields.String(metadata={"description": "Name of the variable; the name in the path, or absent"})
    value = JsonValue(allow_none=True, metadata=_VALUE)
    description = fields.String(allow_none=True, validate=_DESCRIPTION)
    team_name = fields.String(allow_none=True, validate=_NO_TEAM)


class BulkVariable(VariablePatchBody):
    """A variable in a bulk update."""

    key = fields.String(required=True)


def _create(bodies: Sequence[Mapping[str, Any]], on_existence: OnExistence) -> list[str]:
    variables = [
        NewVariable(key=body["key"], value=_text(body["value"]), description=body.get("description")) for body in bodies
    ]
    return create_variables(
        context().database,
        variables,
        owner=current_owner(),
        now=datetime.now(UTC),
        on_existence=on_existence,
        overwritten=[body.keys() for body in bodies],
    )


def _update(changes: Mapping[str, Mapping[str, Any]], on_absence: OnAbsence) -> list[str]:
    columns = {key: _columns(change) for key, change in changes.items()}
    return change_variables(context().database, columns, now=datetime.now(UTC), on_absence=on_absence)


def _delete(keys: Sequence[str], on_absence: OnAbsence) -> list[str]:
    return delete_variables(context().database, keys, on_absence=on_absence)


def _columns(change: Mapping[str, Any]) -> dict[str, Any]:
    """What of a patch is stored."""
    columns = {name: change[name] for name in ("value", "description") if name in change}
    return columns | ({"value": _text(columns["value"])} if "value" in columns else {})


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > VALUE_BYTES_MAX:
        message = f"the value has {size} bytes; at most {VALUE_BYTES_MAX} are allowed"
        raise InvalidInput([Problem(pointer="/value", message=message, code="too_large")])
    return text


def _variable(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "key": row["key"],
        "value": row["value"],
        "description": row["description"],
        "is_encrypted": False,
        "team_name": None,
    }


register_named(
    blueprint,
    Named(
        singular="variable",
        plural="variables",
        path_part="<path:variable_key>",
        name_field="key",
        patch_name_field="key",
        reader=Role.VIEWER,
        answer=Variable,
        collection=VariableCollection,
        list_arguments=list_arguments("VariableList", questions.VARIABLES),
        body=VariableBody,
        patch_body=VariablePatchBody,
        bulk_patch=BulkVariable,
        find=lambda key: questions.get_variable(context().database, key),
        page=lambda query: questions.list_variables(context().database, query),
        show=_variable,
        create=_create,
        update=_update,
        delete=_delete,
        lock=lock_variable,
        about_change="Task instances that start from now on see the new value.",
        about_delete="A task whose expressions name it fails from now on, with the reason `expression_error`.",
    ),
)
