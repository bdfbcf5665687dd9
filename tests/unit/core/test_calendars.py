"""Calendars by name: which there are, which days they hold, and what a schedule makes of them."""

import re
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path
from statistics import median
from zoneinfo import ZoneInfo

import pytest

from mainspring.calendars import calendar_hint, days_off, is_calendar
from mainspring.definition.model import Schedule
from mainspring.timetables import next_slot, slots_between, timetable_of
from tests.services.environment import child_environment
from tests.services.reference_work import is_within

PAGE = (Path(__file__).parents[3] / "docs" / "schedules.md").read_text()
DAYS = re.findall(r"^\| `([^`]+)` \| (\d{4}-\d\d-\d\d) \| ([^|]+) \|$", PAGE, re.MULTILINE)
BERLIN = "Europe/Berlin"


def due_days(first: date, count: int, **more: object) -> list[str]:
    """The local days on which something is due at 02:30 in Berlin."""
    timetable = timetable_of(Schedule(crons=("30 2 * * *",), timezone=BERLIN, **more))  # type: ignore[arg-type]
    begin = datetime(first.year, first.month, first.day, tzinfo=UTC) - timedelta(hours=1)
    due = islice((slot.run_after for slot in timetable.from_(begin)), count)
    return [f"{one.astimezone(ZoneInfo(BERLIN)):%m-%d}" for one in due]


def test_the_page_has_its_table_of_days() -> None:
    assert len(DAYS) == 6


@pytest.mark.parametrize(("name", "day", "what"), DAYS)
def test_the_table_of_days_is_true(name: str, day: str, what: str) -> None:
    assert days_off(name, int(day[:4])).get(date.fromisoformat(day), "no holiday") == what.strip()


@pytest.mark.parametrize(
    ("name", "day", "is_off"),
    [
        pytest.param("DE", "2026-01-06", False, id="Epiphany is none of the whole country"),
        pytest.param("DE-BY", "2026-01-06", True, id="but of a part of it"),
        pytest.param("DE-BY", "2026-10-03", True, id="a part has the days of the country"),
        pytest.param("DE", "2000-10-03", True, id="the past"),
        pytest.param("NYSE", "2026-11-27", False, id="a short day is no day off"),
        pytest.param("NYSE", "2026-07-03", True, id="observed on the day before"),
        pytest.param("US", "2021-12-31", True, id="observed in the year before"),
        pytest.param("XECB", "2026-05-01", True, id="a market that has one language"),
        pytest.param("B3", "2026-12-25", True, id="a market of two characters"),
        pytest.param("FR-Zone A", "2026-07-14", True, id="a part with a space"),
    ],
)
def test_a_calendar_holds_its_days(name: str, day: str, is_off: bool) -> None:
    assert is_calendar(name)
    assert (date.fromisoformat(day) in days_off(name, int(day[:4]))) is is_off


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("de", "did you mean 'DE'?"),
        ("DE-by", "did you mean 'DE-BY'?"),
        ("nyse", "did you mean 'NYSE'?"),
        ("NYSEE", "did you mean 'NYSE'?"),
        ("DE-", "did you mean 'DE'?"),
        ("NYSE-X", "did you mean 'NYSE'?"),
        ("DE-XX", "parts of DE: BB, BE, BW, BY,"),
        ("XX", "use a country such as 'DE'"),
        ("Germany", "use a country such as 'DE'"),
        ("HolidayBase", "use a country such as 'DE'"),
        ("", "use a country such as 'DE'"),
    ],
)
def test_what_is_no_calendar_is_known_as_none_and_a_hint_is_given(name: str, hint: str) -> None:
    assert not is_calendar(name)
    assert calendar_hint(name).startswith(hint)
    with pytest.raises(ValueError, match="there is no calendar"):
        days_off(name, 2026)


@pytest.mark.parametrize("year", [1, 1582, 9999])
def test_any_year_can_be_asked_for(year: int) -> None:
    for name in ("DE-BY", "US", "NYSE", "XECB", "IL", "CN", "SA", "TH"):
        assert all(day.year == year for day in days_off(name, year))


def test_holidays_have_the_same_names_whatever_language_the_process_speaks() -> None:
    program = "from mainspring.calendars import days_off; print([*days_off('DE', 2026).values()])"
    environment = child_environment(LANGUAGE="de", LC_ALL="de_DE.UTF-8")
    told = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert "German Unity Day" in told.stdout


def test_the_library_is_not_loaded_before_a_schedule_names_a_calendar() -> None:
    program = """
import sys
from datetime import date
from mainspring.definition import parse_definition
from mainspring.timetables import timetable_of
parse_definition({"dag_id": "etl", "tasks": {"a": {"type": "noop"}}, "schedule": {
    "cron": "@daily", "calendar": {"exclude": ["2026-12-25"]}}})
print("holidays" in sys.modules)
"""
    told = subprocess.run(
        [sys.executable, "-c", program], env=child_environment(), capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "False"


def test_dates_and_calendars_are_left_out_together() -> None:
    days = due_days(date(2026, 12, 22), 5, excluded_dates=(date(2026, 12, 24),), excluded_calendars=("DE", "NYSE"))
    assert days == ["12-23", "12-27", "12-28", "12-29", "12-30"]


@pytest.mark.parametrize("zone", [BERLIN, "America/New_York", "Pacific/Apia", "America/Havana", "Africa/Cairo"])
@pytest.mark.parametrize("cron", ["*/30 * * * *", "0 0 * * *", "59 23 * * *", "15,45 0-3 * * 1-5"])
def test_what_is_due_is_what_is_due_without_a_calendar_but_for_its_days(cron: str, zone: str) -> None:
    names = ("WS", "CU", "EG", "DE", "US")
    first, last = datetime(2011, 12, 1, tzinfo=UTC), datetime(2012, 5, 20, tzinfo=UTC)

    def due(schedule: Schedule) -> list[datetime]:
        return [slot.run_after for slot in slots_between(timetable_of(schedule), first, last, due_by=last)]

    def is_open(instant: datetime) -> bool:
        day = instant.astimezone(ZoneInfo(zone)).date()
        return not any(day in days_off(name, day.year) for name in names)

    expected = [one for one in due(Schedule(crons=(cron,), timezone=zone)) if is_open(one)]
    found = due(Schedule(crons=(cron,), timezone=zone, excluded_calendars=names))
    # What comes first ends an interval that begins elsewhere.
    assert found == [one for one in expected if one >= found[0]]
    assert found[0] - first < timedelta(days=12)


def test_a_day_that_is_shown_twice_at_midnight_is_left_out_whole() -> None:
    # In St. John's the clocks went from 00:01 back to 23:01, so 1 November 2008 came, went and came again.
    zone = ZoneInfo("America/St_Johns")
    schedule = Schedule(
        crons=("*/10 * * * *",), timezone=zone.key, excluded_dates=(date(2008, 11, 1),), excluded_calendars=("CA",)
    )
    begin = datetime(2008, 10, 31, 12, tzinfo=UTC)
    slots = list(islice(timetable_of(schedule).from_(begin), 300))
    days = [slot.run_after.astimezone(zone).date() for slot in slots]
    assert date(2008, 11, 1) not in days
    assert {date(2008, 10, 31), date(2008, 11, 2), date(2008, 11, 3)} <= set(days)


def test_the_next_run_costs_little_with_calendars() -> None:
    now = datetime(2026, 12, 24, 22, 55, tzinfo=UTC)
    timetable = timetable_of(
        Schedule(crons=("*/5 * * * *",), timezone=BERLIN, excluded_calendars=("DE-BY", "NYSE", "XECB"))
    )

    def next_run() -> float:
        begun = time.process_time()
        slot = next_slot(timetable, after=None, start=now, end=None, catchup_max=1, now=now)
        assert slot is not None
        # From the last time of the 24th, over two holidays, to the first of the 27th.
        assert (slot.logical_date, slot.run_after) == (now, datetime(2026, 12, 26, 23, tzinfo=UTC))
        return time.process_time() - begun

    next_run()
    # 80 µs on a quiet machine; going through the 576 times of day of two holidays takes some milliseconds.
    assert is_within(median(next_run() for _ in range(200)), 1e-3)


def test_a_schedule_whose_only_day_is_a_holiday_has_no_slots() -> None:
    timetable = timetable_of(Schedule(crons=("0 9 25 12 *",), excluded_calendars=("DE",)))
    assert timetable.latest_due(datetime(2026, 6, 1, tzinfo=UTC)) is None
    assert list(timetable.from_(datetime(2026, 6, 1, tzinfo=UTC))) == []


def test_the_preview_of_a_timetable_tells_the_holiday_and_its_calendar() -> None:
    timetable = timetable_of(Schedule(crons=("0 9 * * *",), excluded_calendars=("DE", "NYSE")))
    told = sorted(timetable.dropped(datetime(2026, 11, 20, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)))
    assert [one.reason for one in told] == [
        "2026-11-26: Thanksgiving Day (NYSE)",
        "2026-12-25: Christmas Day (DE)",
        "2026-12-26: Second Day of Christmas (DE)",
    ]
    assert timetable.description.endswith("(UTC, not on holidays of DE, NYSE)")
