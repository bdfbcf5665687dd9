"""Writes of the named resources, by subject."""
