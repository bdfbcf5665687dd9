from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="BackfillProgress")


@_attrs_define
class BackfillProgress:
    """
    Attributes:
        slots_total (int): Slots in the range
        slots_done (int): Slots that the scheduler has handled
        slots_skipped (int): Slots whose existing run was left unchanged
        runs_queued (int): Runs of the backfill that are queued
        runs_running (int): Runs of the backfill that are running
        runs_success (int): Runs of the backfill that have succeeded
        runs_failed (int): Runs of the backfill that have failed
        estimated_completion_at (datetime.datetime | None): Estimate from the pace of the latest runs; null = no
            estimate
    """

    slots_total: int
    slots_done: int
    slots_skipped: int
    runs_queued: int
    runs_running: int
    runs_success: int
    runs_failed: int
    estimated_completion_at: datetime.datetime | None
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        slots_total = self.slots_total

        slots_done = self.slots_done

        slots_skipped = self.slots_skipped

        runs_queued = self.runs_queued

        runs_running = self.runs_running

        runs_success = self.runs_success

        runs_failed = self.runs_failed

        estimated_completion_at: None | str
        if isinstance(self.estimated_completion_at, datetime.datetime):
            estimated_completion_at = self.estimated_completion_at.isoformat()
        else:
            estimated_completion_at = self.estimated_completion_at

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "slots_total": slots_total,
                "slots_done": slots_done,
                "slots_skipped": slots_skipped,
                "runs_queued": runs_queued,
                "runs_running": runs_running,
                "runs_success": runs_success,
                "runs_failed": runs_failed,
                "estimated_completion_at": estimated_completion_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        slots_total = d.pop("slots_total")

        slots_done = d.pop("slots_done")

        slots_skipped = d.pop("slots_skipped")

        runs_queued = d.pop("runs_queued")

        runs_running = d.pop("runs_running")

        runs_success = d.pop("runs_success")

        runs_failed = d.pop("runs_failed")

        def _parse_estimated_completion_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                estimated_completion_at_type_0 = datetime.datetime.fromisoformat(data)

                return estimated_completion_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        estimated_completion_at = _parse_estimated_completion_at(d.pop("estimated_completion_at"))

        backfill_progress = cls(
            slots_total=slots_total,
            slots_done=slots_done,
            slots_skipped=slots_skipped,
            runs_queued=runs_queued,
            runs_running=runs_running,
            runs_success=runs_success,
            runs_failed=runs_failed,
            estimated_completion_at=estimated_completion_at,
        )

        backfill_progress.additional_properties = d
        return backfill_progress

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
