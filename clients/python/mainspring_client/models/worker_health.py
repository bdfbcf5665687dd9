from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.worker_health_refused_starts import WorkerHealthRefusedStarts

from ..plain import as_dict

T = TypeVar("T", bound="WorkerHealth")


@_attrs_define
class WorkerHealth:
    """
    Attributes:
        status (None | str): `healthy` or `unhealthy`; null = no worker was ever started
        latest_worker_heartbeat (datetime.datetime | None): Latest heartbeat of a worker; null = none yet
        alive (int): Number of workers that are alive
        refused_starts (WorkerHealthRefusedStarts): Why machines of workers have no room for another task at present,
            each cause with the number of workers. Tasks wait there or go to another worker, and pay no try
    """

    status: None | str
    latest_worker_heartbeat: datetime.datetime | None
    alive: int
    refused_starts: WorkerHealthRefusedStarts
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        status: None | str
        status = self.status

        latest_worker_heartbeat: None | str
        if isinstance(self.latest_worker_heartbeat, datetime.datetime):
            latest_worker_heartbeat = self.latest_worker_heartbeat.isoformat()
        else:
            latest_worker_heartbeat = self.latest_worker_heartbeat

        alive = self.alive

        refused_starts = as_dict(self.refused_starts)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "status": status,
                "latest_worker_heartbeat": latest_worker_heartbeat,
                "alive": alive,
                "refused_starts": refused_starts,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.worker_health_refused_starts import WorkerHealthRefusedStarts  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_status(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        status = _parse_status(d.pop("status"))

        def _parse_latest_worker_heartbeat(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                latest_worker_heartbeat_type_0 = datetime.datetime.fromisoformat(data)

                return latest_worker_heartbeat_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        latest_worker_heartbeat = _parse_latest_worker_heartbeat(d.pop("latest_worker_heartbeat"))

        alive = d.pop("alive")

        refused_starts = WorkerHealthRefusedStarts.from_dict(d.pop("refused_starts"))

        worker_health = cls(
            status=status,
            latest_worker_heartbeat=latest_worker_heartbeat,
            alive=alive,
            refused_starts=refused_starts,
        )

        worker_health.additional_properties = d
        return worker_health

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
