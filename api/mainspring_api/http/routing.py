"""How paths become names: each path in the client's spelling, without a redirect to a shorter path.

Names of variables, pools and connections may hold slashes, at the beginning and side by side too. A redirect from
`/variables//lead` to `/variables/lead` would lead a client that follows it to another variable.
"""

from flask import Flask
from werkzeug.routing import PathConverter

__all__ = ["route_exactly"]


class _Name(PathConverter):
    """A name with any slashes; werkzeug's own converter takes none at the beginning."""

    regex = ".+?"
    part_isolating = False


def route_exactly(app: Flask) -> None:
    """Have an application never redirect a path. To be called before its rules are added."""
    app.url_map.merge_slashes = False
    app.url_map.converters["path"] = _Name
