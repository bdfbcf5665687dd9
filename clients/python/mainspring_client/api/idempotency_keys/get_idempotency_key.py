from http import HTTPStatus
from typing import Any, cast

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.answered_key import AnsweredKey
from ...models.problem import Problem
from ...types import UNSET, Response


def _get_kwargs(
    *,
    key: str,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["key"] = key

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v2/idempotencyKeys",
        "params": params,
    }

    return _kwargs


def _parse_response(response: httpx.Response) -> AnsweredKey | Problem | None:
    if response.status_code == 200:
        response_200 = AnsweredKey.from_dict(response.json())

        return response_200

    return parse_problem(response)


def _build_response(response: httpx.Response) -> Response[AnsweredKey | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(response),
    )


def sync(
    *,
    client: AuthenticatedClient | Client,
    key: str,
) -> AnsweredKey:
    """What became of the request with an idempotency key of the caller, in the last 24 hours.

    404 says that no request with the key has had an effect so far; one may be under way.

    Needs a token, with any role.

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    response = sync_detailed(
        client=client,
        key=key,
    )
    return cast(AnsweredKey, expect_success(response))


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    key: str,
) -> Response[AnsweredKey | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs(
        key=key,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    key: str,
) -> AnsweredKey:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        client=client,
        key=key,
    )
    return cast(AnsweredKey, expect_success(response))


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    key: str,
) -> Response[AnsweredKey | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs(
        key=key,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
