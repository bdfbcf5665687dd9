"""Operations of the API: routes with their roles, schemas and errors, for Flask and for the document."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import partial, wraps
from typing import Any, Concatenate, ParamSpec

from flask import Response, request
from flask_smorest import Blueprint
from marshmallow import Schema, ValidationError
from marshmallow.fields import List
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from mainspring.definition import load_json
from mainspring.errors import InvalidInput, Problem
from mainspring.pointers import join_pointer
from mainspring_api.http.idempotency import idempotent
from mainspring_api.http.permissions import Over, Permission
from mainspring_api.http.preconditions import Guard, conditional, refuse_preconditions
from mainspring_api.http.problems import TITLES, InvalidQuery
from mainspring_api.settings import BODY_BYTES_MAX
from mainspring_store.access.roles import Role

__all__ = ["Operation", "Register", "Resource", "load", "load_query", "read_body"]

BODY_DEPTH_MAX = 50
BODY_NODES_MAX = 200_000
JSON = "application/json"
_WRITING_METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_SUCCESSES = {200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 302: "Found"}

View = Callable[..., Response]
Register = Callable[[View], View]
_P = ParamSpec("_P")


@dataclass(frozen=True, slots=True)
class Operation:
    """A route with access, schemas and errors: the one source of Flask's rule and of the document."""

    method: str
    rule: str
    """Path in Flask's spelling, after the prefix of the resource."""
    operation_id: str
    _: KW_ONLY
    role: Role | None
    """Role of the caller; `None` = every caller, which `PUBLIC_OPERATIONS` must allow too."""
    answer: type[Schema] | Mapping[str, Any] | None
    """Schema of the JSON in a successful answer; `None` = an answer without a body."""
    over: Over | None = None
    """Object of the role; `None` = the DAG of the path, and everything for a path without a DAG."""
    status: int = 200
    query: type[Schema] | None = None
    body: type[Schema] | None = None
    body_content: Mapping[str, Any] | None = None
    """Document of a body that the view reads by itself, by media type."""
    body_bytes_max: int = BODY_BYTES_MAX
    errors: Sequence[int] = ()
    """Statuses of errors that no other member implies."""
    also: Mapping[int, type[Schema]] | None = None
    """Further successful answers, by status."""
    other_media: Mapping[str, Any] | None = None
    """Documents of `status` in further media types."""
    contains_secret: bool = False
    """Whether the answer holds a secret."""
    has_etag: bool = False
    """Whether `If-None-Match` with the `ETag` of the answer gets 304."""
    reads_preconditions: bool = False
    """Whether the view checks `If-Match` and `If-None-Match` by itself."""
    follow: Callable[[Response], Response] | None = None
    """Makes the answer from that of the view, or from the stored answer of an earlier request with the idempotency key.
    Runs after the commit."""
    guard: Guard | None = None
    """The state that `If-Match` and `If-None-Match` are held against before the view; `None` without
    `reads_preconditions` = the operation refuses these headers."""

    @property
    def permission(self) -> Permission | None:
        return None if self.role is None else Permission(role=self.role, over=self.over or _scope(self.rule))

    @property
    def error_statuses(self) -> Sequence[int]:
        """Statuses of all errors, ascending."""
        statuses = {429, 503, *self.errors}
        if self.role is not None:
            statuses |= {401, 403}
        if _scope(self.rule) is Over.DAG:
            # A DAG that the caller does not see is answered like a DAG that does not exist.
            statuses.add(404)
        if self.body is not None or self.body_content is not None:
            statuses |= {413, 415, 422}
        if self.query is not None:
            statuses.add(422)
        if self.method == "POST":
            statuses |= {409, 422}
        if self.method in _WRITING_METHODS:
            statuses.add(412)
        return sorted(statuses)

    @property
    def documented(self) -> dict[str, Any]:
        """Members of the OpenAPI operation that flask-smorest does not derive."""
        members: dict[str, Any] = {"operationId": self.operation_id}
        if self.role is None:
            members["security"] = []
        if self.body_content is not None:
            members["requestBody"] = {"required": True, "content": dict(self.body_content)}
        responses: dict[int, Any] = {}
        if self.other_media is not None:
            responses[self.status] = {"content": dict(self.other_media)}
        if self.has_etag:
            responses[304] = {"description": "The caller has the answer: `If-None-Match` names its `ETag`"}
        return {**members, "responses": responses} if responses else members


def _registering(make: Callable[_P, Operation]) -> Callable[Concatenate["Resource", _P], Register]:
    """A method with the parameters of `Operation` that returns the decorator of the view."""

    def method(resource: "Resource", /, *args: _P.args, **kwargs: _P.kwargs) -> Register:
        return partial(resource.register_operation, make(*args, **kwargs))

    return method


class Resource(Blueprint):  # type: ignore[misc]  # flask-smorest has no types
    """The operations of one resource, under `/api/v2`."""

    def __init__(
        self, name: str, description: str, *, tag: str | None = None, url_prefix: str | None = "/api/v2"
    ) -> None:
        """tag: name of the resource whose section of the document shows the operations; `None` = this resource."""
        super().__init__(name, __name__, url_prefix=url_prefix, description=description)
        self.tag = tag or name

    operation = _registering(Operation)
    """Decorator of a view. The view gets the loaded body, the loaded query, and the parts of the path by name."""

    def register_operation(self, operation: Operation, view: View) -> View:
        loaded = _loading(view, operation)
        if operation.method == "POST":
            loaded = idempotent(loaded, contains_secret=operation.contains_secret)
        if operation.follow is not None:
            loaded = _followed(loaded, operation.follow)
        documented = self._with_answers(view, operation)
        documented = self._with_arguments(documented, operation.query, operation.body)
        members = {**operation.documented, "description": _description(view, operation.permission)}
        # Flask gets the bare view: the wrappers of flask-smorest serve the document alone.
        loaded._apidoc = self.doc(**members)(documented)._apidoc
        loaded.permission = operation.permission
        loaded.has_etag = operation.has_etag
        loaded.body_bytes_max = operation.body_bytes_max
        self.add_url_rule(operation.rule, operation.operation_id, loaded, methods=[operation.method], tags=[self.tag])
        return view

    def _with_answers(self, view: Any, operation: Operation) -> Any:
        for status, schema in {operation.status: operation.answer, **(operation.also or {})}.items():
            view = self.response(status, schema, description=_SUCCESSES[status])(view)
        for status in operation.error_statuses:
            view = self.alt_response(status, TITLES[status].replace(" ", ""))(view)
        return view

    def _with_arguments(self, view: Any, query: type[Schema] | None, body: type[Schema] | None) -> Any:
        if query is not None:
            view = self.arguments(query, location="query")(view)
        if body is not None:
            view = self.arguments(body)(view)
        # flask-smorest documents 422 too; `error_statuses` has 422 already.
        view._apidoc.get("arguments", {}).pop("responses", None)
        return view


def _description(view: View, permission: Permission | None) -> str:
    """What follows the summary in the docstring of a view, and who may call the operation."""
    _, _, text = inspect.cleandoc(view.__doc__ or "").partition("\n\n")
    access = "Needs no token." if permission is None else str(permission)
    return f"{text}\n\n{access}" if text else access


def _scope(rule: str) -> Over:
    return Over.DAG if "dag_id>" in rule or "backfill_id>" in rule else Over.ALL


def read_body(bytes_max: int, *media_types: str) -> bytes:
    """The body of the request.

    Raises:
        RequestEntityTooLarge: The body is longer than `bytes_max`.
        UnsupportedMediaType: The body has none of these media types.
    """
    if request.mimetype not in media_types:
        raise UnsupportedMediaType(
            f"a body of type '{request.mimetype[:100]}' is not read here; send {' or '.join(media_types)}"
        )
    data = request.get_data(cache=False)
    if len(data) > bytes_max:
        raise RequestEntityTooLarge
    return data


def load(schema: Schema, content: Any, at: str = "") -> Any:
    """The value of a body, or of the part of a body at the pointer `at`.

    Raises:
        InvalidInput: The content does not fit the schema.
    """
    try:
        return schema.load(content)
    except ValidationError as exc:
        raise InvalidInput(list(_problems(exc.messages, at))) from exc


def _loading(view: View, operation: Operation) -> Any:
    """The view as Flask calls it: with the loaded body and query before the parts of the path."""
    is_conditional = operation.reads_preconditions or operation.guard is not None
    refuses_states = operation.method in _WRITING_METHODS and not is_conditional
    checked = view if operation.guard is None else conditional(view, operation.guard)
    body = operation.body() if operation.body else None
    query = operation.query() if operation.query else None

    @wraps(view)
    def loaded(**path: Any) -> Response:
        if refuses_states:
            refuse_preconditions()
        arguments = []
        if body is not None:
            arguments.append(_load_body(body, operation.body_bytes_max))
        if query is not None:
            arguments.append(load_query(query))
        return checked(*arguments, **path)

    return loaded


def _followed(view: Any, follow: Callable[[Response], Response]) -> Any:
    @wraps(view)
    def followed(**path: Any) -> Response:
        return follow(view(**path))

    return followed


def _load_body(schema: Schema, bytes_max: int) -> Any:
    if request.content_length == 0 or (request.content_length is None and not request.mimetype):
        content: Any = {}
    else:
        data = read_body(bytes_max, JSON)
        content = load_json(data, bytes_max=bytes_max, depth_max=BODY_DEPTH_MAX, nodes_max=BODY_NODES_MAX)
    return load(schema, content)


def load_query(schema: Schema) -> Any:
    """The value of the query of the current request.

    Raises:
        InvalidQuery: The query does not fit the schema.
    """
    parameters: dict[str, Any] = {}
    for attribute, field in schema.load_fields.items():
        name = field.data_key or attribute
        values = [value for value in request.args.getlist(name) if value]
        if any("\0" in value for value in values):
            raise InvalidQuery([Problem(pointer=f"/{name}", message="must not hold a NUL", code="invalid_value")])
        if values:
            parameters[name] = values if isinstance(field, List) else values[-1]
    try:
        return schema.load(parameters)
    except ValidationError as exc:
        raise InvalidQuery(list(_problems(exc.messages, ""))) from exc


def _problems(messages: Any, pointer: str) -> Any:
    """marshmallow's nested messages as problems, in order."""
    if isinstance(messages, Mapping):
        for name, nested in messages.items():
            yield from _problems(nested, pointer if name == "_schema" else join_pointer(pointer, name))
        return
    for message in messages if isinstance(messages, list) else [messages]:
        if isinstance(message, Mapping):
            yield from _problems(message, pointer)
        else:
            yield Problem(pointer=pointer, message=str(message), code="invalid_value")
