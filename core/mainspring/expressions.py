"""Placeholder for import order; replaced by the expression module."""
