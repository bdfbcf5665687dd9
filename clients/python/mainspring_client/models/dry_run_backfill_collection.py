from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.backfill_slot import BackfillSlot
    from ..models.backfill_totals import BackfillTotals
    from ..models.dry_run_backfill import DryRunBackfill

from ..plain import as_dict

T = TypeVar("T", bound="DryRunBackfillCollection")


@_attrs_define
class DryRunBackfillCollection:
    """
    Attributes:
        backfills (list[DryRunBackfill]): Runs that the backfill would make, in order
        total_entries (int): Number of runs
        slots (list[BackfillSlot] | None): All slots of the range, earliest first; null unless `slots` is `all`
        totals (BackfillTotals | None): Null unless `slots` is `all`
        estimated_seconds (float | None): Estimate of the whole backfill; null = no estimate, or `slots` is not `all`
    """

    backfills: list[DryRunBackfill]
    total_entries: int
    slots: list[BackfillSlot] | None
    totals: BackfillTotals | None
    estimated_seconds: float | None
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.backfill_totals import BackfillTotals  # noqa: PLC0415

        backfills = []
        for backfills_item_data in self.backfills:
            backfills_item = as_dict(backfills_item_data)
            backfills.append(backfills_item)

        total_entries = self.total_entries

        slots: list[dict[str, Any]] | None
        if isinstance(self.slots, list):
            slots = []
            for slots_type_0_item_data in self.slots:
                slots_type_0_item = as_dict(slots_type_0_item_data)
                slots.append(slots_type_0_item)

        else:
            slots = self.slots

        totals: dict[str, Any] | None
        if isinstance(self.totals, BackfillTotals):
            totals = as_dict(self.totals)
        else:
            totals = self.totals

        estimated_seconds: float | None
        estimated_seconds = self.estimated_seconds

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "backfills": backfills,
                "total_entries": total_entries,
                "slots": slots,
                "totals": totals,
                "estimated_seconds": estimated_seconds,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.backfill_slot import BackfillSlot  # noqa: PLC0415
        from ..models.backfill_totals import BackfillTotals  # noqa: PLC0415
        from ..models.dry_run_backfill import DryRunBackfill  # noqa: PLC0415

        d = dict(src_dict)
        backfills = []
        _backfills = d.pop("backfills")
        for backfills_item_data in _backfills:
            backfills_item = DryRunBackfill.from_dict(backfills_item_data)

            backfills.append(backfills_item)

        total_entries = d.pop("total_entries")

        def _parse_slots(data: object) -> list[BackfillSlot] | None:
            if data is None:
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                slots_type_0 = []
                _slots_type_0 = data
                for slots_type_0_item_data in _slots_type_0:
                    slots_type_0_item = BackfillSlot.from_dict(slots_type_0_item_data)

                    slots_type_0.append(slots_type_0_item)

                return slots_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[BackfillSlot] | None, data)

        slots = _parse_slots(d.pop("slots"))

        def _parse_totals(data: object) -> BackfillTotals | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                totals_type_0 = BackfillTotals.from_dict(data)

                return totals_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(BackfillTotals | None, data)

        totals = _parse_totals(d.pop("totals"))

        def _parse_estimated_seconds(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        estimated_seconds = _parse_estimated_seconds(d.pop("estimated_seconds"))

        dry_run_backfill_collection = cls(
            backfills=backfills,
            total_entries=total_entries,
            slots=slots,
            totals=totals,
            estimated_seconds=estimated_seconds,
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
