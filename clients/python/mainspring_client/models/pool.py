from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="Pool")


@_attrs_define
class Pool:
    """
    Attributes:
        name (str): Name of the pool
        slots (int): Number of slots; -1 = no limit
        description (None | str): Purpose of the pool in a sentence; null = none
        include_deferred (bool): Whether deferred task instances hold their slots
        occupied_slots (int): Slots that task instances hold
        running_slots (int): Slots of running task instances
        queued_slots (int): Slots of queued task instances
        scheduled_slots (int): Slots that ready task instances wait for
        open_slots (int): Free slots; -1 = no limit
        deferred_slots (int): Slots of deferred task instances
        team_name (None | str): Always null: the server has no teams
    """

    name: str
    slots: int
    description: None | str
    include_deferred: bool
    occupied_slots: int
    running_slots: int
    queued_slots: int
    scheduled_slots: int
    open_slots: int
    deferred_slots: int
    team_name: None | str
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        slots = self.slots

        description: None | str
        description = self.description

        include_deferred = self.include_deferred

        occupied_slots = self.occupied_slots

        running_slots = self.running_slots

        queued_slots = self.queued_slots

        scheduled_slots = self.scheduled_slots

        open_slots = self.open_slots

        deferred_slots = self.deferred_slots

        team_name: None | str
        team_name = self.team_name

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "name": name,
                "slots": slots,
                "description": description,
                "include_deferred": include_deferred,
                "occupied_slots": occupied_slots,
                "running_slots": running_slots,
                "queued_slots": queued_slots,
                "scheduled_slots": scheduled_slots,
                "open_slots": open_slots,
                "deferred_slots": deferred_slots,
                "team_name": team_name,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        name = d.pop("name")

        slots = d.pop("slots")

        def _parse_description(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        description = _parse_description(d.pop("description"))

        include_deferred = d.pop("include_deferred")

        occupied_slots = d.pop("occupied_slots")

        running_slots = d.pop("running_slots")

        queued_slots = d.pop("queued_slots")

        scheduled_slots = d.pop("scheduled_slots")

        open_slots = d.pop("open_slots")

        deferred_slots = d.pop("deferred_slots")

        def _parse_team_name(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        team_name = _parse_team_name(d.pop("team_name"))

        pool = cls(
            name=name,
            slots=slots,
            description=description,
            include_deferred=include_deferred,
            occupied_slots=occupied_slots,
            running_slots=running_slots,
            queued_slots=queued_slots,
            scheduled_slots=scheduled_slots,
            open_slots=open_slots,
            deferred_slots=deferred_slots,
            team_name=team_name,
        )

        pool.additional_properties = d
        return pool

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
