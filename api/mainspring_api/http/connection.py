"""The application's report to the server about the connection of a request."""

from typing import Any

__all__ = ["CONNECTION", "note_principal"]

CONNECTION = "mainspring.connection"
"""Where the server puts its object in the WSGI environment. Its attribute `principal` is written."""


def note_principal(environ: dict[str, Any], principal: str) -> None:
    """Say whose credential the request showed. From then on the connection counts for the principal, and no longer
    for the address that it came from."""
    connection = environ.get(CONNECTION)
    if connection is not None:
        connection.principal = principal
