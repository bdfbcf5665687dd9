"""Logs that could not be packed or moved: left out for a while, so that they do not hold up the others."""

from collections.abc import Callable
from time import monotonic

__all__ = ["FailingLogs"]

RETRY_SECONDS_MIN, RETRY_SECONDS_MAX = 60.0, 3600.0
"""Pause after the first failure of a log; doubled after each further one, up to the maximum."""
_LOGS_MAX = 1_000


class FailingLogs:
    """The failing logs of one step, by attempt. Only the thread of the step changes them."""

    def __init__(self, *, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._failures: dict[str, tuple[int, float]] = {}
        """Attempt -> failures in a row, and when the log may be tried again."""
        self._met: set[str] = set()

    def __len__(self) -> int:
        return len(self._failures)

    def must_wait(self, attempt_id: str) -> bool:
        """Whether a log failed, and the pause after the failure is not over."""
        self._met.add(attempt_id)
        _, again_at = self._failures.get(attempt_id, (0, 0.0))
        return self._clock() < again_at

    def failed(self, attempt_id: str) -> None:
        """Note a failure. Forgets another log when there are very many."""
        count = self._failures.pop(attempt_id, (0, 0.0))[0] + 1
        pause = min(RETRY_SECONDS_MAX, RETRY_SECONDS_MIN * 2.0 ** min(count - 1, 10))
        self._failures[attempt_id] = count, self._clock() + pause
        if len(self._failures) > _LOGS_MAX:
            del self._failures[next(iter(self._failures))]

    def succeeded(self, attempt_id: str) -> None:
        self._failures.pop(attempt_id, None)

    def look_is_over(self, *, is_complete: bool) -> None:
        """End a look at all logs. A log that a complete look did not meet was deleted, or another scheduler did it."""
        if is_complete:
            self._failures = {key: failure for key, failure in self._failures.items() if key in self._met}
        self._met = set()
