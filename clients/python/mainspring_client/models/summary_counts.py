from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="SummaryCounts")


@_attrs_define
class SummaryCounts:
    """
    Attributes:
        running (int): Running runs
        queued (int): Runs that are due and wait
        failing (int): DAGs whose latest finished run failed
        late (int): Runs that were due a minute ago or more and have not begun
        approvals (int): Tasks that wait for an answer
        runs_24h (int): Runs that were due in the last 24 hours
        success_24h (int): Successful runs among `runs_24h`
    """

    running: int
    queued: int
    failing: int
    late: int
    approvals: int
    runs_24h: int
    success_24h: int
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        running = self.running

        queued = self.queued

        failing = self.failing

        late = self.late

        approvals = self.approvals

        runs_24h = self.runs_24h

        success_24h = self.success_24h

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "running": running,
                "queued": queued,
                "failing": failing,
                "late": late,
                "approvals": approvals,
                "runs_24h": runs_24h,
                "success_24h": success_24h,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        running = d.pop("running")

        queued = d.pop("queued")

        failing = d.pop("failing")

        late = d.pop("late")

        approvals = d.pop("approvals")

        runs_24h = d.pop("runs_24h")

        success_24h = d.pop("success_24h")

        summary_counts = cls(
            running=running,
            queued=queued,
            failing=failing,
            late=late,
            approvals=approvals,
            runs_24h=runs_24h,
            success_24h=success_24h,
        )

        summary_counts.additional_properties = d
        return summary_counts

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
