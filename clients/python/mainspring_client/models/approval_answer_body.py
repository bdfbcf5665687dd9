from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.json_object import JsonObject

from ..plain import as_dict

T = TypeVar("T", bound="ApprovalAnswerBody")


@_attrs_define
class ApprovalAnswerBody:
    """
    Attributes:
        choice (str | Unset): One of the approval's choices. Either `choice` or `choices` is required.
        choices (list[str] | Unset): Several of its choices, where it has `multiple`
        values (JsonObject | Unset):
        note (None | str | Unset): Text that a person attached
    """

    choice: str | Unset = UNSET
    choices: list[str] | Unset = UNSET
    values: JsonObject | Unset = UNSET
    note: None | str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        choice = self.choice

        choices: list[str] | Unset = UNSET
        if not isinstance(self.choices, Unset):
            choices = self.choices

        values: dict[str, Any] | Unset = UNSET
        if not isinstance(self.values, Unset):
            values = as_dict(self.values)

        note: None | str | Unset
        if isinstance(self.note, Unset):
            note = UNSET
        else:
            note = self.note

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if choice is not UNSET:
            field_dict["choice"] = choice
        if choices is not UNSET:
            field_dict["choices"] = choices
        if values is not UNSET:
            field_dict["values"] = values
        if note is not UNSET:
            field_dict["note"] = note

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.json_object import JsonObject  # noqa: PLC0415

        d = dict(src_dict)
        choice = d.pop("choice", UNSET)

        choices = cast(list[str], d.pop("choices", UNSET))

        _values = d.pop("values", UNSET)
        values: JsonObject | Unset
        if isinstance(_values, Unset):
            values = UNSET
        else:
            values = JsonObject.from_dict(_values)

        def _parse_note(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        note = _parse_note(d.pop("note", UNSET))

        approval_answer_body = cls(
            choice=choice,
            choices=choices,
            values=values,
            note=note,
        )

        return approval_answer_body
