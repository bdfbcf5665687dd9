"""The search for the next time that a cron line names: cronsim's, with shorter ways to the next day and minute."""

from calendar import monthrange
from collections.abc import Collection, Iterator
from copy import copy
from datetime import UTC, date, datetime, time, timedelta

from cronsim import CronSim

from mainspring.definition.schedules import seconds_first

__all__ = ["CronSearch"]

_HOUR, _MINUTE = timedelta(hours=1), timedelta(minutes=1)
YEARS_MAX = 51
"""Ahead of which a day is looked for; cronsim ends its iteration where none of 50 years matches."""


class CronSearch(CronSim):
    """A parsed cron line of five fields, or of six fields with the seconds last.

    cronsim tries day after day, which costs a millisecond for lines such as `0 0 29 2 *`. The matching days of a month
    depend only on its length and first weekday, so they are computed once for each of these 28 shapes. It also counts
    seconds, hours and minutes one by one, which is most of the cost of lines such as `*/30 * * * *`. Changes of the
    clocks are not its matter: in a zone, cronsim's finds depend on where it began.
    """

    def __init__(self, line: str) -> None:
        super().__init__(seconds_first(line), datetime(2026, 1, 1, tzinfo=UTC))
        self._days_by_shape: dict[tuple[int, int], tuple[int, ...]] = {}
        self._hours_to_next = _distances(self.hours, 24)
        self._minutes_to_next = _distances(self.minutes, 60)

    def after(self, wall: datetime) -> Iterator[datetime]:
        """What the line names later than `wall`, ascending; naive, as if the clocks never changed. Ends when nothing
        comes for 50 years."""
        return self._minutes_after(wall) if self.seconds == {0} else self._seconds_after(wall)

    def _seconds_after(self, wall: datetime) -> Iterator[datetime]:
        seconds = [timedelta(seconds=second) for second in sorted(self.seconds)]
        for minute in self._minutes_after(wall - _MINUTE):
            yield from (minute + second for second in seconds if minute + second > wall)

    def _minutes_after(self, wall: datetime) -> Iterator[datetime]:
        search = copy(self)
        search.seconds = {0}
        search.dt = wall.replace(second=0, microsecond=0)
        return search

    def __next__(self) -> datetime:
        self.dt += _MINUTE
        self.advance()
        return self.dt

    def advance_month(self) -> None:
        """Advance to the next matching day of any month."""
        today = self.dt.date()
        if today.month not in self.months or today.day not in self._days(today.year, today.month):
            self.dt = datetime.combine(self._next_day(today), time())

    def advance_day(self) -> bool:
        return False

    def advance_hour(self) -> bool:
        """Advance to the next matching hour of the day, or to the next day."""
        distance = self._hours_to_next[self.dt.hour]
        if distance:
            self.dt = self.dt.replace(minute=0) + distance * _HOUR
        return distance > 0

    def advance_minute(self) -> bool:
        """Advance to the next matching minute of the hour, or to the next hour."""
        distance = self._minutes_to_next[self.dt.minute]
        if distance:
            self.dt += distance * _MINUTE
        return distance > 0

    def _next_day(self, today: date) -> date:
        """Later than `today`."""
        months = sorted(self.months)
        for year in range(today.year, today.year + YEARS_MAX):
            for month in months if year > today.year else (month for month in months if month >= today.month):
                least = today.day if (year, month) == (today.year, today.month) else 0
                day = next((day for day in self._days(year, month) if day > least), None)
                if day is not None:
                    return date(year, month, day)
        return date(today.year + YEARS_MAX, 1, 1)

    def _days(self, year: int, month: int) -> tuple[int, ...]:
        """The days of a month that match."""
        shape = monthrange(year, month)
        matching = self._days_by_shape.get(shape)
        if matching is None:
            days = (date(year, month, day) for day in range(1, shape[1] + 1))
            matching = self._days_by_shape[shape] = tuple(day.day for day in days if self.match_day(day))
        return matching


def _distances(matching: Collection[int], count: int) -> tuple[int, ...]:
    """From each of `count` values to the next matching value, or to `count`."""
    return tuple(
        min((each - value for each in matching if each >= value), default=count - value) for value in range(count)
    )
