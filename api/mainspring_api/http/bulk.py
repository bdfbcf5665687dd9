"""Bulk requests: several actions in one body, executed in order, each atomic."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from flask import Response
from marshmallow import Schema, fields, validate

from mainspring.errors import Conflict, InvalidInput, NotFound, Problem, QuotaExceeded
from mainspring_api.http.answers import answer
from mainspring_api.http.authentication import Forbidden
from mainspring_api.http.fields import Answer, Body, JsonObject, JsonValue
from mainspring_api.http.operations import load
from mainspring_api.http.problems import BadRequest
from mainspring_store.database.key_ring import CannotOpen
from mainspring_store.resources.conflict_policy import OnAbsence, OnExistence

__all__ = ["Actions", "BulkAnswer", "BulkBody", "EachActions", "chosen", "run_bulk", "run_each"]

ENTITIES_MAX = 1_000
ACTIONS_MAX = 100


class _Kind(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


class BulkAction(Body):
    """One action."""

    action = fields.String(
        required=True, validate=validate.OneOf([*_Kind]), metadata={"description": "Kind of the action"}
    )
    entities = fields.List(
        JsonValue(),
        required=True,
        validate=validate.Length(max=ENTITIES_MAX),
        metadata={"description": "Objects to create or update; names or objects to delete"},
    )
    action_on_existence = fields.String(
        load_default=OnExistence.FAIL,
        validate=validate.OneOf([*OnExistence]),
        metadata={"description": "Treatment of an entity to create that exists"},
    )
    action_on_non_existence = fields.String(
        load_default=OnAbsence.FAIL,
        validate=validate.OneOf([*OnAbsence]),
        metadata={"description": "Treatment of an entity to update or delete that does not exist"},
    )
    update_mask = fields.List(
        fields.String(),
        allow_none=True,
        load_default=None,
        metadata={"description": "Members to update; null = all members of the entity"},
    )


class BulkBody(Body):
    """Actions, carried out in order."""

    actions = fields.List(
        fields.Nested(BulkAction),
        required=True,
        validate=validate.Length(max=ACTIONS_MAX),
        metadata={"description": "Actions, carried out in order"},
    )


class BulkResult(Answer):
    """Results of the actions of a kind."""

    success = fields.List(fields.String(), metadata={"description": "Names that were written or deleted"})
    errors = fields.List(JsonObject(), metadata={"description": "{error, status_code} of each action that failed"})


class BulkAnswer(Answer):
    """Results of the actions by kind; null = there was none of it."""

    create = fields.Nested(
        BulkResult, allow_none=True, metadata={"description": "Result of the actions `create`; null = none"}
    )
    update = fields.Nested(
        BulkResult, allow_none=True, metadata={"description": "Result of the actions `update`; null = none"}
    )
    delete = fields.Nested(
        BulkResult, allow_none=True, metadata={"description": "Result of the actions `delete`; null = none"}
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Actions:
    """How things of one kind are written. Each function returns the names of written entities."""

    name_field: str
    """Name of the member with the entity's name."""
    entity: Schema
    patch: Schema
    """Loads an entity of an update, of which every member but the name may be absent."""
    create: Callable[[Sequence[Mapping[str, Any]], OnExistence], list[str]]
    update: Callable[[Mapping[str, Mapping[str, Any]], OnAbsence], list[str]]
    """Called with name -> what is to be changed."""
    delete: Callable[[Sequence[str], OnAbsence], list[str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class EachActions:
    """Write functions for entities that are changed one by one, each in a separate transaction."""

    what: str
    """Their name, in the plural."""
    entity: Schema
    resolve: Callable[[Any], Mapping[str, Any]]
    """From a name, or a loaded entity, to a loaded entity with all the parts of its name.

    Raises BadRequest where one is `~` still, Forbidden and NotFound where it may not be touched."""
    find: Callable[[Mapping[str, Any]], object]
    """Raises NotFound when it does not exist."""
    update: Callable[[Mapping[str, Any], Sequence[str]], Sequence[str]]
    """Called with an entity and the update mask; returns the entity's name, or the parts of the name, for the
    response."""
    delete: Callable[[Mapping[str, Any]], Sequence[str]]


def run_each(body: Mapping[str, Any], actions: EachActions) -> Response:
    """Carry the actions out. 200 even when some fail: read `errors`. An action that requires all entities changes
    nothing when an entity is missing.

    Raises:
        InvalidInput: An entity is wrong; then nothing was done.
    """
    loaded = [_each_loaded(action, position, actions) for position, action in enumerate(body["actions"])]
    results: dict[str, Any] = dict.fromkeys(_Kind)
    for action, entities in zip(body["actions"], loaded, strict=True):
        kind = action["action"]
        result = results[kind] = results[kind] or {"success": [], "errors": []}
        if kind == _Kind.CREATE:
            result["errors"].append({"error": f"{actions.what} are not created in bulk", "status_code": 405})
        else:
            _carry_out_each(action, entities, actions, result)
    return answer({str(kind): result for kind, result in results.items()})


def _each_loaded(action: Mapping[str, Any], position: int, actions: EachActions) -> list[Any]:
    if action["action"] == _Kind.CREATE:
        return []
    at = f"/actions/{position}/entities"
    return [
        entity if isinstance(entity, str) and "\0" not in entity else load(actions.entity, entity, f"{at}/{index}")
        for index, entity in enumerate(action["entities"])
    ]


def _carry_out_each(
    action: Mapping[str, Any], entities: Sequence[Any], actions: EachActions, result: dict[str, Any]
) -> None:
    resolved_entities, is_any_missing = [], False
    for entity in entities:
        try:
            _check_says_something(action, entity)
            resolved = actions.resolve(entity)
            actions.find(resolved)
            resolved_entities.append(resolved)
        except NotFound as exc:
            if action["action_on_non_existence"] == OnAbsence.FAIL:
                is_any_missing = True
                result["errors"].append({"error": str(exc), "status_code": 404})
        except (BadRequest, Forbidden) as exc:
            result["errors"].append({"error": str(exc), "status_code": 403 if isinstance(exc, Forbidden) else 400})
    for resolved in () if is_any_missing else resolved_entities:
        try:
            if action["action"] == _Kind.UPDATE:
                result["success"] += actions.update(resolved, action["update_mask"] or ())
            else:
                result["success"] += actions.delete(resolved)
        except (Conflict, InvalidInput, NotFound) as exc:
            result["errors"].append({"error": str(exc), "status_code": _status(exc)})


def _check_says_something(action: Mapping[str, Any], entity: Any) -> None:
    """Raises BadRequest for a plain name where the body must hold the changes."""
    if action["action"] == _Kind.UPDATE and isinstance(entity, str):
        raise BadRequest([Problem(pointer="/entities", message=f"'{entity}' must be an object to be updated")])


def _status(error: Exception) -> int:
    statuses = ((NotFound, 404), ((CannotOpen, Conflict), 409), (QuotaExceeded, 403))
    return next((status for kinds, status in statuses if isinstance(error, kinds)), 422)


def run_bulk(body: Mapping[str, Any], actions: Actions) -> Response:
    """Carry the actions out. 200 even when some fail: read `errors`.

    Raises:
        InvalidInput: An entity is wrong; then nothing was done.
    """
    loaded = [_entities(action, position, actions) for position, action in enumerate(body["actions"])]
    results: dict[str, Any] = dict.fromkeys(_Kind)
    for action, entities in zip(body["actions"], loaded, strict=True):
        kind = action["action"]
        result = results[kind] = results[kind] or {"success": [], "errors": []}
        try:
            result["success"] += _carry_out(action, entities, actions)
        except (CannotOpen, Conflict, NotFound, QuotaExceeded) as exc:
            result["errors"].append({"error": str(exc), "status_code": _status(exc)})
    return answer({str(kind): result for kind, result in results.items()})


def chosen(
    fields_given: Mapping[str, Any], update_mask: Sequence[str] | None, name_field: str | None = None
) -> dict[str, Any]:
    """What a PATCH is to change: the given members, restricted to the mask if there is a mask."""
    return {
        name: value
        for name, value in fields_given.items()
        if name != name_field and (not update_mask or name in update_mask)
    }


def _entities(action: Mapping[str, Any], position: int, actions: Actions) -> list[Any]:
    at = f"/actions/{position}/entities"
    if action["action"] == _Kind.DELETE:
        return [_name(entity, f"{at}/{index}", actions) for index, entity in enumerate(action["entities"])]
    schema = actions.entity if action["action"] == _Kind.CREATE else actions.patch
    return [load(schema, entity, f"{at}/{index}") for index, entity in enumerate(action["entities"])]


def _name(entity: Any, at: str, actions: Actions) -> str:
    name = entity.get(actions.name_field) if isinstance(entity, Mapping) else entity
    if not isinstance(name, str) or "\0" in name:
        message = f"must be a name, or an object with '{actions.name_field}'"
        raise InvalidInput([Problem(pointer=at, message=message, code="invalid_value")])
    return name


def _carry_out(action: Mapping[str, Any], entities: Sequence[Any], actions: Actions) -> list[str]:
    on_absence = OnAbsence(action["action_on_non_existence"])
    match action["action"]:
        case _Kind.CREATE:
            return actions.create(entities, OnExistence(action["action_on_existence"]))
        case _Kind.UPDATE:
            name_field, mask = actions.name_field, action["update_mask"]
            changes = {entity[name_field]: chosen(entity, mask, name_field) for entity in entities}
            return actions.update(changes, on_absence)
    return actions.delete(entities, on_absence)
