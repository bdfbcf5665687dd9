from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="ClearRunBody")


@_attrs_define
class ClearRunBody:
    """
    Attributes:
        dry_run (bool | Unset): Preview: true, the default, only answers the instances to clear Default: True.
        only_failed (bool | Unset): Clear failed instances only Default: False.
        only_new (bool | Unset): False only: new tasks are cleared by name Default: False.
        run_on_latest_version (bool | None | Unset): True = the latest version of the DAG; otherwise a run keeps its
            version
        version_number (int | None | Unset): Saved version that the runs change to; null = by `run_on_latest_version`
        note (None | str | Unset): Text that a person attached
    """

    dry_run: bool | Unset = True
    only_failed: bool | Unset = False
    only_new: bool | Unset = False
    run_on_latest_version: bool | None | Unset = UNSET
    version_number: int | None | Unset = UNSET
    note: None | str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        dry_run = self.dry_run

        only_failed = self.only_failed

        only_new = self.only_new

        run_on_latest_version: bool | None | Unset
        if isinstance(self.run_on_latest_version, Unset):
            run_on_latest_version = UNSET
        else:
            run_on_latest_version = self.run_on_latest_version

        version_number: int | None | Unset
        if isinstance(self.version_number, Unset):
            version_number = UNSET
        else:
            version_number = self.version_number

        note: None | str | Unset
        if isinstance(self.note, Unset):
            note = UNSET
        else:
            note = self.note

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if dry_run is not UNSET:
            field_dict["dry_run"] = dry_run
        if only_failed is not UNSET:
            field_dict["only_failed"] = only_failed
        if only_new is not UNSET:
            field_dict["only_new"] = only_new
        if run_on_latest_version is not UNSET:
            field_dict["run_on_latest_version"] = run_on_latest_version
        if version_number is not UNSET:
            field_dict["version_number"] = version_number
        if note is not UNSET:
            field_dict["note"] = note

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        dry_run = d.pop("dry_run", UNSET)

        only_failed = d.pop("only_failed", UNSET)

        only_new = d.pop("only_new", UNSET)

        def _parse_run_on_latest_version(data: object) -> bool | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(bool | None | Unset, data)

        run_on_latest_version = _parse_run_on_latest_version(d.pop("run_on_latest_version", UNSET))

        def _parse_version_number(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        version_number = _parse_version_number(d.pop("version_number", UNSET))

        def _parse_note(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        note = _parse_note(d.pop("note", UNSET))

        clear_run_body = cls(
            dry_run=dry_run,
            only_failed=only_failed,
            only_new=only_new,
            run_on_latest_version=run_on_latest_version,
            version_number=version_number,
            note=note,
        )

        return clear_run_body
