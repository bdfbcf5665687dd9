"""`dst`, `calendar` and `jitter` of a schedule, and how far a schedule reaches back when it catches up."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import chain, islice, pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainspring.definition.model import GapRule, OverlapRule, Schedule
from mainspring.timetables import Timetable, next_slot, slots_after, slots_between, timetable_of

PAGE = (Path(__file__).parents[3] / "docs" / "schedules.md").read_text()
RULES = re.findall(r"^\| `([^`]+)` \| (\{[^|]*\}) \| (\d{4}-\d\d-\d\d) \| ([^|]+) \|$", PAGE, re.MULTILINE)
BERLIN = "Europe/Berlin"
ZONE = ZoneInfo(BERLIN)


def due_on(timetable: Timetable, day: str) -> list[str]:
    """When something is due on a local day in Berlin, as UTC."""
    begin = datetime.fromisoformat(f"{day}T00:00:00+00:00") - timedelta(hours=3)
    slots = slots_between(
        timetable, begin - timedelta(days=9), begin + timedelta(days=2), due_by=begin.replace(year=2090)
    )
    local = [slot.run_after for slot in slots if slot.run_after.astimezone(ZONE).date().isoformat() == day]
    return [f"{one:%H:%M}" for one in local]


def test_the_page_has_its_table_of_rules() -> None:
    assert len(RULES) == 8


@pytest.mark.parametrize(("cron", "dst", "day", "expected"), RULES)
def test_the_table_of_rules_is_true(cron: str, dst: str, day: str, expected: str) -> None:
    rules = dict(re.findall(r"(\w+): (\w+)", dst))
    schedule = Schedule(
        crons=(cron,),
        timezone=BERLIN,
        gap=GapRule(rules.get("gap", "shift")),
        overlap=OverlapRule(rules.get("overlap", "first")),
    )
    assert (", ".join(due_on(timetable_of(schedule), day)) or "not") == expected.strip()


_SLOT_STEP = 41
"""Away from a change of the clock, every 41st slot is looked up from its own instant."""


def is_near_change(instant: datetime, zone: str) -> bool:
    """Whether the clock of a zone changes within six hours."""
    before, after = ((instant + timedelta(hours=hours)).astimezone(ZoneInfo(zone)) for hours in (-6, 6))
    return before.utcoffset() != after.utcoffset()


def weeks_of(zone: str) -> Iterator[datetime]:
    """The beginnings of the weeks of 2026 in whose middle the clock of a zone changes, and of one without a change."""
    days = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number) for number in range(366)]
    offsets = [day.astimezone(ZoneInfo(zone)).utcoffset() for day in days]
    changes = [day for day, (before, after) in zip(days, pairwise(offsets), strict=False) if before != after]
    for day in (*changes, datetime(2026, 7, 4, tzinfo=UTC)):
        yield day - timedelta(days=3)


@pytest.mark.parametrize("gap", GapRule)
@pytest.mark.parametrize("overlap", OverlapRule)
@pytest.mark.parametrize("zone", [BERLIN, "Australia/Lord_Howe", "Antarctica/Troll", "America/Havana"])
@pytest.mark.parametrize("cron", ["*/20 22,23,0-4 * * *", "30 2 * * *", "5,15,45 0-3 * * *"])
def test_under_every_rule_slots_rise_join_and_are_the_same_wherever_one_starts_to_look(
    cron: str, zone: str, gap: GapRule, overlap: OverlapRule
) -> None:
    timetable = timetable_of(Schedule(crons=(cron,), timezone=zone, gap=gap, overlap=overlap))
    weeks = list(weeks_of(zone))
    assert len(weeks) == 3
    for first in weeks:
        last = first + timedelta(days=8)
        slots = list(slots_between(timetable, first, last, due_by=last + timedelta(days=9)))
        assert all(before.data_interval_end == after.logical_date for before, after in pairwise(slots))
        assert all(slot.logical_date < slot.run_after for slot in slots)
        down = list(slots_between(timetable, first, last, due_by=last + timedelta(days=9), is_backwards=True))
        assert down[::-1] == slots
        for slot in chain(slots[::_SLOT_STEP], (slot for slot in slots if is_near_change(slot.run_after, zone))):
            start = slot.run_after - timedelta(microseconds=1)
            assert next(slots_after(timetable, start, start=None, end=None)) == slot


def test_days_of_the_calendar_are_left_out_and_the_next_interval_reaches_over_them() -> None:
    days = (date(2026, 12, 25), date(2026, 12, 26))
    timetable = timetable_of(Schedule(crons=("0 0 * * *",), timezone=BERLIN, excluded_dates=days))
    slots = list(islice(timetable.from_(datetime(2026, 12, 22, 23, tzinfo=UTC)), 3))
    assert [slot.run_after.day for slot in slots] == [23, 26, 27]
    assert slots[1].data_interval_end - slots[1].logical_date == timedelta(days=3)
    told = sorted(timetable.dropped(slots[0].logical_date, slots[-1].run_after))
    assert [(one.local_time.isoformat(), one.reason) for one in told] == [
        ("2026-12-25T00:00:00", "2026-12-25 is excluded by the calendar"),
        ("2026-12-26T00:00:00", "2026-12-26 is excluded by the calendar"),
    ]


def test_what_a_gap_skips_is_told() -> None:
    timetable = timetable_of(Schedule(crons=("30 2 * * *",), timezone=BERLIN, gap=GapRule.SKIP))
    told = list(timetable.dropped(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC)))
    assert [one.local_time.isoformat() for one in told] == ["2026-03-29T02:30:00"]
    assert "02:30 is left out on 2026-03-29 in Europe/Berlin" in told[0].reason


SCHEDULES = st.sampled_from(
    [
        Schedule(crons=("*/10 * * * *",), jitter=timedelta(minutes=15)),
        Schedule(crons=("30 2 * * *",), timezone=BERLIN, jitter=timedelta(hours=24)),
        Schedule(crons=("0 0 1 * *", "0 12 * * 1"), jitter=timedelta(seconds=1)),
        Schedule(interval=timedelta(seconds=1), jitter=timedelta(hours=1)),
        Schedule(at=(datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 2, tzinfo=UTC)), jitter=timedelta(hours=30)),
    ]
)


@given(schedule=SCHEDULES, dag_id=st.text(min_size=1), seconds=st.integers(0, 300 * 86_400))
def test_jitter_moves_a_run_later_but_not_past_the_next_one(schedule: Schedule, dag_id: str, seconds: int) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    exact, jittered = timetable_of(schedule), timetable_of(schedule, dag_id)
    planned, spread = list(islice(exact.from_(start), 5)), list(islice(jittered.from_(start), 5))
    assert [(one.logical_date, one.data_interval_end) for one in spread] == [
        (one.logical_date, one.data_interval_end) for one in planned
    ]
    for one, moved in zip(planned, spread, strict=True):
        assert one.run_after <= moved.run_after < one.run_after + schedule.jitter
    for moved, following in zip(spread, planned[1:], strict=False):
        assert moved.run_after < following.run_after
    for moved in spread:
        assert jittered.latest_due(moved.run_after) == moved
        assert jittered.latest_due(moved.run_after - timedelta(microseconds=1)) != moved


def test_jitter_spreads_the_dags_of_one_schedule() -> None:
    schedule = Schedule(crons=("0 0 * * *",), jitter=timedelta(hours=1))
    start = datetime(2026, 1, 1, tzinfo=UTC)
    minutes = {next(timetable_of(schedule, f"dag-{n}").from_(start)).run_after.minute for n in range(200)}
    assert len(minutes) > 50


def test_with_jitter_the_first_slot_is_the_interval_that_holds_the_present() -> None:
    timetable = timetable_of(Schedule(crons=("0 * * * *",), jitter=timedelta(hours=1)), "etl")
    now = datetime(2026, 1, 1, 12, 0, 1, tzinfo=UTC)
    slot = next_slot(timetable, after=None, start=None, end=None, catchup_max=1, now=now)
    assert slot is not None
    assert slot.logical_date == now.replace(second=0)


@pytest.mark.parametrize(("catchup_max", "expected"), [(1, 20), (5, 16), (50, 1)])
def test_what_is_made_up_for_is_the_latest_within_the_end_date(catchup_max: int, expected: int) -> None:
    slot = next_slot(
        timetable_of(Schedule(crons=("0 0 * * *",))),
        after=None,
        start=datetime(2026, 1, 1, tzinfo=UTC),
        end=datetime(2026, 1, 20, tzinfo=UTC),
        catchup_max=catchup_max,
        now=datetime(2026, 3, 1, tzinfo=UTC),
    )
    assert slot is not None
    assert slot.logical_date.day == expected
