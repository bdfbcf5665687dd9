from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="Signal")


@_attrs_define
class Signal:
    """
    Attributes:
        signal_id (int): Id of the signal; ascending in the order of the signals
        name (str): Name of the signal, as the definition has it Example: paid.
        value (Any): JSON value of the signal Example: {'amount': 120}.
        sent_by (str): Name of the user or token that sent the signal
        sent_at (datetime.datetime): Instant at which the server got the signal
        taken_by (None | str): Id of the task that took the signal; null = no task has
        taken_by_map_index (int | None): Map index of the instance that took the signal; -1 = not mapped, null = none
            has
        taken_at (datetime.datetime | None): Instant at which the task took the signal; null = no task has
    """

    signal_id: int
    name: str
    value: Any
    sent_by: str
    sent_at: datetime.datetime
    taken_by: None | str
    taken_by_map_index: int | None
    taken_at: datetime.datetime | None
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        signal_id = self.signal_id

        name = self.name

        value = self.value

        sent_by = self.sent_by

        sent_at = self.sent_at.isoformat()

        taken_by: None | str
        taken_by = self.taken_by

        taken_by_map_index: int | None
        taken_by_map_index = self.taken_by_map_index

        taken_at: None | str
        if isinstance(self.taken_at, datetime.datetime):
            taken_at = self.taken_at.isoformat()
        else:
            taken_at = self.taken_at

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "signal_id": signal_id,
                "name": name,
                "value": value,
                "sent_by": sent_by,
                "sent_at": sent_at,
                "taken_by": taken_by,
                "taken_by_map_index": taken_by_map_index,
                "taken_at": taken_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        signal_id = d.pop("signal_id")

        name = d.pop("name")

        value = d.pop("value")

        sent_by = d.pop("sent_by")

        sent_at = datetime.datetime.fromisoformat(d.pop("sent_at"))

        def _parse_taken_by(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        taken_by = _parse_taken_by(d.pop("taken_by"))

        def _parse_taken_by_map_index(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        taken_by_map_index = _parse_taken_by_map_index(d.pop("taken_by_map_index"))

        def _parse_taken_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                taken_at_type_0 = datetime.datetime.fromisoformat(data)

                return taken_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        taken_at = _parse_taken_at(d.pop("taken_at"))

        signal = cls(
            signal_id=signal_id,
            name=name,
            value=value,
            sent_by=sent_by,
            sent_at=sent_at,
            taken_by=taken_by,
            taken_by_map_index=taken_by_map_index,
            taken_at=taken_at,
        )

        signal.additional_properties = d
        return signal

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
