from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.database_health import DatabaseHealth
    from ..models.scheduler_health import SchedulerHealth
    from ..models.triggerer_health import TriggererHealth


T = TypeVar("T", bound="Health")


@_attrs_define
class Health:
    """
    Attributes:
        metadatabase (DatabaseHealth):
        scheduler (SchedulerHealth):
        triggerer (TriggererHealth):
    """

    metadatabase: DatabaseHealth
    scheduler: SchedulerHealth
    triggerer: TriggererHealth
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        metadatabase = self.metadatabase.to_dict()

        scheduler = self.scheduler.to_dict()

        triggerer = self.triggerer.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "metadatabase": metadatabase,
                "scheduler": scheduler,
                "triggerer": triggerer,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.database_health import DatabaseHealth  # noqa: PLC0415
        from ..models.scheduler_health import SchedulerHealth  # noqa: PLC0415
        from ..models.triggerer_health import TriggererHealth  # noqa: PLC0415

        d = dict(src_dict)
        metadatabase = DatabaseHealth.from_dict(d.pop("metadatabase"))

        scheduler = SchedulerHealth.from_dict(d.pop("scheduler"))

        triggerer = TriggererHealth.from_dict(d.pop("triggerer"))

        health = cls(
            metadatabase=metadatabase,
            scheduler=scheduler,
            triggerer=triggerer,
        )

        health.additional_properties = d
        return health

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
