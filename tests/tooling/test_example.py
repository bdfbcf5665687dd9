"""The example's parts, each against a calculation of its own."""

import csv
import random
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "weather_sales"


@pytest.fixture(autouse=True)
def _example_importable(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(EXAMPLE / "code")
    monkeypatch.syspath_prepend(EXAMPLE)
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] in ("weather_sales", "make_sales")]:
        del sys.modules[name]


def test_the_synthetic_sales_are_what_the_script_makes() -> None:
    from make_sales import sales_lines  # type: ignore[import-not-found]

    assert (EXAMPLE / "data" / "sales.csv").read_text().splitlines() == sales_lines()


def test_the_weather_is_one_row_for_each_day_of_four_years() -> None:
    from weather_sales.tables import clean_weather  # type: ignore[import-not-found]

    weather = clean_weather((EXAMPLE / "data" / "seattle-weather.csv").read_text())
    assert len(weather["days"]) == weather["rows"] == 365 * 3 + 366
    assert weather["days"]["2012-01-02"] == [10.6, 10.9]


def test_weather_rows_without_a_measurement_are_left_out() -> None:
    from weather_sales.tables import clean_weather

    text = "date,precipitation,temp_max\n2015/02/29,0,1\n2015/03/01,,1\n2015/03/02,0.5,1\n2015/03/03\n"
    assert clean_weather(text) == {"days": {"2015-03-02": [1.0, 0.5]}, "rows": 4}


def test_only_days_of_both_files_are_joined_and_weekends_are_marked() -> None:
    from weather_sales.tables import join

    shared = join({"2015-01-02": [5.0, 0.0], "2015-01-03": [6.0, 1.0]}, {"2015-01-03": 9, "2015-01-04": 8})
    assert shared == {"table": [["2015-01-03", 6.0, 1.0, 1, 9]], "days": 1}
    with pytest.raises(ValueError, match="no day in common"):
        join({"2015-01-02": [5.0, 0.0]}, {})


@pytest.mark.parametrize("seed", range(5))
def test_least_squares_finds_the_exact_minimum(seed: int) -> None:
    """The minimum is where the residual stands at right angles to every column; checked in exact arithmetic."""
    from weather_sales.model import least_squares  # type: ignore[import-not-found]

    chance = random.Random(seed)
    rows = [[1.0, chance.uniform(-5, 35), chance.expovariate(0.3), float(chance.random() < 0.3)] for _ in range(200)]
    targets = [chance.gauss(100, 30) for _ in rows]
    weights = least_squares(rows, targets)
    residuals = [
        Fraction(y) - sum((Fraction(a) * Fraction(w) for a, w in zip(row, weights, strict=True)), Fraction())
        for row, y in zip(rows, targets, strict=True)
    ]
    for column in zip(*rows, strict=True):
        product = sum((Fraction(a) * r for a, r in zip(column, residuals, strict=True)), Fraction())
        assert abs(product) < Fraction(1, 1_000_000)


def test_columns_that_depend_on_each_other_are_refused() -> None:
    from weather_sales.model import least_squares

    with pytest.raises(ValueError, match="depend on each other"):
        least_squares([[1.0, 2.0], [1.0, 2.0], [1.0, 2.0]], [1.0, 2.0, 3.0])


def test_a_split_that_leaves_nothing_to_test_on_is_refused() -> None:
    from weather_sales.model import train

    with pytest.raises(ValueError, match="0 to test on"):
        train([[f"2015-01-0{day}", 1.0 * day, 0.0, 0, day] for day in range(1, 9)], "2016-01-01")


def test_the_faults_in_the_sales_file_are_of_every_kind() -> None:
    with (EXAMPLE / "data" / "sales.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    days = [row["date"] for row in rows]
    assert len(set(days)) < len(days)
    assert {"", "n/a"} <= {row["units"] for row in rows}
    assert len(set(days)) < 1461
