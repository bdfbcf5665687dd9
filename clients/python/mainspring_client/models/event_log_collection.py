from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.event_log import EventLog

from ..plain import as_dict

T = TypeVar("T", bound="EventLogCollection")


@_attrs_define
class EventLogCollection:
    """
    Attributes:
        event_logs (list[EventLog]): Entries of this page
        total_entries (int): Number of entries on all pages
    """

    event_logs: list[EventLog]
    total_entries: int
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        event_logs = []
        for event_logs_item_data in self.event_logs:
            event_logs_item = as_dict(event_logs_item_data)
            event_logs.append(event_logs_item)

        total_entries = self.total_entries

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "event_logs": event_logs,
                "total_entries": total_entries,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.event_log import EventLog  # noqa: PLC0415

        d = dict(src_dict)
        event_logs = []
        _event_logs = d.pop("event_logs")
        for event_logs_item_data in _event_logs:
            event_logs_item = EventLog.from_dict(event_logs_item_data)

            event_logs.append(event_logs_item)

        total_entries = d.pop("total_entries")

        event_log_collection = cls(
            event_logs=event_logs,
            total_entries=total_entries,
        )

        event_log_collection.additional_properties = d
        return event_log_collection

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
