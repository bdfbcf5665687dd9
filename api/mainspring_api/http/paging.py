"""Answers of lists: the entries of a page, and the addresses of the other pages in the header `Link` (RFC 8288)."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from flask import Response, request

from mainspring_api.http.answers import answer
from mainspring_api.http.fields import LIMIT_MAX

__all__ = ["list_answer"]


def list_answer(arguments: Mapping[str, Any], content: Mapping[str, Any]) -> Response:
    """Answer with a page of a list.

    arguments: loaded `list_arguments` of the current request. content: has `total_entries`, and `next_cursor` and
    `previous_cursor` when the list can be paged by cursor.
    """
    response = answer(content)
    if request.args.get("cursor") is None or "next_cursor" not in content:
        pages = _by_offset(min(arguments["limit"], LIMIT_MAX), arguments["offset"], content["total_entries"])
    else:
        pages = _by_cursor(content)
    links = [f'<{_address(changes)}>; rel="{relation}"' for relation, changes in pages]
    if links:
        response.headers.add("Link", ", ".join(links))
    return response


def _by_offset(limit: int, offset: int, total: int) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Relations of other pages, each with the parameters that lead there; none for pages without entries."""
    if limit == 0:
        return
    if offset > 0:
        yield "first", {"offset": 0}
        yield "prev", {"offset": max(0, offset - limit)}
    if offset + limit < total:
        yield "next", {"offset": offset + limit}
        yield "last", {"offset": (total - 1) // limit * limit}


def _by_cursor(content: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for relation, cursor in (("prev", content["previous_cursor"]), ("next", content["next_cursor"])):
        if cursor is not None:
            yield relation, {"cursor": cursor}


def _address(changes: Mapping[str, Any]) -> str:
    """The current request with other parameters, relative to the server: its public name is not known here."""
    kept = [(name, value) for name, value in request.args.items(multi=True) if name not in changes]
    return f"{quote(request.path)}?{urlencode([*kept, *changes.items()])}"
