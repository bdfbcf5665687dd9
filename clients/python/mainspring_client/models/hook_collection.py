from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.hook import Hook

from ..plain import as_dict

T = TypeVar("T", bound="HookCollection")


@_attrs_define
class HookCollection:
    """
    Attributes:
        hooks (list[Hook]): Hooks of the page
        total_entries (int): Number of entries on all pages
    """

    hooks: list[Hook]
    total_entries: int
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        hooks = []
        for hooks_item_data in self.hooks:
            hooks_item = as_dict(hooks_item_data)
            hooks.append(hooks_item)

        total_entries = self.total_entries

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "hooks": hooks,
                "total_entries": total_entries,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.hook import Hook  # noqa: PLC0415

        d = dict(src_dict)
        hooks = []
        _hooks = d.pop("hooks")
        for hooks_item_data in _hooks:
            hooks_item = Hook.from_dict(hooks_item_data)

            hooks.append(hooks_item)

        total_entries = d.pop("total_entries")

        hook_collection = cls(
            hooks=hooks,
            total_entries=total_entries,
        )

        hook_collection.additional_properties = d
        return hook_collection

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
