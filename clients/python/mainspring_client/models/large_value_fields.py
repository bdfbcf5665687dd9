from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.large_value_fields_kind import LargeValueFieldsKind

T = TypeVar("T", bound="LargeValueFields")


@_attrs_define
class LargeValueFields:
    """
    Attributes:
        bytes_ (int): Size of the value as JSON, in bytes Example: 5242880.
        sha256 (str): SHA-256 (hex) of the value as JSON
        kind (LargeValueFieldsKind): JSON type of the value
        excerpt (str): The first characters of the value as JSON
    """

    bytes_: int
    sha256: str
    kind: LargeValueFieldsKind
    excerpt: str
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        bytes_ = self.bytes_

        sha256 = self.sha256

        kind = self.kind.value

        excerpt = self.excerpt

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "bytes": bytes_,
                "sha256": sha256,
                "kind": kind,
                "excerpt": excerpt,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        bytes_ = d.pop("bytes")

        sha256 = d.pop("sha256")

        kind = LargeValueFieldsKind(d.pop("kind"))

        excerpt = d.pop("excerpt")

        large_value_fields = cls(
            bytes_=bytes_,
            sha256=sha256,
            kind=kind,
            excerpt=excerpt,
        )

        large_value_fields.additional_properties = d
        return large_value_fields

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
