import datetime
from http import HTTPStatus
from typing import Any, cast

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.problem import Problem
from ...models.upcoming import Upcoming
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    from_: datetime.datetime | None | Unset = UNSET,
    to: datetime.datetime | None | Unset = UNSET,
    limit: int | Unset = 50,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    json_from_: None | str | Unset
    if isinstance(from_, Unset):
        json_from_ = UNSET
    elif isinstance(from_, datetime.datetime):
        json_from_ = from_.isoformat()
    else:
        json_from_ = from_
    params["from"] = json_from_

    json_to: None | str | Unset
    if isinstance(to, Unset):
        json_to = UNSET
    elif isinstance(to, datetime.datetime):
        json_to = to.isoformat()
    else:
        json_to = to
    params["to"] = json_to

    params["limit"] = limit

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v2/upcoming",
        "params": params,
    }

    return _kwargs


def _parse_response(response: httpx.Response) -> Upcoming | Problem | None:
    if response.status_code == 200:
        response_200 = Upcoming.from_dict(response.json())

        return response_200

    return parse_problem(response)


def _build_response(response: httpx.Response) -> Response[Upcoming | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(response),
    )


def sync(
    *,
    client: AuthenticatedClient | Client,
    from_: datetime.datetime | None | Unset = UNSET,
    to: datetime.datetime | None | Unset = UNSET,
    limit: int | Unset = 50,
) -> Upcoming:
    """List planned runs, and runs that wait for a future instant, of all DAGs.

    Needs the role `viewer` on a DAG, and is about the DAGs on which the caller has the role.

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    response = sync_detailed(
        client=client,
        from_=from_,
        to=to,
        limit=limit,
    )
    return cast(Upcoming, expect_success(response))


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    from_: datetime.datetime | None | Unset = UNSET,
    to: datetime.datetime | None | Unset = UNSET,
    limit: int | Unset = 50,
) -> Response[Upcoming | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs(
        from_=from_,
        to=to,
        limit=limit,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    from_: datetime.datetime | None | Unset = UNSET,
    to: datetime.datetime | None | Unset = UNSET,
    limit: int | Unset = 50,
) -> Upcoming:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        client=client,
        from_=from_,
        to=to,
        limit=limit,
    )
    return cast(Upcoming, expect_success(response))


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    from_: datetime.datetime | None | Unset = UNSET,
    to: datetime.datetime | None | Unset = UNSET,
    limit: int | Unset = 50,
) -> Response[Upcoming | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs(
        from_=from_,
        to=to,
        limit=limit,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
