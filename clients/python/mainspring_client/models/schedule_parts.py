from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.match_rule import MatchRule
from ..models.schedule_alias import ScheduleAlias

T = TypeVar("T", bound="ScheduleParts")


@_attrs_define
class ScheduleParts:
    """
    Attributes:
        crons (list[str]): Cron lines of five or six fields, the seconds last; names such as `@daily` are spelled out
        interval_seconds (float | None): Seconds from one run to the next; null = not by elapsed time
        instants (int): Number of listed instants
        upstream (list[str]): DAGs whose ends make runs, each once, in the order written
        match (MatchRule):
        alias (None | ScheduleAlias): Name of a schedule that is no cron line; null = another schedule
        timezone (str): IANA zone of the cron lines
        excluded_dates (int): Number of listed days without a run
        excluded_calendars (list[str]): Calendars of holidays, which have no run
    """

    crons: list[str]
    interval_seconds: float | None
    instants: int
    upstream: list[str]
    match: MatchRule
    alias: None | ScheduleAlias
    timezone: str
    excluded_dates: int
    excluded_calendars: list[str]
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        crons = self.crons

        interval_seconds: float | None
        interval_seconds = self.interval_seconds

        instants = self.instants

        upstream = self.upstream

        match = self.match.value

        alias: None | str
        if isinstance(self.alias, ScheduleAlias):
            alias = self.alias.value
        else:
            alias = self.alias

        timezone = self.timezone

        excluded_dates = self.excluded_dates

        excluded_calendars = self.excluded_calendars

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "crons": crons,
                "interval_seconds": interval_seconds,
                "instants": instants,
                "upstream": upstream,
                "match": match,
                "alias": alias,
                "timezone": timezone,
                "excluded_dates": excluded_dates,
                "excluded_calendars": excluded_calendars,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        crons = cast(list[str], d.pop("crons"))

        def _parse_interval_seconds(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        interval_seconds = _parse_interval_seconds(d.pop("interval_seconds"))

        instants = d.pop("instants")

        upstream = cast(list[str], d.pop("upstream"))

        match = MatchRule(d.pop("match"))

        def _parse_alias(data: object) -> None | ScheduleAlias:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                alias_type_0 = ScheduleAlias(data)

                return alias_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | ScheduleAlias, data)

        alias = _parse_alias(d.pop("alias"))

        timezone = d.pop("timezone")

        excluded_dates = d.pop("excluded_dates")

        excluded_calendars = cast(list[str], d.pop("excluded_calendars"))

        schedule_parts = cls(
            crons=crons,
            interval_seconds=interval_seconds,
            instants=instants,
            upstream=upstream,
            match=match,
            alias=alias,
            timezone=timezone,
            excluded_dates=excluded_dates,
            excluded_calendars=excluded_calendars,
        )

        schedule_parts.additional_properties = d
        return schedule_parts

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
