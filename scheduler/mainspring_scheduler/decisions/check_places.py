"""Places for the checks of waits: how many checks an executor runs at once, and when a check without a place is due.

The number is read once in a pass, and only when a check is due. A check without a place waits on as a deferred
instance: it takes no room among the ready instances, and its wait can still time out.
"""

from datetime import timedelta

from mainspring_store.scheduling import Pass

__all__ = ["CHECKS_AT_ONCE", "CheckPlaces"]

CHECKS_AT_ONCE = 16
_PAUSE = timedelta(milliseconds=250)
"""How long a check waits before it asks for a place again, for each round of checks that asked before it."""


class CheckPlaces:
    """The places that are free in one pass, by executor."""

    def __init__(self, scheduling: Pass, at_once: int) -> None:
        """at_once: places of each executor, for all schedulers together."""
        self._scheduling = scheduling
        self._at_once = at_once
        self._places: dict[str, int] = {}
        self._turned_away: dict[str, int] = {}

    def take(self, executor: str) -> timedelta | None:
        """Take a place for a check. None = taken; else how long the check must wait before it asks again.

        Checks that are turned away in one pass come back in the order in which they asked, as many at a time as there
        are places.
        """
        if executor not in self._places:
            self._places[executor] = self._at_once - self._live(executor)
        if self._places[executor] > 0:
            self._places[executor] -= 1
            return None
        return self.turn_away(executor)

    def turn_away(self, executor: str) -> timedelta:
        """How long a check must wait that may not begin now."""
        rounds = self._turned_away.get(executor, 0) // self._at_once
        self._turned_away[executor] = self._turned_away.get(executor, 0) + 1
        return _PAUSE * (rounds + 1)

    def _live(self, executor: str) -> int:
        """The checks of an executor that are queued or running; all places, while another scheduler counts them."""
        waits = self._scheduling.waits
        return waits.live_checks(executor) if waits.hold_checks(executor) else self._at_once
