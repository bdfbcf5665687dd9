from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.json_object import JsonObject

from ..plain import as_dict

T = TypeVar("T", bound="TriggerPlan")


@_attrs_define
class TriggerPlan:
    """
    Attributes:
        params (JsonObject):
        version_number (int): Version of the DAG that the run would execute
        starts (str): `now` or `queued`
        reasons (list[str]): Why the run would wait, a sentence each
        instances (int): Number of tasks; a mapped task counts once
        estimated_seconds (float | None): Median duration of the latest successful runs; null = no run succeeded
    """

    params: JsonObject
    version_number: int
    starts: str
    reasons: list[str]
    instances: int
    estimated_seconds: float | None
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        params = as_dict(self.params)

        version_number = self.version_number

        starts = self.starts

        reasons = self.reasons

        instances = self.instances

        estimated_seconds: float | None
        estimated_seconds = self.estimated_seconds

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "params": params,
                "version_number": version_number,
                "starts": starts,
                "reasons": reasons,
                "instances": instances,
                "estimated_seconds": estimated_seconds,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.json_object import JsonObject  # noqa: PLC0415

        d = dict(src_dict)
        params = JsonObject.from_dict(d.pop("params"))

        version_number = d.pop("version_number")

        starts = d.pop("starts")

        reasons = cast(list[str], d.pop("reasons"))

        instances = d.pop("instances")

        def _parse_estimated_seconds(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        estimated_seconds = _parse_estimated_seconds(d.pop("estimated_seconds"))

        trigger_plan = cls(
            params=params,
            version_number=version_number,
            starts=starts,
            reasons=reasons,
            instances=instances,
            estimated_seconds=estimated_seconds,
        )

        trigger_plan.additional_properties = d
        return trigger_plan

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
