from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="RestoreBody")


@_attrs_define
class RestoreBody:
    """
    Attributes:
        message (str | Unset): Reason, kept with the new version; empty = `back to version` and its number Default: ''.
    """

    message: str | Unset = ""

    def to_dict(self) -> dict[str, Any]:
        message = self.message

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if message is not UNSET:
            field_dict["message"] = message

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        message = d.pop("message", UNSET)

        restore_body = cls(
            message=message,
        )

        return restore_body
