from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.exchange_body import ExchangeBody
from ...models.exchanged_token import ExchangedToken
from ...models.problem import Problem
from ...plain import as_dict
from ...types import Response


def _get_kwargs(
    *,
    body: ExchangeBody | Mapping[str, Any],
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/auth/token/exchange",
    }

    _kwargs["data"] = as_dict(body)

    headers["Content-Type"] = "application/x-www-form-urlencoded"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(response: httpx.Response) -> ExchangedToken | Problem | None:
    if response.status_code == 200:
        response_200 = ExchangedToken.from_dict(response.json())

        return response_200

    return parse_problem(response)


def _build_response(response: httpx.Response) -> Response[ExchangedToken | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(response),
    )


def sync(
    *,
    client: AuthenticatedClient | Client,
    body: ExchangeBody | Mapping[str, Any],
) -> ExchangedToken:
    """Exchange the OIDC token of a CI system for a token of this server, as RFC 8693 describes.

    The first rule of the setting `token_exchange` that holds gives the rights and the lifetime. The
    token acts as the
    user `ci:<rule>`. Each OIDC token is exchanged once.

    Needs no token.

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    response = sync_detailed(
        client=client,
        body=body,
    )
    return cast(ExchangedToken, expect_success(response))


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: ExchangeBody | Mapping[str, Any],
) -> Response[ExchangedToken | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs(
        body=body,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    body: ExchangeBody | Mapping[str, Any],
) -> ExchangedToken:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        client=client,
        body=body,
    )
    return cast(ExchangedToken, expect_success(response))


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: ExchangeBody | Mapping[str, Any],
) -> Response[ExchangedToken | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs(
        body=body,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
