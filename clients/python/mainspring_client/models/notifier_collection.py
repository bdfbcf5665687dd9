from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.notifier import Notifier

from ..plain import as_dict

T = TypeVar("T", bound="NotifierCollection")


@_attrs_define
class NotifierCollection:
    """
    Attributes:
        notifiers (list[Notifier]): Notifiers of the page
        total_entries (int): Number of entries on all pages
    """

    notifiers: list[Notifier]
    total_entries: int
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        notifiers = []
        for notifiers_item_data in self.notifiers:
            notifiers_item = as_dict(notifiers_item_data)
            notifiers.append(notifiers_item)

        total_entries = self.total_entries

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "notifiers": notifiers,
                "total_entries": total_entries,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.notifier import Notifier  # noqa: PLC0415

        d = dict(src_dict)
        notifiers = []
        _notifiers = d.pop("notifiers")
        for notifiers_item_data in _notifiers:
            notifiers_item = Notifier.from_dict(notifiers_item_data)

            notifiers.append(notifiers_item)

        total_entries = d.pop("total_entries")

        notifier_collection = cls(
            notifiers=notifiers,
            total_entries=total_entries,
        )

        notifier_collection.additional_properties = d
        return notifier_collection

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
