"""Timetables around every change of the clocks: slots rise, join, and are the same wherever one starts to look."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice, pairwise
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import pytest

from mainspring.definition.model import Schedule
from mainspring.timetables import Slot, Timetable, next_slot, slots_after, slots_between, timetable_of

CRONS = ("30 2 * * *", "0 0 * * *", "15 1,3 * * *", "45 */2 * * *", "*/20 * * * *", "0 * * * 0")
SAMPLE = (
    "UTC", "Europe/Berlin", "Europe/Dublin", "America/New_York", "America/Havana", "America/St_Johns",
    "America/Santiago", "Antarctica/Casey", "Australia/Lord_Howe", "NZ-CHAT", "Pacific/Apia", "Asia/Tehran",
    "Africa/Casablanca", "Antarctica/Troll",
)  # fmt: skip
FROM, TO = datetime(2015, 1, 1, tzinfo=UTC), datetime(2035, 12, 31, tzinfo=UTC)
TWO_DAYS = timedelta(days=2)
PAGE = (Path(__file__).parents[3] / "docs" / "schedules.md").read_text()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "zone" in metafunc.fixturenames:
        is_all = metafunc.config.getoption("--all-zones")
        metafunc.parametrize("zone", sorted(zones_by_behaviour().values()) if is_all else SAMPLE)


@cache
def transitions(zone: str) -> tuple[datetime, ...]:
    """The instants at which the offset changes, found day by day and then by halving."""
    info = ZoneInfo(zone)

    def offset(instant: datetime) -> timedelta | None:
        return instant.astimezone(info).utcoffset()

    found = []
    day, before = FROM, offset(FROM)
    while day < TO:
        low, high = day, day + timedelta(days=1)
        after = offset(high)
        if before != after:
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) / 2
                low, high = (middle, high) if offset(middle) == before else (low, middle)
            found.append(high.replace(microsecond=0))
        day, before = day + timedelta(days=1), after
    return tuple(found)


def zones_by_behaviour() -> dict[object, str]:
    """One zone of each set whose clocks show the same from `FROM` to `TO`, which is all that a timetable sees."""
    found: dict[object, str] = {}
    for zone in sorted(available_timezones()):
        info, changes = ZoneInfo(zone), transitions(zone)
        offsets = tuple((instant, instant.astimezone(info).utcoffset()) for instant in (FROM, *changes))
        found.setdefault(offsets, zone)
    return found


@pytest.fixture
def checked_transitions(zone: str, request: pytest.FixtureRequest) -> Sequence[datetime]:
    """A few of each zone of the sample, the first and the last ones: their rule repeats from year to year."""
    found = transitions(zone)
    is_all = request.config.getoption("--all-zones")
    return found if is_all or len(found) <= 4 else found[:2] + found[-2:]


def around(timetable: Timetable, instant: datetime) -> list[Slot]:
    return list(slots_between(timetable, instant - TWO_DAYS, instant + TWO_DAYS, due_by=TO))


@pytest.mark.parametrize("cron", CRONS)
def test_slots_around_a_change_of_the_clocks_rise_and_join(
    zone: str, checked_transitions: Sequence[datetime], cron: str
) -> None:
    timetable = timetable_of(Schedule(crons=(cron,), timezone=zone))
    for instant in checked_transitions:
        slots = around(timetable, instant)
        for slot in slots:
            assert slot.logical_date < slot.data_interval_end == slot.run_after
        for before, after in pairwise(slots):
            assert before.data_interval_end == after.logical_date


@pytest.mark.parametrize("cron", CRONS)
def test_slots_are_the_same_wherever_one_starts_to_look(
    zone: str, checked_transitions: Sequence[datetime], cron: str
) -> None:
    timetable = timetable_of(Schedule(crons=(cron,), timezone=zone))
    for instant in checked_transitions:
        slots = around(timetable, instant)
        for minutes in range(-200, 200, 17):
            start = instant + timedelta(minutes=minutes)
            later = [slot for slot in slots if slot.logical_date >= start]
            assert list(islice(slots_between(timetable, start, instant + TWO_DAYS, due_by=TO), 3)) == later[:3]
            due = [slot for slot in slots if slot.run_after <= start]
            assert timetable.latest_due(start) == (due[-1] if due else timetable.latest_due(start))


def test_a_line_that_begins_with_a_star_is_due_whenever_the_clock_shows_it(
    zone: str, checked_transitions: Sequence[datetime]
) -> None:
    timetable, info = timetable_of(Schedule(crons=("45 */2 * * *",), timezone=zone)), ZoneInfo(zone)
    for instant in checked_transitions:
        minutes = (instant.replace(second=0) + timedelta(minutes=n) for n in range(-600, 600))
        shown = [minute for minute in minutes if (wall := minute.astimezone(info)).minute == 45 and wall.hour % 2 == 0]
        assert [slot.logical_date for slot in islice(timetable.from_(shown[0]), len(shown))] == shown


@pytest.mark.parametrize("cron", CRONS[:2])
def test_a_time_of_day_comes_due_once_on_every_local_day(
    zone: str, checked_transitions: Sequence[datetime], cron: str
) -> None:
    timetable = timetable_of(Schedule(crons=(cron,), timezone=zone))
    for instant in checked_transitions:
        days = [slot.run_after.astimezone(ZoneInfo(zone)).date() for slot in around(timetable, instant)]
        assert len(set(days)) == len(days)
        missing = {days[0] + timedelta(days=n) for n in range((days[-1] - days[0]).days)} - set(days)
        # Samoa had no 30 December 2011; since 2015 no zone has left out a day.
        assert not missing


def test_backwards_is_forwards_turned_round(zone: str, checked_transitions: Sequence[datetime]) -> None:
    timetable = timetable_of(Schedule(crons=("30 2 * * *",), timezone=zone))
    for instant in checked_transitions:
        bounds = (instant - TWO_DAYS, instant + TWO_DAYS)
        down = list(slots_between(timetable, *bounds, due_by=TO, is_backwards=True))
        assert down[::-1] == list(slots_between(timetable, *bounds, due_by=TO))


def test_planning_from_slot_to_slot_leaves_none_out(zone: str, checked_transitions: Sequence[datetime]) -> None:
    timetable = timetable_of(Schedule(crons=("30 2 * * *",), timezone=zone))
    for instant in checked_transitions:
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
