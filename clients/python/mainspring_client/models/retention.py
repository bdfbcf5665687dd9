from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="Retention")


@_attrs_define
class Retention:
    """
    Attributes:
        runs (str | Unset): How long ended runs stay; as the settings of the server say when absent.
        failed_runs (str | Unset): The same for failed runs.
        keep_last (int | Unset): So many of the latest ended runs stay whatever their age.
        runs_max (int | Unset): More ended runs are deleted whatever their age, oldest first.
    """

    runs: str | Unset = UNSET
    failed_runs: str | Unset = UNSET
    keep_last: int | Unset = UNSET
    runs_max: int | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        runs = self.runs

        failed_runs = self.failed_runs

        keep_last = self.keep_last

        runs_max = self.runs_max

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if runs is not UNSET:
            field_dict["runs"] = runs
        if failed_runs is not UNSET:
            field_dict["failed_runs"] = failed_runs
        if keep_last is not UNSET:
            field_dict["keep_last"] = keep_last
        if runs_max is not UNSET:
            field_dict["runs_max"] = runs_max

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        runs = d.pop("runs", UNSET)

        failed_runs = d.pop("failed_runs", UNSET)

        keep_last = d.pop("keep_last", UNSET)

        runs_max = d.pop("runs_max", UNSET)

        retention = cls(
            runs=runs,
            failed_runs=failed_runs,
            keep_last=keep_last,
            runs_max=runs_max,
        )

        return retention
