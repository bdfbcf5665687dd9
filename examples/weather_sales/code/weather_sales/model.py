"""Demand against weather: ordinary least squares, judged on days it has not seen."""

from collections.abc import Sequence
from typing import Any

FEATURES = ("base", "per_degree", "per_mm_of_rain", "on_weekends")


def train(table: list[list[Any]], test_from: str) -> dict[str, Any]:
    """Fit units = base + per_degree · t + per_mm_of_rain · p + on_weekends · w on the days before `test_from`.

    Returns the coefficients by name and, for the days from `test_from` on, the mean absolute error in units of the
    model and of always guessing the mean, and R².
    """
    seen = [row for row in table if row[0] < test_from]
    unseen = [row for row in table if row[0] >= test_from]
    if len(seen) <= len(FEATURES) or not unseen:
        raise ValueError(f"test_from {test_from!r} leaves {len(seen)} days to learn from and {len(unseen)} to test on")
    weights = least_squares([_features(row) for row in seen], [row[-1] for row in seen])
    errors = [row[-1] - _dot(weights, _features(row)) for row in unseen]
    mean_seen = sum(row[-1] for row in seen) / len(seen)
    mean_unseen = sum(row[-1] for row in unseen) / len(unseen)
    spread = sum((row[-1] - mean_unseen) ** 2 for row in unseen)
    return {
        "coefficients": dict(zip(FEATURES, weights, strict=True)),
        "days_trained": len(seen),
        "days_tested": len(unseen),
        "mean_absolute_error": sum(map(abs, errors)) / len(errors),
        "mean_absolute_error_of_mean": sum(abs(row[-1] - mean_seen) for row in unseen) / len(unseen),
        "r_squared": 1 - sum(error * error for error in errors) / spread,
    }


def least_squares(rows: Sequence[Sequence[float]], targets: Sequence[float]) -> list[float]:
    """Weights w that make |rows · w - targets| smallest: the normal equations, by elimination with pivoting.

    Raises:
        ValueError: the columns depend on each other, so the weights are not determined.
    """
    width = len(rows[0])
    system = [
        [sum(row[i] * row[j] for row in rows) for j in range(width)]
        + [sum(row[i] * target for row, target in zip(rows, targets, strict=True))]
        for i in range(width)
    ]
    for column in range(width):
        pivot = max(range(column, width), key=lambda i: abs(system[i][column]))
        if abs(system[pivot][column]) < 1e-9:
            raise ValueError("the inputs depend on each other linearly; no single model fits best")
        system[column], system[pivot] = system[pivot], system[column]
        system[column] = [value / system[column][column] for value in system[column]]
        for other in range(width):
            if other != column:
                factor = system[other][column]
                system[other] = [a - factor * b for a, b in zip(system[other], system[column], strict=True)]
    return [row[-1] for row in system]


def _features(row: Sequence[Any]) -> list[float]:
    _, temperature, precipitation, weekend, _ = row
    return [1.0, temperature, precipitation, weekend]


def _dot(left: Sequence[float], right: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))
