from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.problem import Problem
from ...models.session_body import SessionBody
from ...plain import as_dict
from ...types import Response


def _get_kwargs(
    *,
    body: SessionBody | Mapping[str, Any],
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/auth/session",
    }

    _kwargs["json"] = as_dict(body)

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(response: httpx.Response) -> None | Problem:
    if response.status_code == 204:
        return None
    return parse_problem(response)


def _build_response(response: httpx.Response) -> Response[None | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(response),
    )


def sync(
    *,
    client: AuthenticatedClient | Client,
    body: SessionBody | Mapping[str, Any],
) -> None:
    """Log a browser in. The answer sets a cookie, which is good for 12 hours after its last use and 7 days
    at most.

    Needs no token.

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    response = sync_detailed(
        client=client,
        body=body,
    )
    expect_success(response)


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: SessionBody | Mapping[str, Any],
) -> Response[None | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs(
        body=body,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    body: SessionBody | Mapping[str, Any],
) -> None:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        client=client,
        body=body,
    )
    expect_success(response)


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: SessionBody | Mapping[str, Any],
) -> Response[None | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs(
        body=body,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
