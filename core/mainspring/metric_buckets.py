"""Upper bounds of the buckets of histograms, in seconds, ascending. Larger values count in `+Inf` alone."""

from bisect import bisect_left
from collections.abc import Sequence

__all__ = ["DURATION_BOUNDS", "LATENCY_BOUNDS", "WAIT_BOUNDS", "bucket_name"]

DURATION_BOUNDS = (0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 14400.0)
"""Of runs and of tasks."""
WAIT_BOUNDS = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
"""From the decision to start a task to its start."""
LATENCY_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
"""Of HTTP requests."""


def bucket_name(bounds: Sequence[float], value: float) -> str:
    """The label `le` of the first bucket that holds a value."""
    position = bisect_left(bounds, value)
    return "+Inf" if position == len(bounds) else f"{bounds[position]:g}"
