from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.json_object import JsonObject

from ..plain import as_dict

T = TypeVar("T", bound="UpstreamAssetEventCollection")


@_attrs_define
class UpstreamAssetEventCollection:
    """
    Attributes:
        total_entries (int): Number of entries on all pages
        asset_events (list[JsonObject]): Always empty
    """

    total_entries: int
    asset_events: list[JsonObject]
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        total_entries = self.total_entries

        asset_events = []
        for asset_events_item_data in self.asset_events:
            asset_events_item = as_dict(asset_events_item_data)
            asset_events.append(asset_events_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "total_entries": total_entries,
                "asset_events": asset_events,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.json_object import JsonObject  # noqa: PLC0415

        d = dict(src_dict)
        total_entries = d.pop("total_entries")

        asset_events = []
        _asset_events = d.pop("asset_events")
        for asset_events_item_data in _asset_events:
            asset_events_item = JsonObject.from_dict(asset_events_item_data)

            asset_events.append(asset_events_item)

        upstream_asset_event_collection = cls(
            total_entries=total_entries,
            asset_events=asset_events,
        )

        upstream_asset_event_collection.additional_properties = d
        return upstream_asset_event_collection

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
