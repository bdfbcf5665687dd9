from datetime import timedelta

import pytest
from hypothesis import given

from mainspring.durations import DURATION_MAX, format_duration, parse_duration
from tests.unit.strategies import microseconds


@pytest.mark.parametrize(
    ("text", "seconds", "canonical"),
    [
        pytest.param("20s", 20, "PT20S", id="short seconds"),
        pytest.param("5m", 300, "PT5M", id="m is minutes"),
        pytest.param("5ms", 0.005, "PT0.005S", id="ms is milliseconds"),
        pytest.param("1h30m", 5400, "PT1H30M", id="short, two units"),
        pytest.param("90m", 5400, "PT1H30M", id="units carry over"),
        pytest.param("1w1d", 691_200, "P8D", id="short weeks and days"),
        pytest.param("PT20S", 20, "PT20S", id="ISO seconds"),
        pytest.param("P1DT12H", 129_600, "P1DT12H", id="ISO days and hours"),
        pytest.param("P2W", 1_209_600, "P14D", id="ISO weeks"),
        pytest.param("PT0.5S", 0.5, "PT0.5S", id="ISO fraction"),
        pytest.param("0s", 0, "PT0S", id="nothing"),
        pytest.param("P3650D", 315_360_000, "P3650D", id="the longest"),
    ],
)
def test_durations_are_read_in_both_forms_and_written_in_one(text: str, seconds: float, canonical: str) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)
    assert format_duration(parse_duration(text)) == canonical


@pytest.mark.parametrize(
    "text",
    ["", "5", "P", "PT", "1m1h", "1h1h", "20 s", "-20s", "20S", "P1Y", "P1M", "1e3s", "PT1.0000001S", "٣s", "P1WT1H"],
    ids=repr,
)
def test_what_has_no_unit_no_fixed_length_or_another_order_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a duration; write '20s'"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["P3650DT1S", "999999999999w", "3651d"])
def test_durations_are_bounded(text: str) -> None:
    with pytest.raises(ValueError, match="longer than 3650 days"):
        parse_duration(text)


@given(microseconds)
def test_every_duration_survives_its_canonical_spelling(count: int) -> None:
    duration = timedelta(microseconds=count)
    assert duration <= DURATION_MAX
    assert parse_duration(format_duration(duration)) == duration
