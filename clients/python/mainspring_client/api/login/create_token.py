from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.access_token import AccessToken
from ...models.login_body import LoginBody
from ...models.problem import Problem
from ...plain import as_dict
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    body: LoginBody | Mapping[str, Any] | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/auth/token",
    }

    if isinstance(body, LoginBody | Mapping):
        _kwargs["json"] = as_dict(body)

        headers["Content-Type"] = "application/json"
    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(response: httpx.Response) -> AccessToken | Problem | None:
    if response.status_code == 201:
        response_201 = AccessToken.from_dict(response.json())

        return response_201

    return parse_problem(response)


def _build_response(response: httpx.Response) -> Response[AccessToken | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(response),
    )


def sync(
    *,
    client: AuthenticatedClient | Client,
    body: LoginBody | Mapping[str, Any] | Unset = UNSET,
) -> AccessToken:
    """Log in; the token is good for 24 hours.

    Needs no token.

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    response = sync_detailed(
        client=client,
        body=body,
    )
    return cast(AccessToken, expect_success(response))


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: LoginBody | Mapping[str, Any] | Unset = UNSET,
) -> Response[AccessToken | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs(
        body=body,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    body: LoginBody | Mapping[str, Any] | Unset = UNSET,
) -> AccessToken:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        client=client,
        body=body,
    )
    return cast(AccessToken, expect_success(response))


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: LoginBody | Mapping[str, Any] | Unset = UNSET,
) -> Response[AccessToken | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs(
        body=body,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
