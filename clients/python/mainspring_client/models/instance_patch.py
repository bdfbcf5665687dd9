from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="InstancePatch")


@_attrs_define
class InstancePatch:
    """
    Attributes:
        new_state (str | Unset): Target state: `success`, `failed` or `skipped`, in any letter case
        note (None | str | Unset): Text that a person attached
        include_upstream (bool | Unset): Mark all tasks upstream too Default: False.
        include_downstream (bool | Unset): Mark all tasks downstream too Default: False.
        include_past (bool | Unset): Mark the task also in runs with an earlier logical date Default: False.
        include_future (bool | Unset): Mark the task also in runs with a later logical date Default: False.
    """

    new_state: str | Unset = UNSET
    note: None | str | Unset = UNSET
    include_upstream: bool | Unset = False
    include_downstream: bool | Unset = False
    include_past: bool | Unset = False
    include_future: bool | Unset = False

    def to_dict(self) -> dict[str, Any]:
        new_state = self.new_state

        note: None | str | Unset
        if isinstance(self.note, Unset):
            note = UNSET
        else:
            note = self.note

        include_upstream = self.include_upstream

        include_downstream = self.include_downstream

        include_past = self.include_past

        include_future = self.include_future

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if new_state is not UNSET:
            field_dict["new_state"] = new_state
        if note is not UNSET:
            field_dict["note"] = note
        if include_upstream is not UNSET:
            field_dict["include_upstream"] = include_upstream
        if include_downstream is not UNSET:
            field_dict["include_downstream"] = include_downstream
        if include_past is not UNSET:
            field_dict["include_past"] = include_past
        if include_future is not UNSET:
            field_dict["include_future"] = include_future

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        new_state = d.pop("new_state", UNSET)

        def _parse_note(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        note = _parse_note(d.pop("note", UNSET))

        include_upstream = d.pop("include_upstream", UNSET)

        include_downstream = d.pop("include_downstream", UNSET)

        include_past = d.pop("include_past", UNSET)

        include_future = d.pop("include_future", UNSET)

        instance_patch = cls(
            new_state=new_state,
            note=note,
            include_upstream=include_upstream,
            include_downstream=include_downstream,
            include_past=include_past,
            include_future=include_future,
        )

        return instance_patch
