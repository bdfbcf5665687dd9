"""Whether the next pass predicts the rows that its writes change (see `mainspring_store.database.pipeline`)."""

__all__ = ["Predictions"]

PAUSE_MIN, PAUSE_MAX = 8, 512
"""Passes without predictions after a wrong one. The pause doubles with each wrong prediction in a row."""


class Predictions:
    """Pauses predictions while others interfere: a wrong prediction costs a whole pass."""

    def __init__(self) -> None:
        self._pause = PAUSE_MIN
        self._passes_left = 0
        self._was_right = True

    def may_predict(self) -> bool:
        """Whether the pass that begins now shall predict."""
        if self._passes_left > 0:
            self._passes_left -= 1
            return False
        if self._was_right:
            self._pause = PAUSE_MIN
        self._was_right = True
        return True

    def note_wrong(self) -> None:
        """Note that the pass that began last was rolled back."""
        self._was_right = False
        self._passes_left = self._pause
        self._pause = min(2 * self._pause, PAUSE_MAX)
