from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.match_rule import MatchRule
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.dst_rules import DstRules
    from ..models.schedule_calendar import ScheduleCalendar
    from ..models.upstream_dag import UpstreamDag

from ..plain import as_dict

T = TypeVar("T", bound="Schedule")


@_attrs_define
class Schedule:
    """
    Attributes:
        cron (list[str] | str | Unset): One or several cron expressions with five fields, or six with the seconds last;
            `H` stands for a value that the id of the DAG determines.
        timezone (str | Unset): IANA name; UTC when absent.
        interval (str | Unset): Time from one run to the next.
        anchor (str | Unset): Instant from which the intervals are counted.
        at (list[str] | Unset): Instants at which a run is due.
        dst (DstRules | Unset):
        calendar (ScheduleCalendar | Unset):
        jitter (str | Unset): How far runs are spread after their instant.
        after (list[UpstreamDag] | Unset): DAGs whose runs make a run when they end.
        match (MatchRule | Unset):
        within (str | Unset): Time within which the ends must lie that make a run together; any time when absent.
    """

    cron: list[str] | str | Unset = UNSET
    timezone: str | Unset = UNSET
    interval: str | Unset = UNSET
    anchor: str | Unset = UNSET
    at: list[str] | Unset = UNSET
    dst: DstRules | Unset = UNSET
    calendar: ScheduleCalendar | Unset = UNSET
    jitter: str | Unset = UNSET
    after: list[UpstreamDag] | Unset = UNSET
    match: MatchRule | Unset = UNSET
    within: str | Unset = UNSET

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

        dst: dict[str, Any] | Unset = UNSET
        if not isinstance(self.dst, Unset):
            dst = as_dict(self.dst)

        calendar: dict[str, Any] | Unset = UNSET
        if not isinstance(self.calendar, Unset):
            calendar = as_dict(self.calendar)

        jitter = self.jitter

        after: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.after, Unset):
            after = []
            for after_item_data in self.after:
                after_item = as_dict(after_item_data)
                after.append(after_item)

        match: str | Unset = UNSET
        if not isinstance(self.match, Unset):
            match = self.match.value

        within = self.within

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
        if dst is not UNSET:
            field_dict["dst"] = dst
        if calendar is not UNSET:
            field_dict["calendar"] = calendar
        if jitter is not UNSET:
            field_dict["jitter"] = jitter
        if after is not UNSET:
            field_dict["after"] = after
        if match is not UNSET:
            field_dict["match"] = match
        if within is not UNSET:
            field_dict["within"] = within

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.dst_rules import DstRules  # noqa: PLC0415
        from ..models.schedule_calendar import ScheduleCalendar  # noqa: PLC0415
        from ..models.upstream_dag import UpstreamDag  # noqa: PLC0415

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

        _dst = d.pop("dst", UNSET)
        dst: DstRules | Unset
        if isinstance(_dst, Unset):
            dst = UNSET
        else:
            dst = DstRules.from_dict(_dst)

        _calendar = d.pop("calendar", UNSET)
        calendar: ScheduleCalendar | Unset
        if isinstance(_calendar, Unset):
            calendar = UNSET
        else:
            calendar = ScheduleCalendar.from_dict(_calendar)

        jitter = d.pop("jitter", UNSET)

        _after = d.pop("after", UNSET)
        after: list[UpstreamDag] | Unset = UNSET
        if _after is not UNSET:
            after = []
            for after_item_data in _after:
                after_item = UpstreamDag.from_dict(after_item_data)

                after.append(after_item)

        _match = d.pop("match", UNSET)
        match: MatchRule | Unset
        if isinstance(_match, Unset):
            match = UNSET
        else:
            match = MatchRule(_match)

        within = d.pop("within", UNSET)

        schedule = cls(
            cron=cron,
            timezone=timezone,
            interval=interval,
            anchor=anchor,
            at=at,
            dst=dst,
            calendar=calendar,
            jitter=jitter,
            after=after,
            match=match,
            within=within,
        )

        return schedule
