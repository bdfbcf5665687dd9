"""Databases with live data of earlier schemas, and what must go on with them after an upgrade."""
