"""How paths become names: each path in the client's spelling, without a redirect to a shorter path.

Names of variables, pools and connections may hold slashes, at the beginning and side by side too. A redirect from
`/variables//lead` to `/variables/lead` would lead a client that follows it to another variable.
"""

from collections.abc import Callable

from flask import Flask
from werkzeug.routing import PathConverter, Rule

__all__ = ["route_exactly"]


class _Name(PathConverter):
    """A name with any slashes; werkzeug's own converter takes none at the beginning."""

    regex = ".+?"
    part_isolating = False


class _Rule(Rule):
    """Compiles the function that builds its paths when it first builds one.

    Werkzeug compiles two such functions for each rule, which was four fifths of the time of making the application.
    The API answers requests and builds hardly any path by a rule.
    """

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        compile_builder = super()._compile_builder
        builders: list[Callable[..., tuple[str, str]]] = []

        def build(rule: Rule, **values: object) -> tuple[str, str]:
            if not builders:
                builders.append(compile_builder(append_unknown))
            return builders[0](rule, **values)

        return build


def route_exactly(app: Flask) -> None:
    """Have an application never redirect a path. To be called before its rules are added."""
    app.url_rule_class = _Rule
    app.url_map.merge_slashes = False
    app.url_map.converters["path"] = _Name
