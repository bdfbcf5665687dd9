from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="LogSearch")


@_attrs_define
class LogSearch:
    """
    Attributes:
        matches (list[list[int]]): Number of the line, column from 0, length; at most 1,000, from the line `from` on
        total (int): Number of matches in the whole log
        is_complete (bool): False = the search took too long, and `total` is a lower bound
    """

    matches: list[list[int]]
    total: int
    is_complete: bool
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        matches = []
        for matches_item_data in self.matches:
            matches_item = matches_item_data

            matches.append(matches_item)

        total = self.total

        is_complete = self.is_complete

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "matches": matches,
                "total": total,
                "is_complete": is_complete,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        matches = []
        _matches = d.pop("matches")
        for matches_item_data in _matches:
            matches_item = cast(list[int], matches_item_data)

            matches.append(matches_item)

        total = d.pop("total")

        is_complete = d.pop("is_complete")

        log_search = cls(
            matches=matches,
            total=total,
            is_complete=is_complete,
        )

        log_search.additional_properties = d
        return log_search

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
