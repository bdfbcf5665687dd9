"""What states look like on a terminal."""

from collections.abc import Mapping

__all__ = ["STATE_COLOURS"]

STATE_COLOURS: Mapping[str, str] = {
    "success": "green",
    "failed": "red",
    "upstream_failed": "red",
    "running": "cyan",
    "up_for_retry": "yellow",
    "skipped": "magenta",
}
"""State of a run or of a task -> its colour; others are dim."""
