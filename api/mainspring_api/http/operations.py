"""Operations: a view with its route, role, schemas and errors told in one place, once for Flask and the document."""

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any

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
from mainspring_api.http.preconditions import refuse_entity_tags
from mainspring_api.http.problems import TITLES, InvalidQuery
from mainspring_api.settings import BODY_BYTES_MAX
from mainspring_store.access.roles import Role

__all__ = ["Register", "Resource", "load", "read_body"]

BODY_DEPTH_MAX = 50
BODY_NODES_MAX = 200_000
JSON = "application/json"
_SUCCESSES = {200: "OK", 201: "Created", 204: "No Content"}

View = Callable[..., Response]
Register = Callable[[View], View]


class Resource(Blueprint):  # type: ignore[misc]  # flask-smorest has no types
    """The operations of one resource, under `/api/v2`."""

    def __init__(
        self, name: str, description: str, *, tag: str | None = None, url_prefix: str | None = "/api/v2"
    ) -> None:
        """tag: the resource that its operations are documented under, where that is another one."""
        super().__init__(name, __name__, url_prefix=url_prefix, description=description)
        self.tag = tag or name

    def operation(
        self,
        method: str,
        rule: str,
        operation_id: str,
        *,
        role: Role | None,
        over: Over | None = None,
        answer: type[Schema] | Mapping[str, Any] | None,
        status: int = 200,
        query: type[Schema] | None = None,
        body: type[Schema] | None = None,
        body_content: Mapping[str, Any] | None = None,
        body_bytes_max: int = BODY_BYTES_MAX,
        errors: Sequence[int] = (),
        also: Mapping[int, type[Schema]] | None = None,
        other_media: Mapping[str, Any] | None = None,
        contains_secret: bool = False,
        has_etag: bool = False,
        reads_if_match: bool = False,
    ) -> Register:
        """Register a view. It is called with the loaded body, then the loaded query, then the path's parts by name.

        answer: schema of the successful answer's JSON; `None` = it has no body.
        role: who may call it; `None` = everybody, which `PUBLIC_OPERATIONS` must allow too.
        over: what the role is needed on; `None` = the DAG of the path where there is one, else everything.
        body_content: document of a request body that the view reads by itself, by media type.
        errors: status codes beside those that follow from the other arguments.
        also: other successful answers. other_media: documents of `status` in other media types.
        tells_secret: the answer holds one. has_etag: a caller that has the answer already is told so by 304.
        reads_if_match: the view does; any other PUT is refused when `If-Match` names a state.
        """

        known_errors = {503, *errors}
        known_errors |= {401, 403, 429} if role is not None else {429}
        # Who does not see the DAG is told that there is none.
        known_errors |= {404} if _scope(rule) is Over.DAG else set()
        known_errors |= {413, 415, 422} if body is not None or body_content is not None else set()
        known_errors |= {422} if query is not None else set()
        known_errors |= {409, 422} if method == "POST" else set()
        known_errors |= {412} if method == "PUT" else set()
        manual: dict[str, Any] = {"operationId": operation_id}
        if role is None:
            manual["security"] = []
        if body_content is not None:
            manual["requestBody"] = {"required": True, "content": dict(body_content)}
        if other_media is not None:
            manual["responses"] = {status: {"content": dict(other_media)}}
        if has_etag:
            manual["responses"] = {304: {"description": "The caller has it: `If-None-Match` names its `ETag`"}}

        def register(view: View) -> View:
            has_no_state = method == "PUT" and not reads_if_match
            loaded = _loading(view, body() if body else None, query() if query else None, has_no_state=has_no_state)
            if method == "POST":
                loaded = idempotent(loaded, contains_secret=contains_secret)
            documented = self._with_answers(view, {status: answer, **(also or {})}, sorted(known_errors))
            documented = self._with_arguments(documented, query, body)
            # Flask gets the bare view: what flask-smorest's wrappers know is for the document alone.
            loaded._apidoc = self.doc(**manual)(documented)._apidoc
            loaded.permission = None if role is None else Permission(role=role, over=over or _scope(rule))
            loaded.has_etag = has_etag
            loaded.body_bytes_max = body_bytes_max
            self.add_url_rule(rule, operation_id, loaded, methods=[method], tags=[self.tag])
            return view

        return register

    def _with_answers(self, view: Any, answers: Mapping[int, Any], errors: Sequence[int]) -> Any:
        for status, schema in answers.items():
            view = self.response(status, schema, description=_SUCCESSES[status])(view)
        for status in errors:
            view = self.alt_response(status, TITLES[status].replace(" ", ""))(view)
        return view

    def _with_arguments(self, view: Any, query: type[Schema] | None, body: type[Schema] | None) -> Any:
        if query is not None:
            view = self.arguments(query, location="query")(view)
        if body is not None:
            view = self.arguments(body)(view)
        # It documents a 422 of its own, which stands among the errors already.
        view._apidoc.get("arguments", {}).pop("responses", None)
        return view


def _scope(rule: str) -> Over:
    return Over.DAG if "dag_id>" in rule or "backfill_id>" in rule else Over.ALL


def read_body(bytes_max: int, *media_types: str) -> bytes:
    """The request's body, when it has one of these media types.

    Raises:
        RequestEntityTooLarge: It is longer than `bytes_max`.
        UnsupportedMediaType: It has another type.
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
    """What a body, or the part of one at the pointer `at`, says.

    Raises:
        InvalidInput: it does not fit the schema.
    """
    try:
        return schema.load(content)
    except ValidationError as exc:
        raise InvalidInput(list(_problems(exc.messages, at))) from exc


def _loading(view: View, body: Schema | None, query: Schema | None, *, has_no_state: bool) -> Any:
    @wraps(view)
    def loaded(**path: Any) -> Response:
        if has_no_state:
            refuse_entity_tags()
        arguments = []
        if body is not None:
            arguments.append(_load_body(body))
        if query is not None:
            arguments.append(_load_query(query))
        return view(*arguments, **path)

    return loaded


def _load_body(schema: Schema) -> Any:
    if request.content_length == 0 or (request.content_length is None and not request.mimetype):
        content: Any = {}
    else:
        data = read_body(BODY_BYTES_MAX, JSON)
        content = load_json(data, bytes_max=BODY_BYTES_MAX, depth_max=BODY_DEPTH_MAX, nodes_max=BODY_NODES_MAX)
    return load(schema, content)


def _load_query(schema: Schema) -> Any:
    given: dict[str, Any] = {}
    for name, field in schema.load_fields.items():
        values = [value for value in request.args.getlist(name) if value]
        if any("\0" in value for value in values):
            raise InvalidQuery([Problem(pointer=f"/{name}", message="must not hold a NUL", code="invalid_value")])
        if values:
            given[name] = values if isinstance(field, List) else values[-1]
    try:
        return schema.load(given)
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
