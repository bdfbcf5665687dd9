from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.dry_run_backfill import DryRunBackfill


T = TypeVar("T", bound="DryRunBackfillCollection")


@_attrs_define
class DryRunBackfillCollection:
    """
    Attributes:
        backfills (list[DryRunBackfill]): Runs that the backfill would make, in order
        total_entries (int): Number of runs
    """

    backfills: list[DryRunBackfill]
    total_entries: int
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        backfills = []
        for backfills_item_data in self.backfills:
            backfills_item = backfills_item_data.to_dict()
            backfills.append(backfills_item)

        total_entries = self.total_entries

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "backfills": backfills,
                "total_entries": total_entries,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.dry_run_backfill import DryRunBackfill  # noqa: PLC0415

        d = dict(src_dict)
        backfills = []
        _backfills = d.pop("backfills")
        for backfills_item_data in _backfills:
            backfills_item = DryRunBackfill.from_dict(backfills_item_data)

            backfills.append(backfills_item)

        total_entries = d.pop("total_entries")

        dry_run_backfill_collection = cls(
            backfills=backfills,
            total_entries=total_entries,
        )

        dry_run_backfill_collection.additional_properties = d
        return dry_run_backfill_collection

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
