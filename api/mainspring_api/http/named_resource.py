"""Resources with a name that the user chooses: the operations that pools, variables and connections share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response
from marshmallow import Schema
from sqlalchemy import Connection

from mainspring.errors import Problem
from mainspring_api.http.answers import answer, dump, no_content
from mainspring_api.http.bulk import Actions, BulkAnswer, BulkBody, chosen, run_bulk
from mainspring_api.http.fields import UpdateMask, list_query
from mainspring_api.http.operations import Resource
from mainspring_api.http.paging import list_answer
from mainspring_api.http.preconditions import CurrentState, Guard, with_entity_tag
from mainspring_api.http.problems import BadRequest
from mainspring_store.access.roles import Role
from mainspring_store.queries.listing import Listed, ListQuery
from mainspring_store.resources.conflict_policy import OnAbsence, OnExistence

__all__ = ["Named", "register_named"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Named:
    """One kind of such things. Its functions use the context of the request."""

    singular: str
    plural: str
    path_part: str
    """The name in a path, as a rule of Flask."""
    name_field: str
    """Name of the member with the entity's name."""
    patch_name_field: str
    """The same in the body of a PATCH."""
    reader: Role
    answer: type[Schema]
    collection: type[Schema]
    """Holds a page under `plural`."""
    list_arguments: type[Schema]
    body: type[Schema]
    patch_body: type[Schema]
    bulk_patch: type[Schema]
    """As `patch_body`, with the `name_field`."""
    find: Callable[[str], Mapping[str, Any]]
    page: Callable[[ListQuery], Listed]
    show: Callable[[Mapping[str, Any]], dict[str, Any]]
    """From a row to what is answered."""
    create: Callable[[Sequence[Mapping[str, Any]], OnExistence], list[str]]
    update: Callable[[Mapping[str, Mapping[str, Any]], OnAbsence], list[str]]
    delete: Callable[[Sequence[str], OnAbsence], list[str]]
    check_change: Callable[[str, Mapping[str, Any]], None] = lambda name, changes: None
    check_delete: Callable[[str], None] = lambda name: None
    """Names that Airflow refuses with 400 in the path of a single entity."""
    lock: Callable[[Connection, str], None]
    """Locks the row of a name for a conditional write."""
    state: Callable[[Mapping[str, Any]], dict[str, Any]] | None = None
    """From a row to what clients change, where the answer holds counts or leaves out secret members. The entity tag
    follows from this state; `None` = from the answer."""
    about_change: str = ""
    about_delete: str = ""
    """What else the document says."""

    @property
    def one(self) -> str:
        return f"/{self.plural}/{self.path_part}"

    @property
    def guard(self) -> Guard:
        """The check of `If-Match`."""
        return Guard(
            subject=self.singular,
            lock=lambda connection, **path: self.lock(connection, _name(path)),
            state=lambda **path: CurrentState(bodies=[self.tagged(self.find(_name(path)))]),
        )

    def tagged(self, row: Mapping[str, Any]) -> bytes:
        """What the entity tag of an entity follows from."""
        return dump((self.state or self.show)(row))

    def answer_of(self, row: Mapping[str, Any], status: int = 200) -> Response:
        """The answer about one entity, with its entity tag."""
        return with_entity_tag(answer(self.show(row), status), self.tagged(row))

    @property
    def actions(self) -> Actions:
        return Actions(
            name_field=self.name_field,
            entity=self.body(),
            patch=self.bulk_patch(),
            create=self.create,
            update=self.update,
            delete=self.delete,
        )


def register_named(blueprint: Resource, kind: Named) -> None:
    """Add the operations of a kind to its resource."""
    _register_reads(blueprint, kind)
    _register_create(blueprint, kind)
    _register_change(blueprint, kind)
    _register_delete(blueprint, kind)
    _register_bulk(blueprint, kind)


def _register_reads(blueprint: Resource, kind: Named) -> None:
    def list_them(query: Mapping[str, Any]) -> Response:
        listed = kind.page(list_query(query))
        return list_answer(query, {kind.plural: [kind.show(row) for row in listed.rows], "total_entries": listed.total})

    def get_one(**path: str) -> Response:
        return kind.answer_of(kind.find(_name(path)))

    list_them.__doc__ = f"List {kind.plural}."
    get_one.__doc__ = f"One {kind.singular}."
    blueprint.operation(
        "GET",
        f"/{kind.plural}",
        f"get_{kind.plural}",
        role=kind.reader,
        answer=kind.collection,
        query=kind.list_arguments,
        errors=(400,),
    )(list_them)
    blueprint.operation(
        "GET",
        kind.one,
        f"get_{kind.singular}",
        role=kind.reader,
        has_etag=kind.state is None,
        answer=kind.answer,
        errors=(404,),
    )(get_one)


def _register_create(blueprint: Resource, kind: Named) -> None:
    def create(body: Mapping[str, Any]) -> Response:
        kind.create([body], OnExistence.FAIL)
        return kind.answer_of(kind.find(body[kind.name_field]), 201)

    create.__doc__ = f"Create a {kind.singular}."
    blueprint.operation(
        "POST",
        f"/{kind.plural}",
        f"post_{kind.singular}",
        role=Role.AUTHOR,
        answer=kind.answer,
        status=201,
        body=kind.body,
        errors=(409,),
    )(create)


def _register_change(blueprint: Resource, kind: Named) -> None:
    def change(body: Mapping[str, Any], query: Mapping[str, Any], **path: str) -> Response:
        name = _name(path)
        names = {kind.patch_name_field, kind.name_field} & body.keys()
        for member in sorted(names):
            _check_same(kind, name, member, body[member])
        changes = chosen({member: body[member] for member in body.keys() - names}, query["update_mask"])
        kind.check_change(name, changes)
        kind.update({name: changes}, OnAbsence.FAIL)
        return kind.answer_of(kind.find(name))

    change.__doc__ = f"Change a {kind.singular}. {kind.about_change}".strip()
    blueprint.operation(
        "PATCH",
        kind.one,
        f"patch_{kind.singular}",
        role=Role.AUTHOR,
        answer=kind.answer,
        body=kind.patch_body,
        query=UpdateMask,
        errors=(400, 404, 409),
        guard=kind.guard,
    )(change)


def _register_delete(blueprint: Resource, kind: Named) -> None:
    def delete(**path: str) -> Response:
        kind.check_delete(_name(path))
        kind.delete([_name(path)], OnAbsence.FAIL)
        return no_content()

    delete.__doc__ = f"Delete a {kind.singular}. {kind.about_delete}".strip()
    blueprint.operation(
        "DELETE",
        kind.one,
        f"delete_{kind.singular}",
        role=Role.AUTHOR,
        answer=None,
        status=204,
        errors=(400, 404, 409),
        guard=kind.guard,
    )(delete)


def _register_bulk(blueprint: Resource, kind: Named) -> None:
    actions = kind.actions

    def bulk(body: Mapping[str, Any]) -> Response:
        return run_bulk(body, actions)

    bulk.__doc__ = f"Create, update and delete {kind.plural}. Each action is done whole or not at all."
    blueprint.operation(
        "PATCH", f"/{kind.plural}", f"bulk_{kind.plural}", role=Role.AUTHOR, answer=BulkAnswer, body=BulkBody
    )(bulk)


def _name(path: Mapping[str, str]) -> str:
    (name,) = path.values()
    return name


def _check_same(kind: Named, name: str, member: str, body_name: str | None) -> None:
    if body_name not in (None, name):
        message = f"'{body_name}' is not the name in the path, '{name}'; a {kind.singular} cannot be renamed"
        raise BadRequest([Problem(pointer=f"/{member}", message=message)])
