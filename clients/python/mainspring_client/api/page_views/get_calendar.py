import datetime
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.calendar import Calendar
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    dag_id: str,
    *,
    from_: datetime.date,
    to: datetime.date,
    timezone: None | str | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    json_from_ = from_.isoformat()
    params["from"] = json_from_

    json_to = to.isoformat()
    params["to"] = json_to

    json_timezone: None | str | Unset
    if isinstance(timezone, Unset):
        json_timezone = UNSET
    else:
        json_timezone = timezone
    params["timezone"] = json_timezone

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v2/dags/{dag_id}/calendar".format(
            dag_id=quote(str(dag_id), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _parse_response(response: httpx.Response) -> Calendar | Problem | None:
    if response.status_code == 200:
        response_200 = Calendar.from_dict(response.json())

        return response_200

    return parse_problem(response)


def _build_response(response: httpx.Response) -> Response[Calendar | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(response),
    )


def sync(
    dag_id: str,
    *,
    client: AuthenticatedClient | Client,
    from_: datetime.date,
    to: datetime.date,
    timezone: None | str | Unset = UNSET,
) -> Calendar:
    """Count the runs of a DAG by day, with the runs that its schedule plans and the times that it leaves
    out.

    Needs the role `viewer` on the DAG.

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    response = sync_detailed(
        dag_id=dag_id,
        client=client,
        from_=from_,
        to=to,
        timezone=timezone,
    )
    return cast(Calendar, expect_success(response))


def sync_detailed(
    dag_id: str,
    *,
    client: AuthenticatedClient | Client,
    from_: datetime.date,
    to: datetime.date,
    timezone: None | str | Unset = UNSET,
) -> Response[Calendar | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs(
        dag_id=dag_id,
        from_=from_,
        to=to,
        timezone=timezone,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


async def asyncio(
    dag_id: str,
    *,
    client: AuthenticatedClient | Client,
    from_: datetime.date,
    to: datetime.date,
    timezone: None | str | Unset = UNSET,
) -> Calendar:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        dag_id=dag_id,
        client=client,
        from_=from_,
        to=to,
        timezone=timezone,
    )
    return cast(Calendar, expect_success(response))


async def asyncio_detailed(
    dag_id: str,
    *,
    client: AuthenticatedClient | Client,
    from_: datetime.date,
    to: datetime.date,
    timezone: None | str | Unset = UNSET,
) -> Response[Calendar | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs(
        dag_id=dag_id,
        from_=from_,
        to=to,
        timezone=timezone,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
