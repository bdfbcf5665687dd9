from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="Schedule")


@_attrs_define
class Schedule:
    """
    Attributes:
        cron (list[str] | str | Unset):
        timezone (str | Unset): IANA name; UTC when absent.
        interval (str | Unset): ISO 8601 (`PT15M`) or short (`15m`, `1h30m`, `20s`, `250ms`).
        anchor (str | Unset): RFC 3339 with an offset, or a date (midnight UTC).
        at (list[str] | Unset):
    """

    cron: list[str] | str | Unset = UNSET
    timezone: str | Unset = UNSET
    interval: str | Unset = UNSET
    anchor: str | Unset = UNSET
    at: list[str] | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        cron: list[str] | str | Unset
        if isinstance(self.cron, Unset):
            cron = UNSET
        elif isinstance(self.cron, list):
            cron = self.cron

        else:
            cron = self.cron

        timezone = self.timezone

        interval = self.interval

        anchor = self.anchor

        at: list[str] | Unset = UNSET
        if not isinstance(self.at, Unset):
            at = self.at

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if cron is not UNSET:
            field_dict["cron"] = cron
        if timezone is not UNSET:
            field_dict["timezone"] = timezone
        if interval is not UNSET:
            field_dict["interval"] = interval
        if anchor is not UNSET:
            field_dict["anchor"] = anchor
        if at is not UNSET:
            field_dict["at"] = at

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_cron(data: object) -> list[str] | str | Unset:
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                cron_type_0 = cast(list[str], data)

                return cron_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[str] | str | Unset, data)

        cron = _parse_cron(d.pop("cron", UNSET))

        timezone = d.pop("timezone", UNSET)

        interval = d.pop("interval", UNSET)

        anchor = d.pop("anchor", UNSET)

        at = cast(list[str], d.pop("at", UNSET))

        schedule = cls(
            cron=cron,
            timezone=timezone,
            interval=interval,
            anchor=anchor,
            at=at,
        )

        return schedule
