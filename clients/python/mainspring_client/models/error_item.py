from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

T = TypeVar("T", bound="ErrorItem")


@_attrs_define
class ErrorItem:
    """
    Attributes:
        location (str): `body`, `query` or `header`
        pointer (str): RFC 6901 pointer into the body, or the name of the parameter
        message (str): Fault in a sentence
        code (str): Stable name of this kind of fault
        line (int | None): Line in a YAML body, from 1; null = unknown
        hint (None | str): Possible cure; null = none
    """

    location: str
    pointer: str
    message: str
    code: str
    line: int | None
    hint: None | str

    def to_dict(self) -> dict[str, Any]:
        location = self.location

        pointer = self.pointer

        message = self.message

        code = self.code

        line: int | None
        line = self.line

        hint: None | str
        hint = self.hint

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "location": location,
                "pointer": pointer,
                "message": message,
                "code": code,
                "line": line,
                "hint": hint,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        location = d.pop("location")

        pointer = d.pop("pointer")

        message = d.pop("message")

        code = d.pop("code")

        def _parse_line(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        line = _parse_line(d.pop("line"))

        def _parse_hint(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        hint = _parse_hint(d.pop("hint"))

        error_item = cls(
            location=location,
            pointer=pointer,
            message=message,
            code=code,
            line=line,
            hint=hint,
        )

        return error_item
