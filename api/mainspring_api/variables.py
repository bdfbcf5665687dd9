"""Variables: values that expressions read as `vars.<key>`."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from flask import Response
from marshmallow import fields, validate

from mainspring.errors import InvalidInput, Problem
from mainspring_api.answers import answer, no_content
from mainspring_api.bulk import Actions, BulkAnswer, BulkBody, chosen, run_bulk
from mainspring_api.context import context
from mainspring_api.fields import Answer, Body, JsonValue, UpdateMask, list_arguments, list_query
from mainspring_api.operations import Resource
from mainspring_api.problems import BadRequest
from mainspring_store.existence import OnAbsence, OnExistence
from mainspring_store.questions import variables as questions
from mainspring_store.tokens import Role
from mainspring_store.variables import NewVariable, change_variables, create_variables, delete_variables

__all__ = ["blueprint"]

blueprint = Resource("variables", "Variables: values that expressions read as `vars.<key>`; no place for secrets")

VALUE_BYTES_MAX = 64 * 1024

_KEY = validate.Regexp(
    r"[^\x00-\x1f]{1,250}\Z", error="must have 1 to 250 characters, none of them a control character"
)
_DESCRIPTION = validate.Length(max=10_000)
_NO_TEAM = validate.Equal(None, error="there are no teams here; leave it out")
_VALUE = {"description": "Text; any other JSON value is kept as its text"}


class Variable(Answer):
    """A variable."""

    key = fields.String()
    value = fields.String()
    description = fields.String(allow_none=True)
    is_encrypted = fields.Boolean(metadata={"description": "False: what must not be read belongs into a secret"})
    team_name = fields.String(allow_none=True)


class VariableCollection(Answer):
    """A page of variables."""

    variables = fields.List(fields.Nested(Variable))
    total_entries = fields.Integer()


class VariableBody(Body):
    """A variable to be created."""

    key = fields.String(required=True, validate=_KEY)
    value = JsonValue(required=True, allow_none=True, metadata=_VALUE)
    description = fields.String(allow_none=True, load_default=None, validate=_DESCRIPTION)
    team_name = fields.String(allow_none=True, validate=_NO_TEAM)


class VariablePatchBody(Body):
    """What is to be changed of a variable."""

    key = fields.String(metadata={"description": "The key in the path, if anything"})
    value = JsonValue(allow_none=True, metadata=_VALUE)
    description = fields.String(allow_none=True, validate=_DESCRIPTION)
    team_name = fields.String(allow_none=True, validate=_NO_TEAM)


class BulkVariable(VariablePatchBody):
    """A variable in a bulk update."""

    key = fields.String(required=True)


VariableList = list_arguments("VariableList", questions.VARIABLES)


@blueprint.operation(
    "GET",
    "/variables",
    "get_variables",
    role=Role.VIEWER,
    answer=VariableCollection,
    query=VariableList,
    errors=(400,),
)
def get_variables(query: Mapping[str, Any]) -> Response:
    """List variables."""
    listed = questions.list_variables(context().database, list_query(query))
    return answer({"variables": [_variable(row) for row in listed.rows], "total_entries": listed.total})


@blueprint.operation(
    "GET", "/variables/<path:variable_key>", "get_variable", role=Role.VIEWER, answer=Variable, errors=(404,)
)
def get_variable(variable_key: str) -> Response:
    """One variable."""
    return answer(_variable(questions.get_variable(context().database, variable_key)))


@blueprint.operation(
    "POST",
    "/variables",
    "post_variable",
    role=Role.AUTHOR,
    answer=Variable,
    status=201,
    body=VariableBody,
    errors=(409,),
)
def post_variable(body: Mapping[str, Any]) -> Response:
    """Create a variable."""
    _create([body], OnExistence.FAIL)
    return answer(_variable(questions.get_variable(context().database, body["key"])), 201)


@blueprint.operation(
    "PATCH",
    "/variables/<path:variable_key>",
    "patch_variable",
    role=Role.AUTHOR,
    answer=Variable,
    body=VariablePatchBody,
    query=UpdateMask,
    errors=(400, 404),
)
def patch_variable(body: Mapping[str, Any], query: Mapping[str, Any], variable_key: str) -> Response:
    """Change a variable. Task instances that start from now on see the new value."""
    if body.get("key", variable_key) != variable_key:
        message = f"'{body['key']}' is not the key in the path, '{variable_key}'; a variable cannot be renamed"
        raise BadRequest([Problem(pointer="/key", message=message)])
    _update({variable_key: chosen(body, query["update_mask"], "key")}, OnAbsence.FAIL)
    return answer(_variable(questions.get_variable(context().database, variable_key)))


@blueprint.operation(
    "DELETE",
    "/variables/<path:variable_key>",
    "delete_variable",
    role=Role.AUTHOR,
    answer=None,
    status=204,
    errors=(404,),
)
def delete_variable(variable_key: str) -> Response:
    """Delete a variable. A task whose expressions name it fails from now on, with the reason `expression_error`."""
    _delete([variable_key], OnAbsence.FAIL)
    return no_content()


@blueprint.operation("PATCH", "/variables", "bulk_variables", role=Role.AUTHOR, answer=BulkAnswer, body=BulkBody)
def bulk_variables(body: Mapping[str, Any]) -> Response:
    """Create, update and delete variables. Each action is done whole or not at all."""
    return run_bulk(body, _ACTIONS)


def _create(bodies: Any, on_existence: OnExistence) -> list[str]:
    variables = [
        NewVariable(key=body["key"], value=_text(body["value"]), description=body["description"]) for body in bodies
    ]
    return create_variables(context().database, variables, now=datetime.now(UTC), on_existence=on_existence)


def _update(changes: Mapping[str, Mapping[str, Any]], on_absence: OnAbsence) -> list[str]:
    told = {key: _columns(change) for key, change in changes.items()}
    return change_variables(context().database, told, now=datetime.now(UTC), on_absence=on_absence)


def _delete(keys: Any, on_absence: OnAbsence) -> list[str]:
    return delete_variables(context().database, keys, on_absence=on_absence)


_ACTIONS = Actions(
    name_field="key", entity=VariableBody(), patch=BulkVariable(), create=_create, update=_update, delete=_delete
)


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
