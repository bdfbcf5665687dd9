from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.run_patch_state_type_0 import RunPatchStateType0
from ..types import UNSET, Unset

T = TypeVar("T", bound="RunPatch")


@_attrs_define
class RunPatch:
    """
    Attributes:
        state (None | RunPatchStateType0 | Unset): Target state: `queued` resumes, `success` marks, `failed` cancels the
            run
        note (None | str | Unset): Text that a person attached
        keep (bool | None | Unset): True keeps the run for ever; false lets retention delete the run
        is_paused (bool | None | Unset): True pauses an unfinished run: no further task of it starts; false resumes the
            run
        run_after (datetime.datetime | None | Unset): Earliest start of a queued run; a past instant stands for now
        priority (int | None | Unset): A higher priority starts first; counts for tasks that have not started
    """

    state: None | RunPatchStateType0 | Unset = UNSET
    note: None | str | Unset = UNSET
    keep: bool | None | Unset = UNSET
    is_paused: bool | None | Unset = UNSET
    run_after: datetime.datetime | None | Unset = UNSET
    priority: int | None | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        state: None | str | Unset
        if isinstance(self.state, Unset):
            state = UNSET
        elif isinstance(self.state, RunPatchStateType0):
            state = self.state.value
        else:
            state = self.state

        note: None | str | Unset
        if isinstance(self.note, Unset):
            note = UNSET
        else:
            note = self.note

        keep: bool | None | Unset
        if isinstance(self.keep, Unset):
            keep = UNSET
        else:
            keep = self.keep

        is_paused: bool | None | Unset
        if isinstance(self.is_paused, Unset):
            is_paused = UNSET
        else:
            is_paused = self.is_paused

        run_after: None | str | Unset
        if isinstance(self.run_after, Unset):
            run_after = UNSET
        elif isinstance(self.run_after, datetime.datetime):
            run_after = self.run_after.isoformat()
        else:
            run_after = self.run_after

        priority: int | None | Unset
        if isinstance(self.priority, Unset):
            priority = UNSET
        else:
            priority = self.priority

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if state is not UNSET:
            field_dict["state"] = state
        if note is not UNSET:
            field_dict["note"] = note
        if keep is not UNSET:
            field_dict["keep"] = keep
        if is_paused is not UNSET:
            field_dict["is_paused"] = is_paused
        if run_after is not UNSET:
            field_dict["run_after"] = run_after
        if priority is not UNSET:
            field_dict["priority"] = priority

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_state(data: object) -> None | RunPatchStateType0 | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                state_type_0 = RunPatchStateType0(data)

                return state_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | RunPatchStateType0 | Unset, data)

        state = _parse_state(d.pop("state", UNSET))

        def _parse_note(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        note = _parse_note(d.pop("note", UNSET))

        def _parse_keep(data: object) -> bool | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(bool | None | Unset, data)

        keep = _parse_keep(d.pop("keep", UNSET))

        def _parse_is_paused(data: object) -> bool | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(bool | None | Unset, data)

        is_paused = _parse_is_paused(d.pop("is_paused", UNSET))

        def _parse_run_after(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                run_after_type_0 = datetime.datetime.fromisoformat(data)

                return run_after_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        run_after = _parse_run_after(d.pop("run_after", UNSET))

        def _parse_priority(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        priority = _parse_priority(d.pop("priority", UNSET))

        run_patch = cls(
            state=state,
            note=note,
            keep=keep,
            is_paused=is_paused,
            run_after=run_after,
            priority=priority,
        )

        return run_patch
