from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.dropped_time import DroppedTime
    from ..models.planned_run import PlannedRun

from ..plain import as_dict

T = TypeVar("T", bound="SchedulePreview")


@_attrs_define
class SchedulePreview:
    """
    Attributes:
        dag_id (str): Identifier of the DAG
        is_paused (bool): Pause of the DAG: no run is due while the DAG is paused
        timetable_summary (None | str): Schedule in short, as the definition spells it; null = no schedule
        timetable_description (str): Schedule in words
        timezone (str): IANA name of the schedule's time zone
        schedule_error (None | str): Fault that keeps the scheduler from planning the next run; null = none
        runs (list[PlannedRun]): Planned runs, soonest first
        dropped (list[DroppedTime]): Times that the clocks or the calendar leave out before the last of `runs`
    """

    dag_id: str
    is_paused: bool
    timetable_summary: None | str
    timetable_description: str
    timezone: str
    schedule_error: None | str
    runs: list[PlannedRun]
    dropped: list[DroppedTime]
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        dag_id = self.dag_id

        is_paused = self.is_paused

        timetable_summary: None | str
        timetable_summary = self.timetable_summary

        timetable_description = self.timetable_description

        timezone = self.timezone

        schedule_error: None | str
        schedule_error = self.schedule_error

        runs = []
        for runs_item_data in self.runs:
            runs_item = as_dict(runs_item_data)
            runs.append(runs_item)

        dropped = []
        for dropped_item_data in self.dropped:
            dropped_item = as_dict(dropped_item_data)
            dropped.append(dropped_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "dag_id": dag_id,
                "is_paused": is_paused,
                "timetable_summary": timetable_summary,
                "timetable_description": timetable_description,
                "timezone": timezone,
                "schedule_error": schedule_error,
                "runs": runs,
                "dropped": dropped,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.dropped_time import DroppedTime  # noqa: PLC0415
        from ..models.planned_run import PlannedRun  # noqa: PLC0415

        d = dict(src_dict)
        dag_id = d.pop("dag_id")

        is_paused = d.pop("is_paused")

        def _parse_timetable_summary(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        timetable_summary = _parse_timetable_summary(d.pop("timetable_summary"))

        timetable_description = d.pop("timetable_description")

        timezone = d.pop("timezone")

        def _parse_schedule_error(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        schedule_error = _parse_schedule_error(d.pop("schedule_error"))

        runs = []
        _runs = d.pop("runs")
        for runs_item_data in _runs:
            runs_item = PlannedRun.from_dict(runs_item_data)

            runs.append(runs_item)

        dropped = []
        _dropped = d.pop("dropped")
        for dropped_item_data in _dropped:
            dropped_item = DroppedTime.from_dict(dropped_item_data)

            dropped.append(dropped_item)

        schedule_preview = cls(
            dag_id=dag_id,
            is_paused=is_paused,
            timetable_summary=timetable_summary,
            timetable_description=timetable_description,
            timezone=timezone,
            schedule_error=schedule_error,
            runs=runs,
            dropped=dropped,
        )

        schedule_preview.additional_properties = d
        return schedule_preview

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
