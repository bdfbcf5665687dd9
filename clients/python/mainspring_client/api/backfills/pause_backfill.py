from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.backfill import Backfill
from ...models.problem import Problem
from ...types import Response


def _get_kwargs(
    backfill_id: int,
) -> dict[str, Any]:

    _kwargs: dict[str, Any] = {
        "method": "put",
        "url": "/api/v2/backfills/{backfill_id}/pause".format(
            backfill_id=quote(str(backfill_id), safe=""),
        ),
    }

    return _kwargs


def _parse_response(response: httpx.Response) -> Backfill | Problem | None:
    if response.status_code == 200:
        response_200 = Backfill.from_dict(response.json())

        return response_200

    return parse_problem(response)


def _build_response(response: httpx.Response) -> Response[Backfill | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(response),
    )


def sync(
    backfill_id: int,
    *,
    client: AuthenticatedClient | Client,
) -> Backfill:
    """Pause a backfill: nothing of it is made or started; what runs goes on.

    Needs the role `operator` on the DAG.

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    response = sync_detailed(
        backfill_id=backfill_id,
        client=client,
    )
    return cast(Backfill, expect_success(response))


def sync_detailed(
    backfill_id: int,
    *,
    client: AuthenticatedClient | Client,
) -> Response[Backfill | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs(
        backfill_id=backfill_id,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


async def asyncio(
    backfill_id: int,
    *,
    client: AuthenticatedClient | Client,
) -> Backfill:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        backfill_id=backfill_id,
        client=client,
    )
    return cast(Backfill, expect_success(response))


async def asyncio_detailed(
    backfill_id: int,
    *,
    client: AuthenticatedClient | Client,
) -> Response[Backfill | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs(
        backfill_id=backfill_id,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
