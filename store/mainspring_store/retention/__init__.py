"""Pruning: deletes the history whose lifetime is over, in small transactions."""

from mainspring_store.retention.archive import Archive, ArchiveUnavailable
from mainspring_store.retention.sweeps import ClockLeap, Step, check_clock, preview, sweep

__all__ = ["Archive", "ArchiveUnavailable", "ClockLeap", "Step", "check_clock", "preview", "sweep"]
