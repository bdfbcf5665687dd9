"""Lists, page by page."""

import inspect
from collections.abc import AsyncIterator, Iterator
from types import ModuleType
from typing import Any

from .client import AuthenticatedClient, Client

__all__ = ["iterate", "iterate_async"]

PAGE_SIZE = 100


def iterate(
    operation: ModuleType,
    *arguments: Any,
    client: AuthenticatedClient | Client,
    page_size: int = PAGE_SIZE,
    **options: Any,
) -> Iterator[Any]:
    """The entries of a list on all pages, in its order: `iterate(get_dag_runs, "etl", client=client)`.

    By cursor where the operation takes a cursor: then no entry comes twice and none is left out when the list changes
    meanwhile.

    operation: a module of `mainspring_client.api` that takes `limit` and `offset`.

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    place: dict[str, Any] | None = _first_place(operation)
    while place is not None:
        page = operation.sync(*arguments, client=client, limit=page_size, **place, **options)
        entries = _entries(page)
        yield from entries
        place = _next_place(page, len(entries), place)


async def iterate_async(
    operation: ModuleType,
    *arguments: Any,
    client: AuthenticatedClient | Client,
    page_size: int = PAGE_SIZE,
    **options: Any,
) -> AsyncIterator[Any]:
    """As `iterate`, without blocking."""
    place: dict[str, Any] | None = _first_place(operation)
    while place is not None:
        page = await operation.asyncio(*arguments, client=client, limit=page_size, **place, **options)
        entries = _entries(page)
        for entry in entries:
            yield entry
        place = _next_place(page, len(entries), place)


def _first_place(operation: ModuleType) -> dict[str, Any]:
    return {"cursor": ""} if "cursor" in inspect.signature(operation.sync).parameters else {"offset": 0}


def _next_place(page: Any, count: int, place: dict[str, Any]) -> dict[str, Any] | None:
    """Where the next page begins; None = there is none."""
    if "cursor" in place:
        return {"cursor": page.next_cursor} if page.next_cursor else None
    offset = place["offset"] + count
    return {"offset": offset} if count and offset < page.total_entries else None


def _entries(page: Any) -> list[Any]:
    values = (getattr(page, field.name) for field in page.__attrs_attrs__)
    return next(value for value in values if isinstance(value, list))
