"""The search for the next time that a cron line names: cronsim's, with its way to the next day shortened."""

from calendar import monthrange
from collections.abc import Iterator
from copy import copy
from datetime import UTC, date, datetime, time

from cronsim import CronSim

__all__ = ["CronSearch"]

YEARS_MAX = 51
"""Ahead of which a day is looked for; cronsim ends its iteration where none of 50 years matches."""


class CronSearch(CronSim):
    """A parsed cron line of five fields.

    cronsim tries day after day, which costs a millisecond for lines such as `0 0 29 2 *`. The matching days of a month
    depend only on its length and first weekday, so they are computed once for each of these 28 shapes. Changes of the
    clocks are not its matter: in a zone, cronsim's finds depend on where it began.
    """

    def __init__(self, line: str) -> None:
        super().__init__(line, datetime(2026, 1, 1, tzinfo=UTC))
        self._days_by_shape: dict[tuple[int, int], tuple[int, ...]] = {}

    def after(self, wall: datetime) -> Iterator[datetime]:
        """What the line names later than `wall`, ascending; naive, as if the clocks never changed. Ends when nothing
        comes for 50 years."""
        search = copy(self)
        search.dt = wall.replace(microsecond=0)
        return search

    def advance_month(self) -> None:
        """Advance to the next matching day of any month."""
        today = self.dt.date()
        if today.month not in self.months or today.day not in self._days(today.year, today.month):
            self.dt = datetime.combine(self._next_day(today), time())

    def advance_day(self) -> bool:
        return False

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
