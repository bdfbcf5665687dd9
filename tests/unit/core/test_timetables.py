"""Timetables around every change of the clocks: slots rise, join, and are the same wherever one starts to look."""

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import pytest

from mainspring.definition.model import Schedule
from mainspring.timetables import Slot, Timetable, next_slot, slots_after, slots_between, timetable_of

CRONS = ("30 2 * * *", "0 0 * * *", "15 1,3 * * *", "45 */2 * * *", "*/20 * * * *", "0 * * * 0")
SAMPLE = (
    "UTC", "Europe/Berlin", "Europe/Dublin", "America/New_York", "America/Havana", "America/St_Johns",
    "America/Santiago", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Tehran", "Africa/Casablanca", "Antarctica/Troll",
)  # fmt: skip
FROM, TO = datetime(2015, 1, 1, tzinfo=UTC), datetime(2035, 12, 31, tzinfo=UTC)
TWO_DAYS = timedelta(days=2)
PAGE = (Path(__file__).parents[3] / "docs" / "schedules.md").read_text()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "zone" in metafunc.fixturenames:
        is_all = metafunc.config.getoption("--all-zones")
        metafunc.parametrize("zone", sorted(available_timezones()) if is_all else SAMPLE)


def transitions(zone: str) -> list[datetime]:
    """The instants at which the offset changes, found day by day and then by halving."""
    info = ZoneInfo(zone)

    def offset(instant: datetime) -> timedelta | None:
        return instant.astimezone(info).utcoffset()

    found = []
    day = FROM
    while day < TO:
        low, high = day, day + timedelta(days=1)
        if offset(low) != offset(high):
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) / 2
                low, high = (middle, high) if offset(middle) == offset(low) else (low, middle)
            found.append(high.replace(microsecond=0))
        day += timedelta(days=1)
    return found


def checked_transitions(zone: str) -> list[datetime]:
    """A few of each zone: the first and the last ones; their rule repeats from year to year."""
    found = transitions(zone)
    return found[:2] + found[-2:] if len(found) > 4 else found


def around(timetable: Timetable, instant: datetime) -> list[Slot]:
    return list(slots_between(timetable, instant - TWO_DAYS, instant + TWO_DAYS, due_by=TO))


@pytest.mark.parametrize("cron", CRONS)
def test_slots_around_a_change_of_the_clocks_rise_and_join(zone: str, cron: str) -> None:
    timetable = timetable_of(Schedule(crons=(cron,), timezone=zone))
    for instant in checked_transitions(zone):
        slots = around(timetable, instant)
        for slot in slots:
            assert slot.logical_date < slot.data_interval_end == slot.run_after
        for before, after in pairwise(slots):
            assert before.data_interval_end == after.logical_date


@pytest.mark.parametrize("cron", CRONS)
def test_slots_are_the_same_wherever_one_starts_to_look(zone: str, cron: str) -> None:
    timetable = timetable_of(Schedule(crons=(cron,), timezone=zone))
    for instant in checked_transitions(zone):
        slots = around(timetable, instant)
        for minutes in range(-200, 200, 17):
            start = instant + timedelta(minutes=minutes)
            later = [slot for slot in slots if slot.logical_date >= start]
            assert list(slots_between(timetable, start, instant + TWO_DAYS, due_by=TO)) == later
            due = [slot for slot in slots if slot.run_after <= start]
            assert timetable.latest_due(start) == (due[-1] if due else timetable.latest_due(start))


@pytest.mark.parametrize("cron", CRONS[:2])
def test_a_time_of_day_comes_due_once_on_every_local_day(zone: str, cron: str) -> None:
    timetable = timetable_of(Schedule(crons=(cron,), timezone=zone))
    for instant in checked_transitions(zone):
        days = [slot.run_after.astimezone(ZoneInfo(zone)).date() for slot in around(timetable, instant)]
        assert len(set(days)) == len(days)
        missing = {days[0] + timedelta(days=n) for n in range((days[-1] - days[0]).days)} - set(days)
        # Samoa had no 30 December 2011; since 2015 no zone has left out a day.
        assert not missing


def test_backwards_is_forwards_turned_round(zone: str) -> None:
    timetable = timetable_of(Schedule(crons=("30 2 * * *",), timezone=zone))
    for instant in checked_transitions(zone):
        bounds = (instant - TWO_DAYS, instant + TWO_DAYS)
        down = list(slots_between(timetable, *bounds, due_by=TO, is_backwards=True))
        assert down[::-1] == list(slots_between(timetable, *bounds, due_by=TO))


def test_planning_from_slot_to_slot_leaves_none_out(zone: str) -> None:
    timetable = timetable_of(Schedule(crons=("30 2 * * *",), timezone=zone))
    for instant in checked_transitions(zone):
        expected = around(timetable, instant)
        planned, after = [], None
        for slot in expected:
            # Asked when the one before has just become due.
            found = next_slot(
                timetable, after=after, start=expected[0].logical_date, end=None, catchup_max=1,
                now=planned[-1].run_after if planned else slot.logical_date,
            )  # fmt: skip
            assert found is not None
            planned.append(found)
            after = found.logical_date
        assert planned == expected


ROWS = re.findall(r"^\| `([^`]+)` \| (\S+) \| (\d{4}-\d\d-\d\d) \| ([^|]+) \|$", PAGE, re.MULTILINE)


def test_the_page_has_its_table() -> None:
    assert len(ROWS) == 10


@pytest.mark.parametrize(("cron", "zone_name", "day", "expected"), ROWS)
def test_the_table_of_the_page_is_true(cron: str, zone_name: str, day: str, expected: str) -> None:
    midnight = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone_name))
    following = (datetime.fromisoformat(day) + timedelta(days=1)).replace(tzinfo=ZoneInfo(zone_name))
    timetable = timetable_of(Schedule(crons=(cron,), timezone=zone_name))
    due = []
    for slot in slots_after(timetable, midnight.astimezone(UTC) - timedelta(seconds=1), start=None, end=None):
        if slot.run_after >= following:
            break
        due.append(f"{slot.run_after:%H:%M}")
    assert expected in (", ".join(due), f"{len(due)} times")


@pytest.mark.parametrize("year", [1, 9999])
@pytest.mark.parametrize(
    "schedule",
    [Schedule(crons=("0 0 * * *",), timezone="Pacific/Apia"), Schedule(interval=timedelta(hours=1)),
     Schedule(at=(datetime(2026, 1, 1, tzinfo=UTC),))],
    ids=["cron", "interval", "at"],
)  # fmt: skip
def test_the_ends_of_the_calendar_are_no_fault(schedule: Schedule, year: int) -> None:
    timetable = timetable_of(schedule)
    instant = datetime(year, 12, 31, tzinfo=UTC)
    assert (timetable.latest_due(instant) is None) == (year == 1)
    assert (next(timetable.from_(instant), None) is None) == (year == 9999)
