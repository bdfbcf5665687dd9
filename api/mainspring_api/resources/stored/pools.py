"""Pools: slots that tasks of all DAGs share."""

from collections.abc import Mapping, Sequence
from typing import Any

from marshmallow import fields, validate

from mainspring.errors import Problem
from mainspring_api.http.context import context
from mainspring_api.http.fields import Answer, Body, Flag, list_arguments
from mainspring_api.http.named_resource import Named, register_named
from mainspring_api.http.operations import Resource
from mainspring_api.http.problems import BadRequest
from mainspring_store.access.roles import Role
from mainspring_store.queries import pools as questions
from mainspring_store.resources.conflict_policy import OnAbsence, OnExistence
from mainspring_store.resources.pools import DEFAULT_POOL, NewPool, change_pools, create_pools, delete_pools
from mainspring_store.resources.row_locks import lock_pool

__all__ = ["blueprint"]

blueprint = Resource("pools", "Pools: slots that tasks of all DAGs share")

_NAME = validate.Regexp(
    r"[^\x00-\x1f]{1,250}\Z", error="must have 1 to 250 characters, none of them a control character"
)
_SLOTS = validate.Range(min=-1, max=2**31 - 1)
_DESCRIPTION = validate.Length(max=10_000)
_NO_TEAM = validate.Equal(None, error="there are no teams here; leave it out")
_UNLIMITED = {"description": "Number of slots; -1 = no limit"}


class Pool(Answer):
    """A pool, with its slots by state of their holders."""

    name = fields.String(metadata={"description": "Name of the pool"})
    slots = fields.Integer(metadata=_UNLIMITED)
    description = fields.String(
        allow_none=True, metadata={"description": "Purpose of the pool in a sentence; null = none"}
    )
    include_deferred = fields.Boolean(metadata={"description": "Whether deferred task instances hold their slots"})
    occupied_slots = fields.Integer(metadata={"description": "Slots that task instances hold"})
    running_slots = fields.Integer(metadata={"description": "Slots of running task instances"})
    queued_slots = fields.Integer(metadata={"description": "Slots of queued task instances"})
    scheduled_slots = fields.Integer(metadata={"description": "Slots that ready task instances wait for"})
    open_slots = fields.Integer(metadata={"description": "Free slots; -1 = no limit"})
    deferred_slots = fields.Integer(metadata={"description": "Slots of deferred task instances"})
    team_name = fields.String(allow_none=True)


class PoolCollection(Answer):
    """A page of pools."""

    pools = fields.List(fields.Nested(Pool))
    total_entries = fields.Integer()


class PoolBody(Body):
    """A pool to be created."""

    name = fields.String(required=True, validate=_NAME, metadata={"description": "Name of the pool"})
    slots = fields.Integer(required=True, strict=True, validate=_SLOTS, metadata=_UNLIMITED)
    description = fields.String(allow_none=True, validate=_DESCRIPTION)
    include_deferred = Flag(metadata={"default": False})
    team_name = fields.String(allow_none=True, validate=_NO_TEAM)


class PoolPatchBody(Body):
    """What is to be changed of a pool. Null counts as absent, except for the description, which null removes."""

    pool = fields.String(allow_none=True, metadata={"description": "Name of the pool; the name in the path, or absent"})
    name = fields.String(allow_none=True, metadata={"description": "The same as `pool`"})
    slots = fields.Integer(allow_none=True, strict=True, validate=_SLOTS, metadata=_UNLIMITED)
    description = fields.String(allow_none=True, validate=_DESCRIPTION)
    include_deferred = Flag(allow_none=True)
    team_name = fields.String(allow_none=True, validate=_NO_TEAM)


class BulkPool(PoolPatchBody):
    """A pool in a bulk update."""

    name = fields.String(required=True)


def _create(bodies: Sequence[Mapping[str, Any]], on_existence: OnExistence) -> list[str]:
    pools = [
        NewPool(
            name=body["name"],
            slots=body["slots"],
            description=body.get("description"),
            include_deferred=body.get("include_deferred", False),
        )
        for body in bodies
    ]
    written = create_pools(
        context().database, pools, on_existence=on_existence, overwritten=[body.keys() for body in bodies]
    )
    context().notifier.notify()
    return written


def _update(changes: Mapping[str, Mapping[str, Any]], on_absence: OnAbsence) -> list[str]:
    columns = {name: _columns(change) for name, change in changes.items()}
    changed = change_pools(context().database, columns, on_absence=on_absence)
    context().notifier.notify()
    return changed


def _delete(names: Sequence[str], on_absence: OnAbsence) -> list[str]:
    return delete_pools(context().database, names, on_absence=on_absence)


def _columns(change: Mapping[str, Any]) -> dict[str, Any]:
    """What of a patch is stored."""
    columns = ("slots", "description", "include_deferred")
    return {
        name: change[name] for name in columns if name in change and (change[name] is not None or name == "description")
    }


def _pool(row: Mapping[str, Any]) -> dict[str, Any]:
    occupied = row["running_slots"] + row["queued_slots"] + (row["deferred_slots"] if row["include_deferred"] else 0)
    return {
        "name": row["name"],
        "slots": row["slots"],
        "description": row["description"],
        "include_deferred": row["include_deferred"],
        "occupied_slots": occupied,
        "running_slots": row["running_slots"],
        "queued_slots": row["queued_slots"],
        "scheduled_slots": row["scheduled_slots"],
        "open_slots": -1 if row["slots"] < 0 else max(0, row["slots"] - occupied),
        "deferred_slots": row["deferred_slots"],
        "team_name": None,
    }


def _check_change(name: str, changes: Mapping[str, Any]) -> None:
    if name == DEFAULT_POOL and changes.keys() - {"slots", "include_deferred", "team_name"}:
        message = "Only slots and include_deferred can be modified on Default Pool"
        raise BadRequest([Problem(pointer="/description", message=message)])


def _check_delete(name: str) -> None:
    if name == DEFAULT_POOL:
        raise BadRequest([Problem(pointer="/pool_name", message="Default Pool can't be deleted")])


register_named(
    blueprint,
    Named(
        singular="pool",
        plural="pools",
        path_part="<path:pool_name>",
        name_field="name",
        patch_name_field="pool",
        reader=Role.VIEWER,
        answer=Pool,
        collection=PoolCollection,
        list_arguments=list_arguments("PoolList", questions.POOLS),
        body=PoolBody,
        patch_body=PoolPatchBody,
        bulk_patch=BulkPool,
        find=lambda name: questions.get_pool(context().database, name),
        page=lambda query: questions.list_pools(context().database, query),
        show=_pool,
        create=_create,
        update=_update,
        delete=_delete,
        lock=lock_pool,
        state=lambda row: {name: row[name] for name in ("name", "slots", "description", "include_deferred")},
        check_change=_check_change,
        check_delete=_check_delete,
        about_change="With fewer slots than are held nothing new starts until enough are free.",
        about_delete="Refused while unfinished task instances are in it or a DAG names it.",
    ),
)
