"""Whom it counts for what the current request creates."""

from flask import g

from mainspring_api.http.context import context
from mainspring_store.access.quotas import Owner

__all__ = ["current_owner"]


def current_owner() -> Owner:
    """The user who sends the request, by whatever token, or a token that belongs to nobody."""
    return context().usage.owner(g.user.id, g.user.name)
