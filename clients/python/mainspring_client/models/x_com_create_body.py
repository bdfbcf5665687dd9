from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="XComCreateBody")


@_attrs_define
class XComCreateBody:
    """
    Attributes:
        value (Any): JSON value
        key (str): Name of the output
        map_index (int | Unset): Position among the instances of a mapped task; -1 = not mapped Default: -1.
    """

    value: Any
    key: str
    map_index: int | Unset = -1

    def to_dict(self) -> dict[str, Any]:
        value = self.value

        key = self.key

        map_index = self.map_index

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "value": value,
                "key": key,
            }
        )
        if map_index is not UNSET:
            field_dict["map_index"] = map_index

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        value = d.pop("value")

        key = d.pop("key")

        map_index = d.pop("map_index", UNSET)

        x_com_create_body = cls(
            value=value,
            key=key,
            map_index=map_index,
        )

        return x_com_create_body
