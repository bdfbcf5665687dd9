from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.attention_item import AttentionItem
    from ..models.health import Health
    from ..models.summary_counts import SummaryCounts

from ..plain import as_dict

T = TypeVar("T", bound="Summary")


@_attrs_define
class Summary:
    """
    Attributes:
        counts (SummaryCounts):
        attention (list[AttentionItem]): Worst first, at most 20
        health (Health):
    """

    counts: SummaryCounts
    attention: list[AttentionItem]
    health: Health
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        counts = as_dict(self.counts)

        attention = []
        for attention_item_data in self.attention:
            attention_item = as_dict(attention_item_data)
            attention.append(attention_item)

        health = as_dict(self.health)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "counts": counts,
                "attention": attention,
                "health": health,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.attention_item import AttentionItem  # noqa: PLC0415
        from ..models.health import Health  # noqa: PLC0415
        from ..models.summary_counts import SummaryCounts  # noqa: PLC0415

        d = dict(src_dict)
        counts = SummaryCounts.from_dict(d.pop("counts"))

        attention = []
        _attention = d.pop("attention")
        for attention_item_data in _attention:
            attention_item = AttentionItem.from_dict(attention_item_data)

            attention.append(attention_item)

        health = Health.from_dict(d.pop("health"))

        summary = cls(
            counts=counts,
            attention=attention,
            health=health,
        )

        summary.additional_properties = d
        return summary

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
