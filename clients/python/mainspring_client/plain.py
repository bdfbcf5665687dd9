"""Plain JSON values of what a caller sends: models, or dicts in their place, at any depth."""

from collections.abc import Mapping
from datetime import date, datetime
from enum import Enum
from typing import Any
from uuid import UUID

__all__ = ["as_dict"]


def as_dict(value: Any) -> Any:
    """The JSON value of a model, or of a dict or list that may hold models."""
    if hasattr(value, "to_dict"):
        return value.to_dict()
    if isinstance(value, Mapping):
        return {key: as_dict(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [as_dict(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value
