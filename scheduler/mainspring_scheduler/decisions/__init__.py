"""Decide which task instances start, wait or end without running."""
