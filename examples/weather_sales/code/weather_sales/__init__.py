"""The steps of the example pipeline that are Python functions."""
