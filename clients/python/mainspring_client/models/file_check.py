from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="FileCheck")


@_attrs_define
class FileCheck:
    """
    Attributes:
        path (str): Absolute path of the file, where the queue of the task runs.
        min_bytes (int | Unset): Smallest size of the file, in bytes; 0 when absent.
        stable_for (str | Unset): How long the file must have been unchanged, by its time of modification; PT0S when
            absent.
    """

    path: str
    min_bytes: int | Unset = UNSET
    stable_for: str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        path = self.path

        min_bytes = self.min_bytes

        stable_for = self.stable_for

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "path": path,
            }
        )
        if min_bytes is not UNSET:
            field_dict["min_bytes"] = min_bytes
        if stable_for is not UNSET:
            field_dict["stable_for"] = stable_for

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        path = d.pop("path")

        min_bytes = d.pop("min_bytes", UNSET)

        stable_for = d.pop("stable_for", UNSET)

        file_check = cls(
            path=path,
            min_bytes=min_bytes,
            stable_for=stable_for,
        )

        return file_check
