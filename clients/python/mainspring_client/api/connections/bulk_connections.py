from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.bulk_answer import BulkAnswer
from ...models.bulk_body import BulkBody
from ...models.problem import Problem
from ...plain import as_dict
from ...types import Response


def _get_kwargs(
    *,
    body: BulkBody | Mapping[str, Any],
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "patch",
        "url": "/api/v2/connections",
    }

    _kwargs["json"] = as_dict(body)

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(response: httpx.Response) -> BulkAnswer | Problem | None:
    if response.status_code == 200:
        response_200 = BulkAnswer.from_dict(response.json())

        return response_200

    return parse_problem(response)


def _build_response(response: httpx.Response) -> Response[BulkAnswer | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(response),
    )


def sync(
    *,
    client: AuthenticatedClient | Client,
    body: BulkBody | Mapping[str, Any],
) -> BulkAnswer:
    """Create, update and delete connections. Each action is done whole or not at all.

    Needs the role `author` for the whole server.

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    response = sync_detailed(
        client=client,
        body=body,
    )
    return cast(BulkAnswer, expect_success(response))


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: BulkBody | Mapping[str, Any],
) -> Response[BulkAnswer | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs(
        body=body,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    body: BulkBody | Mapping[str, Any],
) -> BulkAnswer:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        client=client,
        body=body,
    )
    return cast(BulkAnswer, expect_success(response))


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: BulkBody | Mapping[str, Any],
) -> Response[BulkAnswer | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs(
        body=body,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
