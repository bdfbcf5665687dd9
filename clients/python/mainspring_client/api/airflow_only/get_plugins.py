from http import HTTPStatus
from typing import Any, cast

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.get_plugins import GetPlugins
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["limit"] = limit

    params["offset"] = offset

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v2/plugins",
        "params": params,
    }

    return _kwargs


def _parse_response(response: httpx.Response) -> GetPlugins | Problem | None:
    if response.status_code == 200:
        response_200 = GetPlugins.from_dict(response.json())

        return response_200

    return parse_problem(response)


def _build_response(response: httpx.Response) -> Response[GetPlugins | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(response),
    )


def sync(
    *,
    client: AuthenticatedClient | Client,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
) -> GetPlugins:
    """There are no plug-ins: always empty

    Needs a token, with any role.

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    response = sync_detailed(
        client=client,
        limit=limit,
        offset=offset,
    )
    return cast(GetPlugins, expect_success(response))


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
) -> Response[GetPlugins | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs(
        limit=limit,
        offset=offset,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
) -> GetPlugins:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        client=client,
        limit=limit,
        offset=offset,
    )
    return cast(GetPlugins, expect_success(response))


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
) -> Response[GetPlugins | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs(
        limit=limit,
        offset=offset,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
