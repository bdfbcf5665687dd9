from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.json_object import JsonObject

from ..plain import as_dict

T = TypeVar("T", bound="ApprovalAnswer")


@_attrs_define
class ApprovalAnswer:
    """
    Attributes:
        choice (str): Choice that was made, of several the first
        choices (list[str]): Choices that were made
        values (JsonObject):
        by (str): Name of the user or token that answered
        note (None | str): Text that a person attached
        at (datetime.datetime): Instant of the answer
    """

    choice: str
    choices: list[str]
    values: JsonObject
    by: str
    note: None | str
    at: datetime.datetime
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        choice = self.choice

        choices = self.choices

        values = as_dict(self.values)

        by = self.by

        note: None | str
        note = self.note

        at = self.at.isoformat()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "choice": choice,
                "choices": choices,
                "values": values,
                "by": by,
                "note": note,
                "at": at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.json_object import JsonObject  # noqa: PLC0415

        d = dict(src_dict)
        choice = d.pop("choice")

        choices = cast(list[str], d.pop("choices"))

        values = JsonObject.from_dict(d.pop("values"))

        by = d.pop("by")

        def _parse_note(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        note = _parse_note(d.pop("note"))

        at = datetime.datetime.fromisoformat(d.pop("at"))

        approval_answer = cls(
            choice=choice,
            choices=choices,
            values=values,
            by=by,
            note=note,
            at=at,
        )

        approval_answer.additional_properties = d
        return approval_answer

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
