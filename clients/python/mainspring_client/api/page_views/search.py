from http import HTTPStatus
from typing import Any, cast

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.problem import Problem
from ...models.search_kinds_item import SearchKindsItem
from ...models.search_result import SearchResult
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    q: str,
    kinds: list[SearchKindsItem] | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["q"] = q

    json_kinds: list[str] | Unset = UNSET
    if not isinstance(kinds, Unset):
        json_kinds = []
        for kinds_item_data in kinds:
            kinds_item = kinds_item_data.value
            json_kinds.append(kinds_item)

    params["kinds"] = json_kinds

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v2/search",
        "params": params,
    }

    return _kwargs


def _parse_response(response: httpx.Response) -> SearchResult | Problem | None:
    if response.status_code == 200:
        response_200 = SearchResult.from_dict(response.json())

        return response_200

    return parse_problem(response)


def _build_response(response: httpx.Response) -> Response[SearchResult | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(response),
    )


def sync(
    *,
    client: AuthenticatedClient | Client,
    q: str,
    kinds: list[SearchKindsItem] | Unset = UNSET,
) -> SearchResult:
    """Find DAGs and tasks by a part of their names, and runs by the beginning of their ids.

    Needs the role `viewer` on a DAG, and is about the DAGs on which the caller has the role.

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    response = sync_detailed(
        client=client,
        q=q,
        kinds=kinds,
    )
    return cast(SearchResult, expect_success(response))


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    q: str,
    kinds: list[SearchKindsItem] | Unset = UNSET,
) -> Response[SearchResult | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs(
        q=q,
        kinds=kinds,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    q: str,
    kinds: list[SearchKindsItem] | Unset = UNSET,
) -> SearchResult:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        client=client,
        q=q,
        kinds=kinds,
    )
    return cast(SearchResult, expect_success(response))


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    q: str,
    kinds: list[SearchKindsItem] | Unset = UNSET,
) -> Response[SearchResult | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs(
        q=q,
        kinds=kinds,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
