from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="NextRuns")


@_attrs_define
class NextRuns:
    """
    Attributes:
        before (list[datetime.datetime]): Next runs as the DAG stands
        after (list[datetime.datetime]): Next runs after the save
    """

    before: list[datetime.datetime]
    after: list[datetime.datetime]
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        before = []
        for before_item_data in self.before:
            before_item = before_item_data.isoformat()
            before.append(before_item)

        after = []
        for after_item_data in self.after:
            after_item = after_item_data.isoformat()
            after.append(after_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "before": before,
                "after": after,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        before = []
        _before = d.pop("before")
        for before_item_data in _before:
            before_item = datetime.datetime.fromisoformat(before_item_data)

            before.append(before_item)

        after = []
        _after = d.pop("after")
        for after_item_data in _after:
            after_item = datetime.datetime.fromisoformat(after_item_data)

            after.append(after_item)

        next_runs = cls(
            before=before,
            after=after,
        )

        next_runs.additional_properties = d
        return next_runs

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
