from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="Teardown")


@_attrs_define
class Teardown:
    """
    Attributes:
        of (list[str]): Ids of the set-ups, which are upstream of the tear-down.
        fails_run (bool | Unset): Whether a failure of the tear-down fails the run; false when absent.
    """

    of: list[str]
    fails_run: bool | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        of = self.of

        fails_run = self.fails_run

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "of": of,
            }
        )
        if fails_run is not UNSET:
            field_dict["fails_run"] = fails_run

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        of = cast(list[str], d.pop("of"))

        fails_run = d.pop("fails_run", UNSET)

        teardown = cls(
            of=of,
            fails_run=fails_run,
        )

        return teardown
