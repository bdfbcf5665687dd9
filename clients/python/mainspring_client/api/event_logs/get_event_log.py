from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.event_log import EventLog
from ...models.problem import Problem
from ...types import Response


def _get_kwargs(
    event_log_id: int,
) -> dict[str, Any]:

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v2/eventLogs/{event_log_id}".format(
            event_log_id=quote(str(event_log_id), safe=""),
        ),
    }

    return _kwargs


def _parse_response(response: httpx.Response) -> EventLog | Problem | None:
    if response.status_code == 200:
        response_200 = EventLog.from_dict(response.json())

        return response_200

    return parse_problem(response)


def _build_response(response: httpx.Response) -> Response[EventLog | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(response),
    )


def sync(
    event_log_id: int,
    *,
    client: AuthenticatedClient | Client,
) -> EventLog:
    """One entry of the audit log.

    Needs the role `admin` for the whole server.

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    response = sync_detailed(
        event_log_id=event_log_id,
        client=client,
    )
    return cast(EventLog, expect_success(response))


def sync_detailed(
    event_log_id: int,
    *,
    client: AuthenticatedClient | Client,
) -> Response[EventLog | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs(
        event_log_id=event_log_id,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


async def asyncio(
    event_log_id: int,
    *,
    client: AuthenticatedClient | Client,
) -> EventLog:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        event_log_id=event_log_id,
        client=client,
    )
    return cast(EventLog, expect_success(response))


async def asyncio_detailed(
    event_log_id: int,
    *,
    client: AuthenticatedClient | Client,
) -> Response[EventLog | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs(
        event_log_id=event_log_id,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
