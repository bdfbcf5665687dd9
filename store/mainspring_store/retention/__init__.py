"""Pruning: deletes the history whose lifetime is over, in small transactions."""

from mainspring_store.retention.sweeps import ClockLeap, Step, check_clock, preview, sweep

__all__ = ["ClockLeap", "Step", "check_clock", "preview", "sweep"]
