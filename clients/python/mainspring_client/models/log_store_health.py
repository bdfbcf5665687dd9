from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="LogStoreHealth")


@_attrs_define
class LogStoreHealth:
    """
    Attributes:
        status (None | str): `unhealthy` when a scheduler could not use it lately: old logs cannot be read, and newer
            ones stay in the database; null = logs stay in the database, or no scheduler has used the store yet, or the
            instance is held after a restore
        cause (None | str): Why it is unhealthy: `unavailable` (away, full or read-only), `foreign` (it belongs to
            another instance, and is not used) or `stuck` (a scheduler has waited for it for two minutes); null = it is not
            unhealthy
        logs_failing (int): Number of ended tries whose logs a scheduler could not compress or move, and tries again
            within an hour; they can be read
    """

    status: None | str
    cause: None | str
    logs_failing: int
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        status: None | str
        status = self.status

        cause: None | str
        cause = self.cause

        logs_failing = self.logs_failing

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "status": status,
                "cause": cause,
                "logs_failing": logs_failing,
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

        def _parse_cause(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        cause = _parse_cause(d.pop("cause"))

        logs_failing = d.pop("logs_failing")

        log_store_health = cls(
            status=status,
            cause=cause,
            logs_failing=logs_failing,
        )

        log_store_health.additional_properties = d
        return log_store_health

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
