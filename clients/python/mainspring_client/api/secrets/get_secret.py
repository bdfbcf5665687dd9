from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.problem import Problem
from ...models.secret import Secret
from ...types import Response


def _get_kwargs(
    secret_name: str,
) -> dict[str, Any]:

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v2/secrets/{secret_name}".format(
            secret_name=quote(str(secret_name), safe=""),
        ),
    }

    return _kwargs


def _parse_response(response: httpx.Response) -> Secret | Problem | None:
    if response.status_code == 200:
        response_200 = Secret.from_dict(response.json())

        return response_200

    return parse_problem(response)


def _build_response(response: httpx.Response) -> Response[Secret | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(response),
    )


def sync(
    secret_name: str,
    *,
    client: AuthenticatedClient | Client,
) -> Secret:
    """One secret, without its value. Its `ETag` changes with the value.

    Needs the role `author` for the whole server.

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    response = sync_detailed(
        secret_name=secret_name,
        client=client,
    )
    return cast(Secret, expect_success(response))


def sync_detailed(
    secret_name: str,
    *,
    client: AuthenticatedClient | Client,
) -> Response[Secret | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs(
        secret_name=secret_name,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


async def asyncio(
    secret_name: str,
    *,
    client: AuthenticatedClient | Client,
) -> Secret:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        secret_name=secret_name,
        client=client,
    )
    return cast(Secret, expect_success(response))


async def asyncio_detailed(
    secret_name: str,
    *,
    client: AuthenticatedClient | Client,
) -> Response[Secret | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs(
        secret_name=secret_name,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
