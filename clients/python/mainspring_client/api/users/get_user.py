from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.problem import Problem
from ...models.user import User
from ...types import Response


def _get_kwargs(
    username: str,
) -> dict[str, Any]:

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v2/users/{username}".format(
            username=quote(str(username), safe=""),
        ),
    }

    return _kwargs


def _parse_response(response: httpx.Response) -> User | Problem | None:
    if response.status_code == 200:
        response_200 = User.from_dict(response.json())

        return response_200

    return parse_problem(response)


def _build_response(response: httpx.Response) -> Response[User | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(response),
    )


def sync(
    username: str,
    *,
    client: AuthenticatedClient | Client,
) -> User:
    """One user. The `ETag` changes with what an administrator changes, not with a login.

    Needs the role `admin` for the whole server.

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    response = sync_detailed(
        username=username,
        client=client,
    )
    return cast(User, expect_success(response))


def sync_detailed(
    username: str,
    *,
    client: AuthenticatedClient | Client,
) -> Response[User | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs(
        username=username,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


async def asyncio(
    username: str,
    *,
    client: AuthenticatedClient | Client,
) -> User:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        username=username,
        client=client,
    )
    return cast(User, expect_success(response))


async def asyncio_detailed(
    username: str,
    *,
    client: AuthenticatedClient | Client,
) -> Response[User | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs(
        username=username,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
