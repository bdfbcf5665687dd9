from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="RunVersionBody")


@_attrs_define
class RunVersionBody:
    """
    Attributes:
        version_number (int): Number of the saved version
        restart_running (bool | Unset): True = stop tasks that are under way; those that the version has start again
            Default: False.
    """

    version_number: int
    restart_running: bool | Unset = False

    def to_dict(self) -> dict[str, Any]:
        version_number = self.version_number

        restart_running = self.restart_running

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "version_number": version_number,
            }
        )
        if restart_running is not UNSET:
            field_dict["restart_running"] = restart_running

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        version_number = d.pop("version_number")

        restart_running = d.pop("restart_running", UNSET)

        run_version_body = cls(
            version_number=version_number,
            restart_running=restart_running,
        )

        return run_version_body
