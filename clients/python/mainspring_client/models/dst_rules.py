from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..models.gap_rule import GapRule
from ..models.overlap_rule import OverlapRule
from ..types import UNSET, Unset

T = TypeVar("T", bound="DstRules")


@_attrs_define
class DstRules:
    """
    Attributes:
        gap (GapRule | Unset):
        overlap (OverlapRule | Unset):
    """

    gap: GapRule | Unset = UNSET
    overlap: OverlapRule | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        gap: str | Unset = UNSET
        if not isinstance(self.gap, Unset):
            gap = self.gap.value

        overlap: str | Unset = UNSET
        if not isinstance(self.overlap, Unset):
            overlap = self.overlap.value

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if gap is not UNSET:
            field_dict["gap"] = gap
        if overlap is not UNSET:
            field_dict["overlap"] = overlap

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _gap = d.pop("gap", UNSET)
        gap: GapRule | Unset
        if isinstance(_gap, Unset):
            gap = UNSET
        else:
            gap = GapRule(_gap)

        _overlap = d.pop("overlap", UNSET)
        overlap: OverlapRule | Unset
        if isinstance(_overlap, Unset):
            overlap = UNSET
        else:
            overlap = OverlapRule(_overlap)

        dst_rules = cls(
            gap=gap,
            overlap=overlap,
        )

        return dst_rules
