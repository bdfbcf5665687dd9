"""Makes data/sales.csv: the units that an imaginary kiosk sold each day. Synthetic, from real weather and a seed."""

import csv
import random
from datetime import date
from pathlib import Path

DATA = Path(__file__).with_name("data")
SEED = 20120101


def sales_lines() -> list[str]:
    """The whole file, line by line: one line a day, some faulty."""
    chance = random.Random(SEED)
    lines = ["date,units"]
    with (DATA / "seattle-weather.csv").open(newline="") as weather:
        for row in csv.DictReader(weather):
            lines += _day(row, chance)
    return lines


def _day(row: dict[str, str], chance: random.Random) -> list[str]:
    day = date.fromisoformat(row["date"].replace("/", "-"))
    weekend = day.weekday() >= 5
    expected = 120 + 6.5 * float(row["temp_max"]) - 1.8 * float(row["precipitation"]) + 45 * weekend
    units = max(0, round(chance.gauss(expected, 18)))
    fault = chance.random()
    if fault < 0.01:
        return []
    if fault < 0.02:
        return [f"{day},"]
    if fault < 0.03:
        return [f"{day},n/a"]
    if fault < 0.04:
        return [f"{day},{units}"] * 2
    return [f"{day},{units}"]


if __name__ == "__main__":
    (DATA / "sales.csv").write_text("\n".join(sales_lines()) + "\n")
