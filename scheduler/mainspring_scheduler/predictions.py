"""Whether the next pass predicts the rows that its writes change (see `mainspring_store.database.pipeline`)."""

__all__ = ["Predictions"]

PAUSE_MIN, PAUSE_MAX = 8, 512
"""Passes without predictions after a wrong one. The pause doubles with each wrong prediction until a right one."""


class Predictions:
    """Pauses predictions while others interfere: a wrong prediction costs a whole pass."""

    def __init__(self) -> None:
        self._pause = PAUSE_MIN
        self._passes_left = 0
        self.expects_blocked = False
        """Whether the next pass predicts that a blocked instance exists, because the latest pass saw one."""

    def may_predict(self) -> bool:
        """Whether the pass that begins now shall predict."""
        if self._passes_left == 0:
            return True
        self._passes_left -= 1
        return False

    def note_wrong(self) -> None:
        """Note that the pass that began last was rolled back."""
        self._passes_left = self._pause
        self._pause = min(2 * self._pause, PAUSE_MAX)

    def note_committed(self, *, has_confirmed: bool, saw_blocked: bool | None) -> None:
        """Learn from a pass that has committed.

        has_confirmed: whether the database confirmed a prediction. A pass without a guarded write proves nothing.
        saw_blocked: whether a blocked instance exists; None = the pass did not look.
        """
        if has_confirmed:
            self._pause = PAUSE_MIN
        if saw_blocked is not None:
            self.expects_blocked = saw_blocked
