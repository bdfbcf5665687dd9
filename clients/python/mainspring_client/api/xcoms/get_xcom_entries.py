import datetime
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.problem import Problem
from ...models.x_com_collection import XComCollection
from ...types import UNSET, Response, Unset


def _get_kwargs(
    dag_id: str,
    dag_run_id: str,
    task_id: str,
    *,
    xcom_key: str | Unset = UNSET,
    map_index: int | Unset = UNSET,
    map_index_filter: int | Unset = UNSET,
    xcom_key_pattern: str | Unset = UNSET,
    xcom_key_prefix_pattern: str | Unset = UNSET,
    dag_display_name_pattern: str | Unset = UNSET,
    dag_display_name_prefix_pattern: str | Unset = UNSET,
    run_id_pattern: str | Unset = UNSET,
    run_id_prefix_pattern: str | Unset = UNSET,
    task_id_pattern: str | Unset = UNSET,
    task_id_prefix_pattern: str | Unset = UNSET,
    logical_date_gte: datetime.datetime | Unset = UNSET,
    logical_date_gt: datetime.datetime | Unset = UNSET,
    logical_date_lte: datetime.datetime | Unset = UNSET,
    logical_date_lt: datetime.datetime | Unset = UNSET,
    run_after_gte: datetime.datetime | Unset = UNSET,
    run_after_gt: datetime.datetime | Unset = UNSET,
    run_after_lte: datetime.datetime | Unset = UNSET,
    run_after_lt: datetime.datetime | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["xcom_key"] = xcom_key

    params["map_index"] = map_index

    params["map_index_filter"] = map_index_filter

    params["xcom_key_pattern"] = xcom_key_pattern

    params["xcom_key_prefix_pattern"] = xcom_key_prefix_pattern

    params["dag_display_name_pattern"] = dag_display_name_pattern

    params["dag_display_name_prefix_pattern"] = dag_display_name_prefix_pattern

    params["run_id_pattern"] = run_id_pattern

    params["run_id_prefix_pattern"] = run_id_prefix_pattern

    params["task_id_pattern"] = task_id_pattern

    params["task_id_prefix_pattern"] = task_id_prefix_pattern

    json_logical_date_gte: str | Unset = UNSET
    if not isinstance(logical_date_gte, Unset):
        json_logical_date_gte = logical_date_gte.isoformat()
    params["logical_date_gte"] = json_logical_date_gte

    json_logical_date_gt: str | Unset = UNSET
    if not isinstance(logical_date_gt, Unset):
        json_logical_date_gt = logical_date_gt.isoformat()
    params["logical_date_gt"] = json_logical_date_gt

    json_logical_date_lte: str | Unset = UNSET
    if not isinstance(logical_date_lte, Unset):
        json_logical_date_lte = logical_date_lte.isoformat()
    params["logical_date_lte"] = json_logical_date_lte

    json_logical_date_lt: str | Unset = UNSET
    if not isinstance(logical_date_lt, Unset):
        json_logical_date_lt = logical_date_lt.isoformat()
    params["logical_date_lt"] = json_logical_date_lt

    json_run_after_gte: str | Unset = UNSET
    if not isinstance(run_after_gte, Unset):
        json_run_after_gte = run_after_gte.isoformat()
    params["run_after_gte"] = json_run_after_gte

    json_run_after_gt: str | Unset = UNSET
    if not isinstance(run_after_gt, Unset):
        json_run_after_gt = run_after_gt.isoformat()
    params["run_after_gt"] = json_run_after_gt

    json_run_after_lte: str | Unset = UNSET
    if not isinstance(run_after_lte, Unset):
        json_run_after_lte = run_after_lte.isoformat()
    params["run_after_lte"] = json_run_after_lte

    json_run_after_lt: str | Unset = UNSET
    if not isinstance(run_after_lt, Unset):
        json_run_after_lt = run_after_lt.isoformat()
    params["run_after_lt"] = json_run_after_lt

    params["limit"] = limit

    params["offset"] = offset

    json_order_by: list[str] | Unset = UNSET
    if not isinstance(order_by, Unset):
        json_order_by = order_by

    params["order_by"] = json_order_by

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/xcomEntries".format(
            dag_id=quote(str(dag_id), safe=""),
            dag_run_id=quote(str(dag_run_id), safe=""),
            task_id=quote(str(task_id), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _parse_response(response: httpx.Response) -> XComCollection | Problem | None:
    if response.status_code == 200:
        response_200 = XComCollection.from_dict(response.json())

        return response_200

    return parse_problem(response)


def _build_response(response: httpx.Response) -> Response[XComCollection | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(response),
    )


def sync(
    dag_id: str,
    dag_run_id: str,
    task_id: str,
    *,
    client: AuthenticatedClient | Client,
    xcom_key: str | Unset = UNSET,
    map_index: int | Unset = UNSET,
    map_index_filter: int | Unset = UNSET,
    xcom_key_pattern: str | Unset = UNSET,
    xcom_key_prefix_pattern: str | Unset = UNSET,
    dag_display_name_pattern: str | Unset = UNSET,
    dag_display_name_prefix_pattern: str | Unset = UNSET,
    run_id_pattern: str | Unset = UNSET,
    run_id_prefix_pattern: str | Unset = UNSET,
    task_id_pattern: str | Unset = UNSET,
    task_id_prefix_pattern: str | Unset = UNSET,
    logical_date_gte: datetime.datetime | Unset = UNSET,
    logical_date_gt: datetime.datetime | Unset = UNSET,
    logical_date_lte: datetime.datetime | Unset = UNSET,
    logical_date_lt: datetime.datetime | Unset = UNSET,
    run_after_gte: datetime.datetime | Unset = UNSET,
    run_after_gt: datetime.datetime | Unset = UNSET,
    run_after_lte: datetime.datetime | Unset = UNSET,
    run_after_lt: datetime.datetime | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> XComCollection:
    """List outputs; each id may be `~`, which means all.

    Needs the role `viewer` on a DAG, and is about the DAGs on which the caller has the role.

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    response = sync_detailed(
        dag_id=dag_id,
        dag_run_id=dag_run_id,
        task_id=task_id,
        client=client,
        xcom_key=xcom_key,
        map_index=map_index,
        map_index_filter=map_index_filter,
        xcom_key_pattern=xcom_key_pattern,
        xcom_key_prefix_pattern=xcom_key_prefix_pattern,
        dag_display_name_pattern=dag_display_name_pattern,
        dag_display_name_prefix_pattern=dag_display_name_prefix_pattern,
        run_id_pattern=run_id_pattern,
        run_id_prefix_pattern=run_id_prefix_pattern,
        task_id_pattern=task_id_pattern,
        task_id_prefix_pattern=task_id_prefix_pattern,
        logical_date_gte=logical_date_gte,
        logical_date_gt=logical_date_gt,
        logical_date_lte=logical_date_lte,
        logical_date_lt=logical_date_lt,
        run_after_gte=run_after_gte,
        run_after_gt=run_after_gt,
        run_after_lte=run_after_lte,
        run_after_lt=run_after_lt,
        limit=limit,
        offset=offset,
        order_by=order_by,
    )
    return cast(XComCollection, expect_success(response))


def sync_detailed(
    dag_id: str,
    dag_run_id: str,
    task_id: str,
    *,
    client: AuthenticatedClient | Client,
    xcom_key: str | Unset = UNSET,
    map_index: int | Unset = UNSET,
    map_index_filter: int | Unset = UNSET,
    xcom_key_pattern: str | Unset = UNSET,
    xcom_key_prefix_pattern: str | Unset = UNSET,
    dag_display_name_pattern: str | Unset = UNSET,
    dag_display_name_prefix_pattern: str | Unset = UNSET,
    run_id_pattern: str | Unset = UNSET,
    run_id_prefix_pattern: str | Unset = UNSET,
    task_id_pattern: str | Unset = UNSET,
    task_id_prefix_pattern: str | Unset = UNSET,
    logical_date_gte: datetime.datetime | Unset = UNSET,
    logical_date_gt: datetime.datetime | Unset = UNSET,
    logical_date_lte: datetime.datetime | Unset = UNSET,
    logical_date_lt: datetime.datetime | Unset = UNSET,
    run_after_gte: datetime.datetime | Unset = UNSET,
    run_after_gt: datetime.datetime | Unset = UNSET,
    run_after_lte: datetime.datetime | Unset = UNSET,
    run_after_lt: datetime.datetime | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> Response[XComCollection | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs(
        dag_id=dag_id,
        dag_run_id=dag_run_id,
        task_id=task_id,
        xcom_key=xcom_key,
        map_index=map_index,
        map_index_filter=map_index_filter,
        xcom_key_pattern=xcom_key_pattern,
        xcom_key_prefix_pattern=xcom_key_prefix_pattern,
        dag_display_name_pattern=dag_display_name_pattern,
        dag_display_name_prefix_pattern=dag_display_name_prefix_pattern,
        run_id_pattern=run_id_pattern,
        run_id_prefix_pattern=run_id_prefix_pattern,
        task_id_pattern=task_id_pattern,
        task_id_prefix_pattern=task_id_prefix_pattern,
        logical_date_gte=logical_date_gte,
        logical_date_gt=logical_date_gt,
        logical_date_lte=logical_date_lte,
        logical_date_lt=logical_date_lt,
        run_after_gte=run_after_gte,
        run_after_gt=run_after_gt,
        run_after_lte=run_after_lte,
        run_after_lt=run_after_lt,
        limit=limit,
        offset=offset,
        order_by=order_by,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


async def asyncio(
    dag_id: str,
    dag_run_id: str,
    task_id: str,
    *,
    client: AuthenticatedClient | Client,
    xcom_key: str | Unset = UNSET,
    map_index: int | Unset = UNSET,
    map_index_filter: int | Unset = UNSET,
    xcom_key_pattern: str | Unset = UNSET,
    xcom_key_prefix_pattern: str | Unset = UNSET,
    dag_display_name_pattern: str | Unset = UNSET,
    dag_display_name_prefix_pattern: str | Unset = UNSET,
    run_id_pattern: str | Unset = UNSET,
    run_id_prefix_pattern: str | Unset = UNSET,
    task_id_pattern: str | Unset = UNSET,
    task_id_prefix_pattern: str | Unset = UNSET,
    logical_date_gte: datetime.datetime | Unset = UNSET,
    logical_date_gt: datetime.datetime | Unset = UNSET,
    logical_date_lte: datetime.datetime | Unset = UNSET,
    logical_date_lt: datetime.datetime | Unset = UNSET,
    run_after_gte: datetime.datetime | Unset = UNSET,
    run_after_gt: datetime.datetime | Unset = UNSET,
    run_after_lte: datetime.datetime | Unset = UNSET,
    run_after_lt: datetime.datetime | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> XComCollection:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        dag_id=dag_id,
        dag_run_id=dag_run_id,
        task_id=task_id,
        client=client,
        xcom_key=xcom_key,
        map_index=map_index,
        map_index_filter=map_index_filter,
        xcom_key_pattern=xcom_key_pattern,
        xcom_key_prefix_pattern=xcom_key_prefix_pattern,
        dag_display_name_pattern=dag_display_name_pattern,
        dag_display_name_prefix_pattern=dag_display_name_prefix_pattern,
        run_id_pattern=run_id_pattern,
        run_id_prefix_pattern=run_id_prefix_pattern,
        task_id_pattern=task_id_pattern,
        task_id_prefix_pattern=task_id_prefix_pattern,
        logical_date_gte=logical_date_gte,
        logical_date_gt=logical_date_gt,
        logical_date_lte=logical_date_lte,
        logical_date_lt=logical_date_lt,
        run_after_gte=run_after_gte,
        run_after_gt=run_after_gt,
        run_after_lte=run_after_lte,
        run_after_lt=run_after_lt,
        limit=limit,
        offset=offset,
        order_by=order_by,
    )
    return cast(XComCollection, expect_success(response))


async def asyncio_detailed(
    dag_id: str,
    dag_run_id: str,
    task_id: str,
    *,
    client: AuthenticatedClient | Client,
    xcom_key: str | Unset = UNSET,
    map_index: int | Unset = UNSET,
    map_index_filter: int | Unset = UNSET,
    xcom_key_pattern: str | Unset = UNSET,
    xcom_key_prefix_pattern: str | Unset = UNSET,
    dag_display_name_pattern: str | Unset = UNSET,
    dag_display_name_prefix_pattern: str | Unset = UNSET,
    run_id_pattern: str | Unset = UNSET,
    run_id_prefix_pattern: str | Unset = UNSET,
    task_id_pattern: str | Unset = UNSET,
    task_id_prefix_pattern: str | Unset = UNSET,
    logical_date_gte: datetime.datetime | Unset = UNSET,
    logical_date_gt: datetime.datetime | Unset = UNSET,
    logical_date_lte: datetime.datetime | Unset = UNSET,
    logical_date_lt: datetime.datetime | Unset = UNSET,
    run_after_gte: datetime.datetime | Unset = UNSET,
    run_after_gt: datetime.datetime | Unset = UNSET,
    run_after_lte: datetime.datetime | Unset = UNSET,
    run_after_lt: datetime.datetime | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> Response[XComCollection | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs(
        dag_id=dag_id,
        dag_run_id=dag_run_id,
        task_id=task_id,
        xcom_key=xcom_key,
        map_index=map_index,
        map_index_filter=map_index_filter,
        xcom_key_pattern=xcom_key_pattern,
        xcom_key_prefix_pattern=xcom_key_prefix_pattern,
        dag_display_name_pattern=dag_display_name_pattern,
        dag_display_name_prefix_pattern=dag_display_name_prefix_pattern,
        run_id_pattern=run_id_pattern,
        run_id_prefix_pattern=run_id_prefix_pattern,
        task_id_pattern=task_id_pattern,
        task_id_prefix_pattern=task_id_prefix_pattern,
        logical_date_gte=logical_date_gte,
        logical_date_gt=logical_date_gt,
        logical_date_lte=logical_date_lte,
        logical_date_lt=logical_date_lt,
        run_after_gte=run_after_gte,
        run_after_gt=run_after_gt,
        run_after_lte=run_after_lte,
        run_after_lt=run_after_lt,
        limit=limit,
        offset=offset,
        order_by=order_by,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
