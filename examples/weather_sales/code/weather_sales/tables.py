"""Clean the weather and join it with the sales."""

import csv
import io
from datetime import date
from typing import Any


def clean_weather(text: str) -> dict[str, Any]:
    """Read the weather file; a day without a full set of measurements is left out.

    Returns `days`: ISO date -> [highest temperature in °C, precipitation in mm].
    """
    days: dict[str, list[float]] = {}
    rows = 0
    for row in csv.DictReader(io.StringIO(text)):
        rows += 1
        try:
            day = date.fromisoformat(row["date"].replace("/", "-"))
            days[day.isoformat()] = [float(row["temp_max"]), float(row["precipitation"])]
        except (KeyError, TypeError, ValueError):
            print(f"weather: row {rows} left out: {row}")
    print(f"weather: {len(days)} days from {rows} rows")
    return {"days": days, "rows": rows}


def join(weather: dict[str, list[float]], sales: dict[str, int]) -> dict[str, Any]:
    """Pair each day that both files know.

    Returns `table`: rows of [ISO date, highest temperature, precipitation, 1 on a weekend else 0, units], by date.
    """
    table = [
        [day, *weather[day], int(date.fromisoformat(day).weekday() >= 5), sales[day]]
        for day in sorted(weather.keys() & sales.keys())
    ]
    if not table:
        raise ValueError("weather and sales have no day in common; are the files of the same years?")
    print(f"join: {len(table)} days; {len(weather)} with weather, {len(sales)} with sales")
    return {"table": table, "days": len(table)}
