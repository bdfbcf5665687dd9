from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.browser_session import BrowserSession

from ..plain import as_dict

T = TypeVar("T", bound="BrowserSessionCollection")


@_attrs_define
class BrowserSessionCollection:
    """
    Attributes:
        sessions (list[BrowserSession]): Latest login first
        total_entries (int): Number of entries on all pages
    """

    sessions: list[BrowserSession]
    total_entries: int
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        sessions = []
        for sessions_item_data in self.sessions:
            sessions_item = as_dict(sessions_item_data)
            sessions.append(sessions_item)

        total_entries = self.total_entries

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "sessions": sessions,
                "total_entries": total_entries,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.browser_session import BrowserSession  # noqa: PLC0415

        d = dict(src_dict)
        sessions = []
        _sessions = d.pop("sessions")
        for sessions_item_data in _sessions:
            sessions_item = BrowserSession.from_dict(sessions_item_data)

            sessions.append(sessions_item)

        total_entries = d.pop("total_entries")

        browser_session_collection = cls(
            sessions=sessions,
            total_entries=total_entries,
        )

        browser_session_collection.additional_properties = d
        return browser_session_collection

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
