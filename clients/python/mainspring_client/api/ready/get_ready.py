from http import HTTPStatus
from typing import Any, cast

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.problem import Problem
from ...models.readiness import Readiness
from ...types import Response


def _get_kwargs() -> dict[str, Any]:

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/ready",
    }

    return _kwargs


def _parse_response(response: httpx.Response) -> Readiness | Problem | None:
    if response.status_code == 200:
        response_200 = Readiness.from_dict(response.json())

        return response_200

    return parse_problem(response)


def _build_response(response: httpx.Response) -> Response[Readiness | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(response),
    )


def sync(
    *,
    client: AuthenticatedClient | Client,
) -> Readiness:
    """Whether this process can work: the database answers and has the tables of this version; 503 says
    what is missing.

    A process stays ready when a later version upgrades the tables under it, until it is stopped.

    An administrator also sees the protection of the service.

    Needs no token.

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    response = sync_detailed(
        client=client,
    )
    return cast(Readiness, expect_success(response))


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
) -> Response[Readiness | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs()
    return _build_response(client.get_httpx_client().request(**kwargs))


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
) -> Readiness:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        client=client,
    )
    return cast(Readiness, expect_success(response))


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
) -> Response[Readiness | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs()
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
