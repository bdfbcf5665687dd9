"""The shortened search for the next day of a cron line finds what cronsim finds."""

from datetime import UTC, datetime
from itertools import islice

from cronsim import CronSim, CronSimError
from hypothesis import assume, given
from hypothesis import strategies as st

from mainspring.timetables.cron_search import CronSearch


def numbers(least: int, most: int) -> st.SearchStrategy[str]:
    number = st.integers(least, most).map(str)
    return st.one_of(
        st.just("*"),
        st.integers(1, most).map("*/{}".format),
        number,
        st.tuples(number, number).map(",".join),
    )


DAYS = st.one_of(numbers(1, 31), st.sampled_from(["L", "LW", "29", "30", "31"]))
WEEKDAYS = st.one_of(numbers(0, 7), st.sampled_from(["MON#1", "5#5", "5L", "1-5"]))
LINES = st.tuples(numbers(0, 59), numbers(0, 23), DAYS, numbers(1, 12), WEEKDAYS).map(" ".join)
START = datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)
STARTS = st.datetimes(START.replace(year=1990), START.replace(year=2090))


@given(line=LINES, start=STARTS)
def test_it_finds_what_cronsim_finds(line: str, start: datetime) -> None:
    try:
        expected = list(islice(CronSim(line, start), 4))
    except CronSimError:
        assume(False)
    assert list(islice(CronSearch(line).after(start), 4)) == expected


def test_a_day_that_comes_every_28_years_is_found() -> None:
    # 29 February that is a Sunday.
    found = islice(CronSearch("0 0 29 2 */7").after(START), 3)
    assert [day.year for day in found] == [2032, 2060, 2088]


def test_the_search_ends_where_nothing_comes_for_fifty_years() -> None:
    # The 1st or the 31st of February that is its fifth Monday.
    assert list(CronSearch("0 0 */30 2 1#5").after(START)) == []
