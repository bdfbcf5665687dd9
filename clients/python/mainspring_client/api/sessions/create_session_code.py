from http import HTTPStatus
from typing import Any, cast

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.problem import Problem
from ...models.session_code import SessionCode
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    idempotency_key: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/auth/sessionCode",
    }

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(response: httpx.Response) -> SessionCode | Problem | None:
    if response.status_code == 201:
        response_201 = SessionCode.from_dict(response.json())

        return response_201

    return parse_problem(response)


def _build_response(response: httpx.Response) -> Response[SessionCode | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(response),
    )


def sync(
    *,
    client: AuthenticatedClient | Client,
    idempotency_key: str | Unset = UNSET,
) -> SessionCode:
    """Make a code for `POST /auth/session`, valid once and for 10 minutes, for browsers on the server's
    machine.

    Needs a token, with any role.

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    response = sync_detailed(
        client=client,
        idempotency_key=idempotency_key,
    )
    return cast(SessionCode, expect_success(response))


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    idempotency_key: str | Unset = UNSET,
) -> Response[SessionCode | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs(
        idempotency_key=idempotency_key,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    idempotency_key: str | Unset = UNSET,
) -> SessionCode:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        client=client,
        idempotency_key=idempotency_key,
    )
    return cast(SessionCode, expect_success(response))


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    idempotency_key: str | Unset = UNSET,
) -> Response[SessionCode | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs(
        idempotency_key=idempotency_key,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
