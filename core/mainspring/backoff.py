"""How long to wait before the next try."""

from collections.abc import Callable
from datetime import timedelta

__all__ = ["GROWTH_MAX", "retry_delay"]

GROWTH_MAX = timedelta(days=1)
"""Where exponential growth stops when no maximum is given (Airflow's bound); a longer first delay is kept."""


def retry_delay(
    try_number: int,
    *,
    delay: timedelta,
    factor: float,
    delay_max: timedelta | None,
    jitter: bool,
    random: Callable[[], float],
) -> timedelta:
    """The wait after try `try_number` (from 1) failed: `delay * factor ** (try_number - 1)`, capped at `delay_max`.

    With `jitter` the wait is drawn evenly between zero and this value ("full jitter", Brooker 2015: Exponential Backoff
    And Jitter). `random` gives numbers in [0, 1) and is called only then.
    """
    cap = max(delay, GROWTH_MAX) if delay_max is None else delay_max
    try:
        wait = min(delay * factor ** (try_number - 1), cap)
    except OverflowError:
        wait = cap if delay else delay
    return wait * random() if jitter else wait
