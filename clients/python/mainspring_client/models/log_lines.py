from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="LogLines")


@_attrs_define
class LogLines:
    """
    Attributes:
        lines (list[list[Any]]): Number from 1, instant at which the end of the line arrived, text; a text has at most
            65536 characters
        total (int): Number of lines so far
        bytes_ (int): Number of bytes so far
        is_finished (bool): Whether the try has ended, so that no line follows
    """

    lines: list[list[Any]]
    total: int
    bytes_: int
    is_finished: bool
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        lines = []
        for lines_item_data in self.lines:
            lines_item = lines_item_data

            lines.append(lines_item)

        total = self.total

        bytes_ = self.bytes_

        is_finished = self.is_finished

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "lines": lines,
                "total": total,
                "bytes": bytes_,
                "is_finished": is_finished,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        lines = []
        _lines = d.pop("lines")
        for lines_item_data in _lines:
            lines_item = cast(list[Any], lines_item_data)

            lines.append(lines_item)

        total = d.pop("total")

        bytes_ = d.pop("bytes")

        is_finished = d.pop("is_finished")

        log_lines = cls(
            lines=lines,
            total=total,
            bytes_=bytes_,
            is_finished=is_finished,
        )

        log_lines.additional_properties = d
        return log_lines

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
