from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainspring.instants import format_instant, parse_instant

FIRST = datetime(1, 1, 3, tzinfo=UTC).replace(tzinfo=None)
LAST = datetime(9999, 12, 29, tzinfo=UTC).replace(tzinfo=None)
"""Local times whose instant is within the calendar in every zone."""


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        pytest.param("2026-01-31", "2026-01-31T00:00:00Z", id="a date is its midnight in UTC"),
        pytest.param("2026-01-31T06:00:00Z", "2026-01-31T06:00:00Z", id="UTC"),
        pytest.param("2026-01-31t06:00z", "2026-01-31T06:00:00Z", id="small letters, no seconds"),
        pytest.param("2026-01-31 06:00:00.25+02:00", "2026-01-31T04:00:00.250000Z", id="offset and fraction"),
        pytest.param("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z", id="the first year"),
    ],
)
def test_instants_are_stored_in_one_spelling(text: str, canonical: str) -> None:
    assert format_instant(parse_instant(text)) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026",
        "2026-02-30",
        "2026-01-31T06:00:00",
        "2026-01-31T24:01:00Z",
        "0000-01-01",
        "2026-01-01T00:00:00+26:00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2026-01-01T00:00:60Z",
        "20260131T060000Z",
        "now",
    ],
    ids=repr,
)
def test_what_is_no_instant_or_lacks_an_offset_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not an instant|does not exist|that exists"):
        parse_instant(text)


@given(st.datetimes(FIRST, LAST), st.integers(-1439, 1439))
def test_an_instant_survives_its_spelling_whatever_its_zone(naive: datetime, minutes: int) -> None:
    instant = naive.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    assert parse_instant(format_instant(instant)) == instant
    assert parse_instant(format_instant(instant)).tzinfo is UTC
