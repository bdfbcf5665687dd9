"""Fields of compact rows: lists whose positions have fixed meanings, so that large answers stay small."""

from collections.abc import Mapping
from typing import Any

from marshmallow import fields

from mainspring_api.http.fields import JsonValue

__all__ = ["Counts", "Row"]


class Row(fields.List[Any]):
    """A list of JSON values; the description says what each position means."""

    def __init__(self, positions: str, *, allow_none: bool = False) -> None:
        super().__init__(JsonValue(allow_none=True), allow_none=allow_none, metadata={"description": positions})


class Counts(fields.Dict):
    """State -> number of instances."""

    def __init__(self, description: str, **kwargs: Any) -> None:
        metadata: Mapping[str, Any] = {"description": description}
        super().__init__(keys=fields.String(), values=fields.Integer(), metadata=metadata, **kwargs)
