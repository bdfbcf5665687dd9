from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="ApprovalAnswerBody")


@_attrs_define
class ApprovalAnswerBody:
    """
    Attributes:
        choice (str): One of the approval's choices
        note (None | str | Unset): Text that a person attached
    """

    choice: str
    note: None | str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        choice = self.choice

        note: None | str | Unset
        if isinstance(self.note, Unset):
            note = UNSET
        else:
            note = self.note

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "choice": choice,
            }
        )
        if note is not UNSET:
            field_dict["note"] = note

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        choice = d.pop("choice")

        def _parse_note(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        note = _parse_note(d.pop("note", UNSET))

        approval_answer_body = cls(
            choice=choice,
            note=note,
        )

        return approval_answer_body
