"""The principal that the current request's new rows count for."""

from flask import g

from mainspring_api.http.context import context
from mainspring_store.access.quotas import Owner

__all__ = ["current_owner"]


def current_owner() -> Owner:
    """The user of the request, for each of the user's tokens, or a token without a user."""
    return context().usage.owner(g.user.id, g.user.name)
