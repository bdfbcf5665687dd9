from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="ExecutionApiHealth")


@_attrs_define
class ExecutionApiHealth:
    """
    Attributes:
        status (None | str): `healthy` or `unhealthy`; null = no process was ever started
        latest_execution_api_heartbeat (datetime.datetime | None): Latest heartbeat of an execution API; null = none yet
        alive (int): Number of execution APIs that are alive
    """

    status: None | str
    latest_execution_api_heartbeat: datetime.datetime | None
    alive: int
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        status: None | str
        status = self.status

        latest_execution_api_heartbeat: None | str
        if isinstance(self.latest_execution_api_heartbeat, datetime.datetime):
            latest_execution_api_heartbeat = self.latest_execution_api_heartbeat.isoformat()
        else:
            latest_execution_api_heartbeat = self.latest_execution_api_heartbeat

        alive = self.alive

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "status": status,
                "latest_execution_api_heartbeat": latest_execution_api_heartbeat,
                "alive": alive,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_status(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        status = _parse_status(d.pop("status"))

        def _parse_latest_execution_api_heartbeat(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                latest_execution_api_heartbeat_type_0 = datetime.datetime.fromisoformat(data)

                return latest_execution_api_heartbeat_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        latest_execution_api_heartbeat = _parse_latest_execution_api_heartbeat(d.pop("latest_execution_api_heartbeat"))

        alive = d.pop("alive")

        execution_api_health = cls(
            status=status,
            latest_execution_api_heartbeat=latest_execution_api_heartbeat,
            alive=alive,
        )

        execution_api_health.additional_properties = d
        return execution_api_health

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
