from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="LogMarks")


@_attrs_define
class LogMarks:
    """
    Attributes:
        first_error (int | None): Number of the line; null = no such line
        errors (list[int]): Numbers of the lines, ascending, at most 5,001
        warnings (list[int]): Numbers of the lines, ascending, at most 5,001
    """

    first_error: int | None
    errors: list[int]
    warnings: list[int]
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        first_error: int | None
        first_error = self.first_error

        errors = self.errors

        warnings = self.warnings

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "first_error": first_error,
                "errors": errors,
                "warnings": warnings,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_first_error(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        first_error = _parse_first_error(d.pop("first_error"))

        errors = cast(list[int], d.pop("errors"))

        warnings = cast(list[int], d.pop("warnings"))

        log_marks = cls(
            first_error=first_error,
            errors=errors,
            warnings=warnings,
        )

        log_marks.additional_properties = d
        return log_marks

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
