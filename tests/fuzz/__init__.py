"""Requests that the document allows, and some that it does not, against a running server; see docs/testing.md."""
