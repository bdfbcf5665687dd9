"""The local days that a schedule leaves out: listed dates, and the days of named calendars."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from mainspring.calendars import days_off
from mainspring.timetables.slots import HORIZON
from mainspring.timetables.wall_times import gap_end, instants_of

__all__ = ["ExcludedDays"]

_DAY = timedelta(days=1)


class ExcludedDays:
    """Local days of a zone on which no run is due. False when there are none."""

    def __init__(self, dates: tuple[date, ...], calendars: tuple[str, ...], zone: ZoneInfo) -> None:
        self._dates = frozenset(dates)
        self._calendars = calendars
        self._zone = zone

    def __bool__(self) -> bool:
        return bool(self._dates or self._calendars)

    @property
    def description(self) -> str:
        """In English, to stand after what the days are left out of."""
        dates = [f"{len(self._dates)} excluded dates"] if self._dates else []
        calendars = [f"holidays of {', '.join(self._calendars)}"] if self._calendars else []
        return "not on " + " or ".join(dates + calendars)

    def why(self, instant: datetime) -> str | None:
        """Why the local day of an instant is left out; None = it is not."""
        day = instant.astimezone(self._zone).date()
        if day in self._dates:
            return f"{day} is excluded by the calendar"
        for calendar in self._calendars:
            holiday = days_off(calendar, day.year).get(day)
            if holiday is not None:
                return f"{day}: {holiday} ({calendar})"
        return None

    def end_after(self, instant: datetime) -> datetime | None:
        """When the next local day begins that is not left out; None = the day of the instant is not excluded."""
        today = day = instant.astimezone(self._zone).date()
        while day.year <= HORIZON.year and self._holds(day):
            day += _DAY
        if day == today:
            return None
        midnight = datetime.combine(day, time())
        return (instants_of(midnight, self._zone) or (gap_end(midnight, self._zone),))[0]

    def _holds(self, day: date) -> bool:
        return day in self._dates or any(day in days_off(calendar, day.year) for calendar in self._calendars)
