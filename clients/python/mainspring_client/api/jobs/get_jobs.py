import datetime
from http import HTTPStatus
from typing import Any, cast

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.job_collection import JobCollection
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    start_date_gte: datetime.datetime | Unset = UNSET,
    start_date_gt: datetime.datetime | Unset = UNSET,
    start_date_lte: datetime.datetime | Unset = UNSET,
    start_date_lt: datetime.datetime | Unset = UNSET,
    end_date_gte: datetime.datetime | Unset = UNSET,
    end_date_gt: datetime.datetime | Unset = UNSET,
    end_date_lte: datetime.datetime | Unset = UNSET,
    end_date_lt: datetime.datetime | Unset = UNSET,
    hostname: str | Unset = UNSET,
    executor_class: str | Unset = UNSET,
    is_alive: bool | None | Unset = UNSET,
    job_state: None | str | Unset = UNSET,
    job_type: None | str | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    json_start_date_gte: str | Unset = UNSET
    if not isinstance(start_date_gte, Unset):
        json_start_date_gte = start_date_gte.isoformat()
    params["start_date_gte"] = json_start_date_gte

    json_start_date_gt: str | Unset = UNSET
    if not isinstance(start_date_gt, Unset):
        json_start_date_gt = start_date_gt.isoformat()
    params["start_date_gt"] = json_start_date_gt

    json_start_date_lte: str | Unset = UNSET
    if not isinstance(start_date_lte, Unset):
        json_start_date_lte = start_date_lte.isoformat()
    params["start_date_lte"] = json_start_date_lte

    json_start_date_lt: str | Unset = UNSET
    if not isinstance(start_date_lt, Unset):
        json_start_date_lt = start_date_lt.isoformat()
    params["start_date_lt"] = json_start_date_lt

    json_end_date_gte: str | Unset = UNSET
    if not isinstance(end_date_gte, Unset):
        json_end_date_gte = end_date_gte.isoformat()
    params["end_date_gte"] = json_end_date_gte

    json_end_date_gt: str | Unset = UNSET
    if not isinstance(end_date_gt, Unset):
        json_end_date_gt = end_date_gt.isoformat()
    params["end_date_gt"] = json_end_date_gt

    json_end_date_lte: str | Unset = UNSET
    if not isinstance(end_date_lte, Unset):
        json_end_date_lte = end_date_lte.isoformat()
    params["end_date_lte"] = json_end_date_lte

    json_end_date_lt: str | Unset = UNSET
    if not isinstance(end_date_lt, Unset):
        json_end_date_lt = end_date_lt.isoformat()
    params["end_date_lt"] = json_end_date_lt

    params["hostname"] = hostname

    params["executor_class"] = executor_class

    json_is_alive: bool | None | Unset
    if isinstance(is_alive, Unset):
        json_is_alive = UNSET
    else:
        json_is_alive = is_alive
    params["is_alive"] = json_is_alive

    json_job_state: None | str | Unset
    if isinstance(job_state, Unset):
        json_job_state = UNSET
    else:
        json_job_state = job_state
    params["job_state"] = json_job_state

    json_job_type: None | str | Unset
    if isinstance(job_type, Unset):
        json_job_type = UNSET
    else:
        json_job_type = job_type
    params["job_type"] = json_job_type

    params["limit"] = limit

    params["offset"] = offset

    json_order_by: list[str] | Unset = UNSET
    if not isinstance(order_by, Unset):
        json_order_by = order_by

    params["order_by"] = json_order_by

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v2/jobs",
        "params": params,
    }

    return _kwargs


def _parse_response(response: httpx.Response) -> JobCollection | Problem | None:
    if response.status_code == 200:
        response_200 = JobCollection.from_dict(response.json())

        return response_200

    return parse_problem(response)


def _build_response(response: httpx.Response) -> Response[JobCollection | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(response),
    )


def sync(
    *,
    client: AuthenticatedClient | Client,
    start_date_gte: datetime.datetime | Unset = UNSET,
    start_date_gt: datetime.datetime | Unset = UNSET,
    start_date_lte: datetime.datetime | Unset = UNSET,
    start_date_lt: datetime.datetime | Unset = UNSET,
    end_date_gte: datetime.datetime | Unset = UNSET,
    end_date_gt: datetime.datetime | Unset = UNSET,
    end_date_lte: datetime.datetime | Unset = UNSET,
    end_date_lt: datetime.datetime | Unset = UNSET,
    hostname: str | Unset = UNSET,
    executor_class: str | Unset = UNSET,
    is_alive: bool | None | Unset = UNSET,
    job_state: None | str | Unset = UNSET,
    job_type: None | str | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> JobCollection:
    """List the starts of schedulers and execution APIs.

    Needs the role `viewer` for the whole server.

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    response = sync_detailed(
        client=client,
        start_date_gte=start_date_gte,
        start_date_gt=start_date_gt,
        start_date_lte=start_date_lte,
        start_date_lt=start_date_lt,
        end_date_gte=end_date_gte,
        end_date_gt=end_date_gt,
        end_date_lte=end_date_lte,
        end_date_lt=end_date_lt,
        hostname=hostname,
        executor_class=executor_class,
        is_alive=is_alive,
        job_state=job_state,
        job_type=job_type,
        limit=limit,
        offset=offset,
        order_by=order_by,
    )
    return cast(JobCollection, expect_success(response))


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    start_date_gte: datetime.datetime | Unset = UNSET,
    start_date_gt: datetime.datetime | Unset = UNSET,
    start_date_lte: datetime.datetime | Unset = UNSET,
    start_date_lt: datetime.datetime | Unset = UNSET,
    end_date_gte: datetime.datetime | Unset = UNSET,
    end_date_gt: datetime.datetime | Unset = UNSET,
    end_date_lte: datetime.datetime | Unset = UNSET,
    end_date_lt: datetime.datetime | Unset = UNSET,
    hostname: str | Unset = UNSET,
    executor_class: str | Unset = UNSET,
    is_alive: bool | None | Unset = UNSET,
    job_state: None | str | Unset = UNSET,
    job_type: None | str | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> Response[JobCollection | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs(
        start_date_gte=start_date_gte,
        start_date_gt=start_date_gt,
        start_date_lte=start_date_lte,
        start_date_lt=start_date_lt,
        end_date_gte=end_date_gte,
        end_date_gt=end_date_gt,
        end_date_lte=end_date_lte,
        end_date_lt=end_date_lt,
        hostname=hostname,
        executor_class=executor_class,
        is_alive=is_alive,
        job_state=job_state,
        job_type=job_type,
        limit=limit,
        offset=offset,
        order_by=order_by,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    start_date_gte: datetime.datetime | Unset = UNSET,
    start_date_gt: datetime.datetime | Unset = UNSET,
    start_date_lte: datetime.datetime | Unset = UNSET,
    start_date_lt: datetime.datetime | Unset = UNSET,
    end_date_gte: datetime.datetime | Unset = UNSET,
    end_date_gt: datetime.datetime | Unset = UNSET,
    end_date_lte: datetime.datetime | Unset = UNSET,
    end_date_lt: datetime.datetime | Unset = UNSET,
    hostname: str | Unset = UNSET,
    executor_class: str | Unset = UNSET,
    is_alive: bool | None | Unset = UNSET,
    job_state: None | str | Unset = UNSET,
    job_type: None | str | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> JobCollection:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        client=client,
        start_date_gte=start_date_gte,
        start_date_gt=start_date_gt,
        start_date_lte=start_date_lte,
        start_date_lt=start_date_lt,
        end_date_gte=end_date_gte,
        end_date_gt=end_date_gt,
        end_date_lte=end_date_lte,
        end_date_lt=end_date_lt,
        hostname=hostname,
        executor_class=executor_class,
        is_alive=is_alive,
        job_state=job_state,
        job_type=job_type,
        limit=limit,
        offset=offset,
        order_by=order_by,
    )
    return cast(JobCollection, expect_success(response))


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    start_date_gte: datetime.datetime | Unset = UNSET,
    start_date_gt: datetime.datetime | Unset = UNSET,
    start_date_lte: datetime.datetime | Unset = UNSET,
    start_date_lt: datetime.datetime | Unset = UNSET,
    end_date_gte: datetime.datetime | Unset = UNSET,
    end_date_gt: datetime.datetime | Unset = UNSET,
    end_date_lte: datetime.datetime | Unset = UNSET,
    end_date_lt: datetime.datetime | Unset = UNSET,
    hostname: str | Unset = UNSET,
    executor_class: str | Unset = UNSET,
    is_alive: bool | None | Unset = UNSET,
    job_state: None | str | Unset = UNSET,
    job_type: None | str | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> Response[JobCollection | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs(
        start_date_gte=start_date_gte,
        start_date_gt=start_date_gt,
        start_date_lte=start_date_lte,
        start_date_lt=start_date_lt,
        end_date_gte=end_date_gte,
        end_date_gt=end_date_gt,
        end_date_lte=end_date_lte,
        end_date_lt=end_date_lt,
        hostname=hostname,
        executor_class=executor_class,
        is_alive=is_alive,
        job_state=job_state,
        job_type=job_type,
        limit=limit,
        offset=offset,
        order_by=order_by,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
