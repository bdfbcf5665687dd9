import datetime
from http import HTTPStatus
from typing import Any, cast

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.problem import Problem
from ...models.upcoming_days import UpcomingDays
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    from_: datetime.date,
    to: datetime.date,
    timezone: str | Unset = "UTC",
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    json_from_ = from_.isoformat()
    params["from"] = json_from_

    json_to = to.isoformat()
    params["to"] = json_to

    params["timezone"] = timezone

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v2/upcoming/days",
        "params": params,
    }

    return _kwargs


def _parse_response(response: httpx.Response) -> UpcomingDays | Problem | None:
    if response.status_code == 200:
        response_200 = UpcomingDays.from_dict(response.json())

        return response_200

    return parse_problem(response)


def _build_response(response: httpx.Response) -> Response[UpcomingDays | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(response),
    )


def sync(
    *,
    client: AuthenticatedClient | Client,
    from_: datetime.date,
    to: datetime.date,
    timezone: str | Unset = "UTC",
) -> UpcomingDays:
    """Count the runs to come of all DAGs by day: planned runs, and runs that wait for their instant.

    Needs the role `viewer` on a DAG, and is about the DAGs on which the caller has the role.

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    response = sync_detailed(
        client=client,
        from_=from_,
        to=to,
        timezone=timezone,
    )
    return cast(UpcomingDays, expect_success(response))


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    from_: datetime.date,
    to: datetime.date,
    timezone: str | Unset = "UTC",
) -> Response[UpcomingDays | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs(
        from_=from_,
        to=to,
        timezone=timezone,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    from_: datetime.date,
    to: datetime.date,
    timezone: str | Unset = "UTC",
) -> UpcomingDays:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        client=client,
        from_=from_,
        to=to,
        timezone=timezone,
    )
    return cast(UpcomingDays, expect_success(response))


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    from_: datetime.date,
    to: datetime.date,
    timezone: str | Unset = "UTC",
) -> Response[UpcomingDays | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs(
        from_=from_,
        to=to,
        timezone=timezone,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
