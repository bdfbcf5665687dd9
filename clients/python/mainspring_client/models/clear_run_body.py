from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.json_object import JsonObject

from ..plain import as_dict

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
        conf (JsonObject | None | Unset): `conf` in place of the run's own, which must have ended; null = the run keeps
            its own
    """

    dry_run: bool | Unset = True
    only_failed: bool | Unset = False
    only_new: bool | Unset = False
    run_on_latest_version: bool | None | Unset = UNSET
    version_number: int | None | Unset = UNSET
    note: None | str | Unset = UNSET
    conf: JsonObject | None | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        from ..models.json_object import JsonObject  # noqa: PLC0415

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

        conf: dict[str, Any] | None | Unset
        if isinstance(self.conf, Unset):
            conf = UNSET
        elif isinstance(self.conf, JsonObject):
            conf = as_dict(self.conf)
        else:
            conf = self.conf

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
        if conf is not UNSET:
            field_dict["conf"] = conf

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.json_object import JsonObject  # noqa: PLC0415

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

        def _parse_conf(data: object) -> JsonObject | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                conf_type_0 = JsonObject.from_dict(data)

                return conf_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(JsonObject | None | Unset, data)

        conf = _parse_conf(d.pop("conf", UNSET))

        clear_run_body = cls(
            dry_run=dry_run,
            only_failed=only_failed,
            only_new=only_new,
            run_on_latest_version=run_on_latest_version,
            version_number=version_number,
            note=note,
            conf=conf,
        )

        return clear_run_body
