from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="RotateBody")


@_attrs_define
class RotateBody:
    """
    Attributes:
        old_seconds (int | Unset): Seconds for which deliveries carry signatures of both secrets; 0 = not at all
            Default: 86400.
    """

    old_seconds: int | Unset = 86400

    def to_dict(self) -> dict[str, Any]:
        old_seconds = self.old_seconds

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if old_seconds is not UNSET:
            field_dict["old_seconds"] = old_seconds

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        old_seconds = d.pop("old_seconds", UNSET)

        rotate_body = cls(
            old_seconds=old_seconds,
        )

        return rotate_body
