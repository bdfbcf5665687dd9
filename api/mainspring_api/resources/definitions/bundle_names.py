"""What a save says of bundles."""

from collections.abc import Mapping
from typing import Any

from marshmallow import validate

from mainspring_store.resources.dags import Bundle

__all__ = ["bundle_of", "is_bundle_name"]

is_bundle_name = validate.Regexp(
    r"[A-Za-z0-9_.-]{1,250}\Z", error="must have 1 to 250 of the characters A-Z a-z 0-9 _ . -"
)
"""The characters of a name are those of ids."""


def bundle_of(members: Mapping[str, Any]) -> Bundle | None:
    """The bundle that `bundle_name` and `take_over` of a query or a body name; `None` = no bundle."""
    name = members["bundle_name"]
    return None if name is None else Bundle(name=name, takes_over=members["take_over"])
