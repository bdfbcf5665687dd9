from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="BackfillTotals")


@_attrs_define
class BackfillTotals:
    """
    Attributes:
        create (int): New runs
        rerun (int): Runs that run again
        keep (int): Runs that stay as they are
        excluded (int): Times that the schedule leaves out
    """

    create: int
    rerun: int
    keep: int
    excluded: int
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        create = self.create

        rerun = self.rerun

        keep = self.keep

        excluded = self.excluded

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "create": create,
                "rerun": rerun,
                "keep": keep,
                "excluded": excluded,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        create = d.pop("create")

        rerun = d.pop("rerun")

        keep = d.pop("keep")

        excluded = d.pop("excluded")

        backfill_totals = cls(
            create=create,
            rerun=rerun,
            keep=keep,
            excluded=excluded,
        )

        backfill_totals.additional_properties = d
        return backfill_totals

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
