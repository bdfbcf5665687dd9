"""Bases of schemas and the field types that marshmallow lacks.

`Answer` describes what we send; answers are built as plain dicts and never dumped through it, and the tests hold both
together. `Body` and `Query` check what we are sent.
"""

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from flask import g
from marshmallow import EXCLUDE, RAISE, Schema, ValidationError, fields, validate

from mainspring_store.queries.filters import Filter, Kind
from mainspring_store.queries.listing import Listing, ListQuery

__all__ = [
    "Answer",
    "Body",
    "Choice",
    "Flag",
    "Instant",
    "JsonObject",
    "JsonValue",
    "MapIndex",
    "Query",
    "UpdateMask",
    "list_arguments",
    "list_body",
    "list_query",
    "list_query_of_body",
]

LIMIT_DEFAULT = 50
LIMIT_MAX = 100
_INTEGER_MAX = 2**31 - 1
_NUMBER_MAX = 1e15


class Answer(Schema):
    """An object that we send. Every field is always there; a nullable field has `allow_none`."""

    class Meta:
        unknown = EXCLUDE

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        field_obj.required = True


class Body(Schema):
    """A JSON object that we are sent. Unknown members are errors."""

    class Meta:
        unknown = RAISE


class Query(Schema):
    """Query parameters. Unknown parameters are ignored, and an empty value counts as absent."""

    class Meta:
        unknown = EXCLUDE


class UpdateMask(Query):
    """Which members of a PATCH are applied: those named; none = all."""

    update_mask = fields.List(
        fields.String(), load_default=list, metadata={"description": "Members of the body to apply; absent = all"}
    )


class MapIndex(Query):
    """Which instance of a mapped task is meant."""

    map_index = fields.Integer(
        load_default=-1,
        validate=validate.Range(min=-1, max=_INTEGER_MAX),
        metadata={"description": "Position among the instances of a mapped task; -1 = not mapped"},
    )


class Choice(fields.String):
    """A value of an enum. The document shows the whole enum once, as a component."""

    def __init__(self, enum: type[StrEnum], *, only: Iterable[str] = (), **kwargs: Any) -> None:
        self.enum = enum
        self.values = tuple(only) or tuple(enum)
        super().__init__(validate=validate.OneOf(self.values), **kwargs)


class Flag(fields.Boolean):
    """True or false in a body; `1` and `"true"` are errors."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class Instant(fields.AwareDateTime):
    """An instant, UTC where no zone is given. Accepted are RFC 3339 and the further formats of `fromisoformat`.

    keeps_offset: the loaded instant has the offset that was sent; otherwise it is in UTC.
    """

    def __init__(self, *, keeps_offset: bool = False, **kwargs: Any) -> None:
        self.keeps_offset = keeps_offset
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        if not isinstance(value, str):
            raise ValidationError(f"{value!r:.60} is not an instant; write it as text, like 2026-01-31T08:00:00Z")
        try:
            instant = datetime.fromisoformat(_with_plus(value))
            in_utc = instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
            return instant if self.keeps_offset and instant.tzinfo is not None else in_utc
        except (ValueError, OverflowError) as exc:
            raise ValidationError(f"{value[:60]!r} is not an instant; write it like 2026-01-31T08:00:00Z") from exc


class JsonValue(fields.Raw):
    """Any JSON value."""


class JsonObject(fields.Dict):
    """Any JSON object."""


_SPACED_OFFSET = re.compile(r"(T\d\d:?\d\d\S*) (\d\d:?\d\d)$", re.ASCII)


def _with_plus(text: str) -> str:
    """A `+` that was not escaped in a query string has become a space."""
    return _SPACED_OFFSET.sub(r"\1+\2", text)


def list_arguments(
    name: str,
    listing: Listing,
    *,
    filters: Mapping[str, Filter] | None = None,
    without: Set[str] = frozenset(),
    has_cursor: bool = False,
    **members: fields.Field[Any],
) -> type[Query]:
    """The query parameters of a list: filters, order, page, and `members` for the view.

    filters: further ones than the listing's. without: filters whose value the path gives. has_cursor: it can be
    paged by cursor too.
    """
    keys = ", ".join(listing.sort_keys)
    arguments = {
        filter_name: _filter_field(filter_name, entry)
        for filter_name, entry in {**listing.filters, **(filters or {})}.items()
        if filter_name not in without
    }
    arguments |= members
    if has_cursor:
        arguments["cursor"] = fields.String(
            metadata={
                "description": "Cursor of the page: empty = the first page, then `next_cursor`; `offset` is ignored"
            }
        )
    arguments |= {
        "limit": fields.Integer(
            load_default=LIMIT_DEFAULT,
            validate=validate.Range(min=0),
            metadata={"description": f"Entries on a page; more than {LIMIT_MAX} is taken as {LIMIT_MAX}"},
        ),
        "offset": fields.Integer(
            load_default=0,
            validate=validate.Range(min=0, max=_INTEGER_MAX),
            metadata={"description": "Entries to skip"},
        ),
        "order_by": fields.List(
            fields.String(),
            load_default=list,
            metadata={"description": f"Sort keys, each with `-` in front for descending order: {keys}"},
        ),
    }
    return type(name, (Query,), arguments)


def list_query(arguments: Mapping[str, Any], *, cursor: str | None = None) -> ListQuery:
    """From loaded `list_arguments` to what the store is asked, narrowed to the DAGs that the sender of the current
    request sees. An empty `cursor` differs from `None`."""
    return ListQuery(
        filters=arguments,
        order_by=tuple(arguments["order_by"]),
        limit=min(arguments["limit"], LIMIT_MAX),
        offset=arguments["offset"],
        cursor=cursor,
        seen=g.user.seen,
    )


def list_body(name: str, listing: Listing) -> type[Body]:
    """The body that asks for a list: its filters, one sort key, the page. Null and an empty list count as absent."""
    arguments: dict[str, fields.Field[Any]] = {}
    for filter_name, entry in listing.filters.items():
        field = arguments[filter_name] = _filter_field(filter_name, entry)
        field.allow_none = True
        if isinstance(field, fields.List) and entry.choices:
            # Null among states means "no state", which no row has.
            field.inner.allow_none = True
        if isinstance(field, fields.List):
            member = filter_name.removesuffix("s")
            field.metadata = {"description": f"Values of `{member}` to list; null or an empty list = all"}
    arguments |= {
        "page_limit": fields.Integer(load_default=LIMIT_MAX, strict=True, validate=validate.Range(min=0)),
        "page_offset": fields.Integer(load_default=0, strict=True, validate=validate.Range(min=0, max=_INTEGER_MAX)),
        "order_by": fields.String(
            load_default=None,
            allow_none=True,
            metadata={
                "description": f"Sort key, with `-` in front for descending order: {', '.join(listing.sort_keys)}"
            },
        ),
    }
    return type(name, (Body,), {"__doc__": "What to list, and which page.", **arguments})


def list_query_of_body(body: Mapping[str, Any]) -> ListQuery:
    """From a loaded `list_body` to what the store is asked."""
    arguments = {name: value for name, value in body.items() if value not in (None, [])}
    return ListQuery(
        filters={
            name: [item for item in value if item is not None] if isinstance(value, list) else value
            for name, value in arguments.items()
        },
        order_by=(arguments["order_by"],) if arguments.get("order_by") else (),
        limit=min(body["page_limit"], LIMIT_MAX),
        offset=body["page_offset"],
        seen=g.user.seen,
    )


_FILTER_DESCRIPTIONS: Mapping[str, str] = {
    "_gte": "Lower bound of `{}`, inclusive",
    "_gt": "Lower bound of `{}`, exclusive",
    "_lte": "Upper bound of `{}`, inclusive",
    "_lt": "Upper bound of `{}`, exclusive",
    "_prefix_pattern": "Prefix of `{}`, case-sensitive; `|` separates alternatives, `~` matches every text",
    "_pattern": "Part of `{}` in any letter case; `%` and `_` are wildcards, `|` separates alternatives, `~` matches "
    "every text",
    "_search": "Part of `{}` in any letter case; `%` and `_` are wildcards, `|` separates alternatives, `~` matches "
    "every text",
    "_contains": "Text within `{}` in any letter case",
}
"""End of a filter's name -> its description, with a place for the rest of the name."""


_FLAG_DESCRIPTIONS: Mapping[str, str] = {
    "is_late": "Whether a deadline was missed; absent = both",
    "has_note": "Whether a person attached a note; absent = both",
}


def _filter_metadata(name: str) -> dict[str, Any]:
    """The description of a filter whose name says how the filter compares; empty for other filters."""
    if name in _FLAG_DESCRIPTIONS:
        return {"description": _FLAG_DESCRIPTIONS[name]}
    for ending, description in _FILTER_DESCRIPTIONS.items():
        if name.endswith(ending):
            return {"description": description.format(name.removesuffix(ending))}
    return {}


def _filter_field(name: str, entry: Filter) -> fields.Field[Any]:
    metadata = _filter_metadata(name)
    checks: Sequence[Any] = [validate.OneOf(entry.choices)] if entry.choices else []
    match entry.kind:
        case Kind.TEXT:
            single: fields.Field[Any] = fields.String(validate=[validate.Length(max=1000), *checks], metadata=metadata)
        case Kind.INTEGER:
            single = fields.Integer(validate=validate.Range(min=-_INTEGER_MAX, max=_INTEGER_MAX), metadata=metadata)
        case Kind.NUMBER:
            single = fields.Float(validate=validate.Range(min=-_NUMBER_MAX, max=_NUMBER_MAX), metadata=metadata)
        case Kind.INSTANT:
            single = Instant(metadata=metadata)
        case Kind.BOOLEAN:
            single = fields.Boolean(metadata=metadata)
    return fields.List(single, validate=validate.Length(max=200)) if entry.is_list else single
