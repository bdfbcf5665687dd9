from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="PlannedRun")


@_attrs_define
class PlannedRun:
    """
    Attributes:
        logical_date (datetime.datetime): Instant that the run stands for
        data_interval_start (datetime.datetime): Start of the interval that the run covers, inclusive
        data_interval_end (datetime.datetime): End of the interval that the run covers, exclusive
        run_after (datetime.datetime): Instant at which the run is due
        local_time (str): `run_after` in the schedule's time zone, ISO 8601 with offset
        moved (None | str): Effect of a change of the clocks on the due time; null = none
    """

    logical_date: datetime.datetime
    data_interval_start: datetime.datetime
    data_interval_end: datetime.datetime
    run_after: datetime.datetime
    local_time: str
    moved: None | str
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        logical_date = self.logical_date.isoformat()

        data_interval_start = self.data_interval_start.isoformat()

        data_interval_end = self.data_interval_end.isoformat()

        run_after = self.run_after.isoformat()

        local_time = self.local_time

        moved: None | str
        moved = self.moved

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "logical_date": logical_date,
                "data_interval_start": data_interval_start,
                "data_interval_end": data_interval_end,
                "run_after": run_after,
                "local_time": local_time,
                "moved": moved,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        logical_date = datetime.datetime.fromisoformat(d.pop("logical_date"))

        data_interval_start = datetime.datetime.fromisoformat(d.pop("data_interval_start"))

        data_interval_end = datetime.datetime.fromisoformat(d.pop("data_interval_end"))

        run_after = datetime.datetime.fromisoformat(d.pop("run_after"))

        local_time = d.pop("local_time")

        def _parse_moved(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        moved = _parse_moved(d.pop("moved"))

        planned_run = cls(
            logical_date=logical_date,
            data_interval_start=data_interval_start,
            data_interval_end=data_interval_end,
            run_after=run_after,
            local_time=local_time,
            moved=moved,
        )

        planned_run.additional_properties = d
        return planned_run

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
