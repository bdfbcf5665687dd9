from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.json_object import JsonObject

from ..plain import as_dict

T = TypeVar("T", bound="GetAssetAliases")


@_attrs_define
class GetAssetAliases:
    """
    Attributes:
        total_entries (int): Number of entries on all pages
        asset_aliases (list[JsonObject]): Always empty
    """

    total_entries: int
    asset_aliases: list[JsonObject]
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        total_entries = self.total_entries

        asset_aliases = []
        for asset_aliases_item_data in self.asset_aliases:
            asset_aliases_item = as_dict(asset_aliases_item_data)
            asset_aliases.append(asset_aliases_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "total_entries": total_entries,
                "asset_aliases": asset_aliases,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.json_object import JsonObject  # noqa: PLC0415

        d = dict(src_dict)
        total_entries = d.pop("total_entries")

        asset_aliases = []
        _asset_aliases = d.pop("asset_aliases")
        for asset_aliases_item_data in _asset_aliases:
            asset_aliases_item = JsonObject.from_dict(asset_aliases_item_data)

            asset_aliases.append(asset_aliases_item)

        get_asset_aliases = cls(
            total_entries=total_entries,
            asset_aliases=asset_aliases,
        )

        get_asset_aliases.additional_properties = d
        return get_asset_aliases

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
