from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.dag_run_state import DagRunState

if TYPE_CHECKING:
    from ..models.current_version import CurrentVersion
    from ..models.next_run import NextRun
    from ..models.schedule_parts import ScheduleParts

from ..plain import as_dict

T = TypeVar("T", bound="DagOverviewRow")


@_attrs_define
class DagOverviewRow:
    """
    Attributes:
        dag_id (str): Identifier of the DAG
        tags (list[str]): Labels of the DAG, sorted
        owners (list[str]): Owners of the DAG's tasks
        is_paused (bool): Pause of the DAG: no run starts, and the schedule makes no runs
        paused_by (None | str): Who paused the DAG; null = unknown, or no pause
        paused_at (datetime.datetime | None): Begin of the pause; null = unknown, or no pause
        state (DagRunState | None): State of the latest run; null = no run
        timetable_description (None | str): Schedule in words
        timezone (None | str): IANA name of the schedule's time zone
        schedule (None | ScheduleParts): Null = no schedule
        next_ (NextRun | None): Null = no run is planned
        version (CurrentVersion):
        median_duration (float | None): Median seconds of the successful runs in `runs`; null = none succeeded
        runs (list[list[Any]]): Latest due runs, oldest first
    """

    dag_id: str
    tags: list[str]
    owners: list[str]
    is_paused: bool
    paused_by: None | str
    paused_at: datetime.datetime | None
    state: DagRunState | None
    timetable_description: None | str
    timezone: None | str
    schedule: None | ScheduleParts
    next_: NextRun | None
    version: CurrentVersion
    median_duration: float | None
    runs: list[list[Any]]
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.next_run import NextRun  # noqa: PLC0415
        from ..models.schedule_parts import ScheduleParts  # noqa: PLC0415

        dag_id = self.dag_id

        tags = self.tags

        owners = self.owners

        is_paused = self.is_paused

        paused_by: None | str
        paused_by = self.paused_by

        paused_at: None | str
        if isinstance(self.paused_at, datetime.datetime):
            paused_at = self.paused_at.isoformat()
        else:
            paused_at = self.paused_at

        state: None | str
        if isinstance(self.state, DagRunState):
            state = self.state.value
        else:
            state = self.state

        timetable_description: None | str
        timetable_description = self.timetable_description

        timezone: None | str
        timezone = self.timezone

        schedule: dict[str, Any] | None
        if isinstance(self.schedule, ScheduleParts):
            schedule = as_dict(self.schedule)
        else:
            schedule = self.schedule

        next_: dict[str, Any] | None
        if isinstance(self.next_, NextRun):
            next_ = as_dict(self.next_)
        else:
            next_ = self.next_

        version = as_dict(self.version)

        median_duration: float | None
        median_duration = self.median_duration

        runs = []
        for runs_item_data in self.runs:
            runs_item = runs_item_data

            runs.append(runs_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "dag_id": dag_id,
                "tags": tags,
                "owners": owners,
                "is_paused": is_paused,
                "paused_by": paused_by,
                "paused_at": paused_at,
                "state": state,
                "timetable_description": timetable_description,
                "timezone": timezone,
                "schedule": schedule,
                "next": next_,
                "version": version,
                "median_duration": median_duration,
                "runs": runs,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.current_version import CurrentVersion  # noqa: PLC0415
        from ..models.next_run import NextRun  # noqa: PLC0415
        from ..models.schedule_parts import ScheduleParts  # noqa: PLC0415

        d = dict(src_dict)
        dag_id = d.pop("dag_id")

        tags = cast(list[str], d.pop("tags"))

        owners = cast(list[str], d.pop("owners"))

        is_paused = d.pop("is_paused")

        def _parse_paused_by(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        paused_by = _parse_paused_by(d.pop("paused_by"))

        def _parse_paused_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                paused_at_type_0 = datetime.datetime.fromisoformat(data)

                return paused_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        paused_at = _parse_paused_at(d.pop("paused_at"))

        def _parse_state(data: object) -> DagRunState | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                state_type_0 = DagRunState(data)

                return state_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(DagRunState | None, data)

        state = _parse_state(d.pop("state"))

        def _parse_timetable_description(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        timetable_description = _parse_timetable_description(d.pop("timetable_description"))

        def _parse_timezone(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        timezone = _parse_timezone(d.pop("timezone"))

        def _parse_schedule(data: object) -> None | ScheduleParts:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                schedule_type_0 = ScheduleParts.from_dict(data)

                return schedule_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | ScheduleParts, data)

        schedule = _parse_schedule(d.pop("schedule"))

        def _parse_next_(data: object) -> NextRun | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                next_type_0 = NextRun.from_dict(data)

                return next_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(NextRun | None, data)

        next_ = _parse_next_(d.pop("next"))

        version = CurrentVersion.from_dict(d.pop("version"))

        def _parse_median_duration(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        median_duration = _parse_median_duration(d.pop("median_duration"))

        runs = []
        _runs = d.pop("runs")
        for runs_item_data in _runs:
            runs_item = cast(list[Any], runs_item_data)

            runs.append(runs_item)

        dag_overview_row = cls(
            dag_id=dag_id,
            tags=tags,
            owners=owners,
            is_paused=is_paused,
            paused_by=paused_by,
            paused_at=paused_at,
            state=state,
            timetable_description=timetable_description,
            timezone=timezone,
            schedule=schedule,
            next_=next_,
            version=version,
            median_duration=median_duration,
            runs=runs,
        )

        dag_overview_row.additional_properties = d
        return dag_overview_row

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
