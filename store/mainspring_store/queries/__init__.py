"""Read-only queries for the API.

The functions return plain dicts and frozen dataclasses; callers never get a session, a connection or a row of
SQLAlchemy.
"""
