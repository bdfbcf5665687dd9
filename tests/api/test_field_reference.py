"""docs/fields.md names every field of a definition, as the parser reads them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mainspring.definition import json_schema
from mainspring_api.document.field_reference import reference

PAGE = Path(__file__).parents[2] / "docs" / "fields.md"


def test_the_page_is_the_one_that_the_tables_make() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference(), "./dev openapi writes it again"


def test_every_field_has_a_meaning() -> None:
    missing = [name for name, field in _fields(json_schema()) if name != "type" and not field.get("description")]
    assert not missing


def _fields(schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for record in (schema, *schema["$defs"].values()):
        yield from record.get("properties", {}).items()
