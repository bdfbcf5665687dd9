from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.scheduler_health_refused_starts import SchedulerHealthRefusedStarts

from ..plain import as_dict

T = TypeVar("T", bound="SchedulerHealth")


@_attrs_define
class SchedulerHealth:
    """
    Attributes:
        status (None | str): `healthy` or `unhealthy`
        latest_scheduler_heartbeat (datetime.datetime | None): Latest heartbeat of a scheduler; null = none yet
        alive (int): Number of schedulers that are alive
        clock_offset_seconds (float | None): How far the clock that is furthest off is from the database's; null =
            nobody has looked. A scheduler whose clock is off by 30 or more creates no runs, and is unhealthy
        refused_starts (SchedulerHealthRefusedStarts): Executors whose machine has no room for another task at present
            (disk, processes, descriptors, memory), each with the cause. Tasks wait there, and pay no try
        retention (None | str): Policy by which a living scheduler deletes history; null = no scheduler is alive
        schedules_held (bool): Whether schedules and backfills make no runs, because the instance was restored from a
            backup; `mainspring restore --resume` ends that
    """

    status: None | str
    latest_scheduler_heartbeat: datetime.datetime | None
    alive: int
    clock_offset_seconds: float | None
    refused_starts: SchedulerHealthRefusedStarts
    retention: None | str
    schedules_held: bool
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        status: None | str
        status = self.status

        latest_scheduler_heartbeat: None | str
        if isinstance(self.latest_scheduler_heartbeat, datetime.datetime):
            latest_scheduler_heartbeat = self.latest_scheduler_heartbeat.isoformat()
        else:
            latest_scheduler_heartbeat = self.latest_scheduler_heartbeat

        alive = self.alive

        clock_offset_seconds: float | None
        clock_offset_seconds = self.clock_offset_seconds

        refused_starts = as_dict(self.refused_starts)

        retention: None | str
        retention = self.retention

        schedules_held = self.schedules_held

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "status": status,
                "latest_scheduler_heartbeat": latest_scheduler_heartbeat,
                "alive": alive,
                "clock_offset_seconds": clock_offset_seconds,
                "refused_starts": refused_starts,
                "retention": retention,
                "schedules_held": schedules_held,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.scheduler_health_refused_starts import (
            SchedulerHealthRefusedStarts,  # noqa: PLC0415
        )

        d = dict(src_dict)

        def _parse_status(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        status = _parse_status(d.pop("status"))

        def _parse_latest_scheduler_heartbeat(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                latest_scheduler_heartbeat_type_0 = datetime.datetime.fromisoformat(data)

                return latest_scheduler_heartbeat_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        latest_scheduler_heartbeat = _parse_latest_scheduler_heartbeat(d.pop("latest_scheduler_heartbeat"))

        alive = d.pop("alive")

        def _parse_clock_offset_seconds(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        clock_offset_seconds = _parse_clock_offset_seconds(d.pop("clock_offset_seconds"))

        refused_starts = SchedulerHealthRefusedStarts.from_dict(d.pop("refused_starts"))

        def _parse_retention(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        retention = _parse_retention(d.pop("retention"))

        schedules_held = d.pop("schedules_held")

        scheduler_health = cls(
            status=status,
            latest_scheduler_heartbeat=latest_scheduler_heartbeat,
            alive=alive,
            clock_offset_seconds=clock_offset_seconds,
            refused_starts=refused_starts,
            retention=retention,
            schedules_held=schedules_held,
        )

        scheduler_health.additional_properties = d
        return scheduler_health

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
