from http import HTTPStatus
from typing import Any, cast

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.backfill_collection import BackfillCollection
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    is_active: bool | Unset = UNSET,
    dag_id: None | str | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["is_active"] = is_active

    json_dag_id: None | str | Unset
    if isinstance(dag_id, Unset):
        json_dag_id = UNSET
    else:
        json_dag_id = dag_id
    params["dag_id"] = json_dag_id

    params["limit"] = limit

    params["offset"] = offset

    json_order_by: list[str] | Unset = UNSET
    if not isinstance(order_by, Unset):
        json_order_by = order_by

    params["order_by"] = json_order_by

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v2/backfills",
        "params": params,
    }

    return _kwargs


def _parse_response(response: httpx.Response) -> BackfillCollection | Problem | None:
    if response.status_code == 200:
        response_200 = BackfillCollection.from_dict(response.json())

        return response_200

    return parse_problem(response)


def _build_response(response: httpx.Response) -> Response[BackfillCollection | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(response),
    )


def sync(
    *,
    client: AuthenticatedClient | Client,
    is_active: bool | Unset = UNSET,
    dag_id: None | str | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> BackfillCollection:
    """List the backfills of a DAG, or of all DAGs.

    Needs the role `viewer` on a DAG, and is about the DAGs on which the caller has the role.

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    response = sync_detailed(
        client=client,
        is_active=is_active,
        dag_id=dag_id,
        limit=limit,
        offset=offset,
        order_by=order_by,
    )
    return cast(BackfillCollection, expect_success(response))


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    is_active: bool | Unset = UNSET,
    dag_id: None | str | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> Response[BackfillCollection | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs(
        is_active=is_active,
        dag_id=dag_id,
        limit=limit,
        offset=offset,
        order_by=order_by,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    is_active: bool | Unset = UNSET,
    dag_id: None | str | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> BackfillCollection:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        client=client,
        is_active=is_active,
        dag_id=dag_id,
        limit=limit,
        offset=offset,
        order_by=order_by,
    )
    return cast(BackfillCollection, expect_success(response))


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    is_active: bool | Unset = UNSET,
    dag_id: None | str | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> Response[BackfillCollection | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs(
        is_active=is_active,
        dag_id=dag_id,
        limit=limit,
        offset=offset,
        order_by=order_by,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
