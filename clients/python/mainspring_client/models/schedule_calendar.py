from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

T = TypeVar("T", bound="ScheduleCalendar")


@_attrs_define
class ScheduleCalendar:
    """
    Attributes:
        exclude (list[str]): Dates, and names of calendars: a country (DE), a part of one (DE-BY), a market (NYSE).
    """

    exclude: list[str]

    def to_dict(self) -> dict[str, Any]:
        exclude = self.exclude

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "exclude": exclude,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        exclude = cast(list[str], d.pop("exclude"))

        schedule_calendar = cls(
            exclude=exclude,
        )

        return schedule_calendar
