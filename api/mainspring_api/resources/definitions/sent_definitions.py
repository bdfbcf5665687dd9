"""Definitions within a JSON body: as an object, or as text that is kept as sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from marshmallow import ValidationError, fields, validate, validates_schema

from mainspring.definition import Definition, parse_definition
from mainspring_api.http.context import context
from mainspring_api.http.fields import Body, JsonObject
from mainspring_api.http.operations import JSON
from mainspring_store.resources.dags import Source

__all__ = ["HasDefinition", "PlannedDefinition", "SentDefinition", "parse_sent"]

YAML = "application/yaml"


class HasDefinition(Body):
    """A body with a definition, either in `definition` or in `text`."""

    dag_id = fields.String(
        load_default=None, allow_none=True, metadata={"description": "Id to save it under; null = as the document says"}
    )
    definition = JsonObject(load_default=None, allow_none=True, metadata={"description": "Definition as an object"})
    text = fields.String(
        load_default=None, allow_none=True, metadata={"description": "Definition as text, which is kept as it is"}
    )
    media_type = fields.String(
        load_default=YAML,
        validate=validate.OneOf([YAML, JSON]),
        metadata={"description": "Language of `text`"},
    )

    @validates_schema
    def check_form(self, data: Mapping[str, Any], **_: Any) -> None:
        if (data["definition"] is None) == (data["text"] is None):
            raise ValidationError("give either `definition` or `text`")


class PlannedDefinition(HasDefinition):
    """One definition: as a JSON object in `definition`, or as text in `text`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SentDefinition:
    """A checked definition of a body."""

    definition: Definition
    source: Source


def parse_sent(body: Mapping[str, Any]) -> SentDefinition:
    """The definition of a loaded body.

    Raises:
        InvalidDag: Every fault of the definition.
    """
    is_text = body["text"] is not None
    text = body["text"].encode("utf-8", "surrogatepass") if is_text else orjson.dumps(body["definition"])
    media_type = body["media_type"] if is_text else JSON
    definition = parse_definition(
        text,
        media="json" if media_type == JSON else "yaml",
        dag_id=body["dag_id"],
        executors=context().settings.executors,
    )
    return SentDefinition(definition=definition, source=Source(text=text, media_type=media_type))
