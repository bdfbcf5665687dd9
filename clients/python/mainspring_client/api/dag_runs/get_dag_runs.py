import datetime
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.dag_run_collection import DagRunCollection
from ...models.get_dag_runs_run_type_item import GetDagRunsRunTypeItem
from ...models.get_dag_runs_state_item import GetDagRunsStateItem
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    dag_id: str,
    *,
    run_after_gte: datetime.datetime | Unset = UNSET,
    run_after_gt: datetime.datetime | Unset = UNSET,
    run_after_lte: datetime.datetime | Unset = UNSET,
    run_after_lt: datetime.datetime | Unset = UNSET,
    logical_date_gte: datetime.datetime | Unset = UNSET,
    logical_date_gt: datetime.datetime | Unset = UNSET,
    logical_date_lte: datetime.datetime | Unset = UNSET,
    logical_date_lt: datetime.datetime | Unset = UNSET,
    start_date_gte: datetime.datetime | Unset = UNSET,
    start_date_gt: datetime.datetime | Unset = UNSET,
    start_date_lte: datetime.datetime | Unset = UNSET,
    start_date_lt: datetime.datetime | Unset = UNSET,
    end_date_gte: datetime.datetime | Unset = UNSET,
    end_date_gt: datetime.datetime | Unset = UNSET,
    end_date_lte: datetime.datetime | Unset = UNSET,
    end_date_lt: datetime.datetime | Unset = UNSET,
    updated_at_gte: datetime.datetime | Unset = UNSET,
    updated_at_gt: datetime.datetime | Unset = UNSET,
    updated_at_lte: datetime.datetime | Unset = UNSET,
    updated_at_lt: datetime.datetime | Unset = UNSET,
    duration_gte: float | Unset = UNSET,
    duration_gt: float | Unset = UNSET,
    duration_lte: float | Unset = UNSET,
    duration_lt: float | Unset = UNSET,
    conf_contains: str | Unset = UNSET,
    run_type: list[GetDagRunsRunTypeItem] | Unset = UNSET,
    state: list[GetDagRunsStateItem] | Unset = UNSET,
    is_late: bool | Unset = UNSET,
    has_note: bool | Unset = UNSET,
    dag_version: list[int] | Unset = UNSET,
    run_id_pattern: str | Unset = UNSET,
    run_id_prefix_pattern: str | Unset = UNSET,
    triggering_user_name_pattern: str | Unset = UNSET,
    triggering_user_name_prefix_pattern: str | Unset = UNSET,
    dag_id_pattern: str | Unset = UNSET,
    dag_id_prefix_pattern: str | Unset = UNSET,
    bundle_version: str | Unset = UNSET,
    partition_key_pattern: str | Unset = UNSET,
    partition_key_prefix_pattern: str | Unset = UNSET,
    consuming_asset_pattern: str | Unset = UNSET,
    partition_date_gte: datetime.date | None | Unset = UNSET,
    partition_date_lte: datetime.date | None | Unset = UNSET,
    cursor: str | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

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

    json_updated_at_gte: str | Unset = UNSET
    if not isinstance(updated_at_gte, Unset):
        json_updated_at_gte = updated_at_gte.isoformat()
    params["updated_at_gte"] = json_updated_at_gte

    json_updated_at_gt: str | Unset = UNSET
    if not isinstance(updated_at_gt, Unset):
        json_updated_at_gt = updated_at_gt.isoformat()
    params["updated_at_gt"] = json_updated_at_gt

    json_updated_at_lte: str | Unset = UNSET
    if not isinstance(updated_at_lte, Unset):
        json_updated_at_lte = updated_at_lte.isoformat()
    params["updated_at_lte"] = json_updated_at_lte

    json_updated_at_lt: str | Unset = UNSET
    if not isinstance(updated_at_lt, Unset):
        json_updated_at_lt = updated_at_lt.isoformat()
    params["updated_at_lt"] = json_updated_at_lt

    params["duration_gte"] = duration_gte

    params["duration_gt"] = duration_gt

    params["duration_lte"] = duration_lte

    params["duration_lt"] = duration_lt

    params["conf_contains"] = conf_contains

    json_run_type: list[str] | Unset = UNSET
    if not isinstance(run_type, Unset):
        json_run_type = []
        for run_type_item_data in run_type:
            run_type_item = run_type_item_data.value
            json_run_type.append(run_type_item)

    params["run_type"] = json_run_type

    json_state: list[str] | Unset = UNSET
    if not isinstance(state, Unset):
        json_state = []
        for state_item_data in state:
            state_item = state_item_data.value
            json_state.append(state_item)

    params["state"] = json_state

    params["is_late"] = is_late

    params["has_note"] = has_note

    json_dag_version: list[int] | Unset = UNSET
    if not isinstance(dag_version, Unset):
        json_dag_version = dag_version

    params["dag_version"] = json_dag_version

    params["run_id_pattern"] = run_id_pattern

    params["run_id_prefix_pattern"] = run_id_prefix_pattern

    params["triggering_user_name_pattern"] = triggering_user_name_pattern

    params["triggering_user_name_prefix_pattern"] = triggering_user_name_prefix_pattern

    params["dag_id_pattern"] = dag_id_pattern

    params["dag_id_prefix_pattern"] = dag_id_prefix_pattern

    params["bundle_version"] = bundle_version

    params["partition_key_pattern"] = partition_key_pattern

    params["partition_key_prefix_pattern"] = partition_key_prefix_pattern

    params["consuming_asset_pattern"] = consuming_asset_pattern

    json_partition_date_gte: None | str | Unset
    if isinstance(partition_date_gte, Unset):
        json_partition_date_gte = UNSET
    elif isinstance(partition_date_gte, datetime.date):
        json_partition_date_gte = partition_date_gte.isoformat()
    else:
        json_partition_date_gte = partition_date_gte
    params["partition_date_gte"] = json_partition_date_gte

    json_partition_date_lte: None | str | Unset
    if isinstance(partition_date_lte, Unset):
        json_partition_date_lte = UNSET
    elif isinstance(partition_date_lte, datetime.date):
        json_partition_date_lte = partition_date_lte.isoformat()
    else:
        json_partition_date_lte = partition_date_lte
    params["partition_date_lte"] = json_partition_date_lte

    params["cursor"] = cursor

    params["limit"] = limit

    params["offset"] = offset

    json_order_by: list[str] | Unset = UNSET
    if not isinstance(order_by, Unset):
        json_order_by = order_by

    params["order_by"] = json_order_by

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v2/dags/{dag_id}/dagRuns".format(
            dag_id=quote(str(dag_id), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _parse_response(response: httpx.Response) -> DagRunCollection | Problem | None:
    if response.status_code == 200:
        response_200 = DagRunCollection.from_dict(response.json())

        return response_200

    return parse_problem(response)


def _build_response(response: httpx.Response) -> Response[DagRunCollection | Problem]:
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
    run_after_gte: datetime.datetime | Unset = UNSET,
    run_after_gt: datetime.datetime | Unset = UNSET,
    run_after_lte: datetime.datetime | Unset = UNSET,
    run_after_lt: datetime.datetime | Unset = UNSET,
    logical_date_gte: datetime.datetime | Unset = UNSET,
    logical_date_gt: datetime.datetime | Unset = UNSET,
    logical_date_lte: datetime.datetime | Unset = UNSET,
    logical_date_lt: datetime.datetime | Unset = UNSET,
    start_date_gte: datetime.datetime | Unset = UNSET,
    start_date_gt: datetime.datetime | Unset = UNSET,
    start_date_lte: datetime.datetime | Unset = UNSET,
    start_date_lt: datetime.datetime | Unset = UNSET,
    end_date_gte: datetime.datetime | Unset = UNSET,
    end_date_gt: datetime.datetime | Unset = UNSET,
    end_date_lte: datetime.datetime | Unset = UNSET,
    end_date_lt: datetime.datetime | Unset = UNSET,
    updated_at_gte: datetime.datetime | Unset = UNSET,
    updated_at_gt: datetime.datetime | Unset = UNSET,
    updated_at_lte: datetime.datetime | Unset = UNSET,
    updated_at_lt: datetime.datetime | Unset = UNSET,
    duration_gte: float | Unset = UNSET,
    duration_gt: float | Unset = UNSET,
    duration_lte: float | Unset = UNSET,
    duration_lt: float | Unset = UNSET,
    conf_contains: str | Unset = UNSET,
    run_type: list[GetDagRunsRunTypeItem] | Unset = UNSET,
    state: list[GetDagRunsStateItem] | Unset = UNSET,
    is_late: bool | Unset = UNSET,
    has_note: bool | Unset = UNSET,
    dag_version: list[int] | Unset = UNSET,
    run_id_pattern: str | Unset = UNSET,
    run_id_prefix_pattern: str | Unset = UNSET,
    triggering_user_name_pattern: str | Unset = UNSET,
    triggering_user_name_prefix_pattern: str | Unset = UNSET,
    dag_id_pattern: str | Unset = UNSET,
    dag_id_prefix_pattern: str | Unset = UNSET,
    bundle_version: str | Unset = UNSET,
    partition_key_pattern: str | Unset = UNSET,
    partition_key_prefix_pattern: str | Unset = UNSET,
    consuming_asset_pattern: str | Unset = UNSET,
    partition_date_gte: datetime.date | None | Unset = UNSET,
    partition_date_lte: datetime.date | None | Unset = UNSET,
    cursor: str | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> DagRunCollection:
    """List the runs of a DAG, or of all DAGs when dag_id is `~`.

    Needs the role `viewer` on a DAG, and is about the DAGs on which the caller has the role.

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    response = sync_detailed(
        dag_id=dag_id,
        client=client,
        run_after_gte=run_after_gte,
        run_after_gt=run_after_gt,
        run_after_lte=run_after_lte,
        run_after_lt=run_after_lt,
        logical_date_gte=logical_date_gte,
        logical_date_gt=logical_date_gt,
        logical_date_lte=logical_date_lte,
        logical_date_lt=logical_date_lt,
        start_date_gte=start_date_gte,
        start_date_gt=start_date_gt,
        start_date_lte=start_date_lte,
        start_date_lt=start_date_lt,
        end_date_gte=end_date_gte,
        end_date_gt=end_date_gt,
        end_date_lte=end_date_lte,
        end_date_lt=end_date_lt,
        updated_at_gte=updated_at_gte,
        updated_at_gt=updated_at_gt,
        updated_at_lte=updated_at_lte,
        updated_at_lt=updated_at_lt,
        duration_gte=duration_gte,
        duration_gt=duration_gt,
        duration_lte=duration_lte,
        duration_lt=duration_lt,
        conf_contains=conf_contains,
        run_type=run_type,
        state=state,
        is_late=is_late,
        has_note=has_note,
        dag_version=dag_version,
        run_id_pattern=run_id_pattern,
        run_id_prefix_pattern=run_id_prefix_pattern,
        triggering_user_name_pattern=triggering_user_name_pattern,
        triggering_user_name_prefix_pattern=triggering_user_name_prefix_pattern,
        dag_id_pattern=dag_id_pattern,
        dag_id_prefix_pattern=dag_id_prefix_pattern,
        bundle_version=bundle_version,
        partition_key_pattern=partition_key_pattern,
        partition_key_prefix_pattern=partition_key_prefix_pattern,
        consuming_asset_pattern=consuming_asset_pattern,
        partition_date_gte=partition_date_gte,
        partition_date_lte=partition_date_lte,
        cursor=cursor,
        limit=limit,
        offset=offset,
        order_by=order_by,
    )
    return cast(DagRunCollection, expect_success(response))


def sync_detailed(
    dag_id: str,
    *,
    client: AuthenticatedClient | Client,
    run_after_gte: datetime.datetime | Unset = UNSET,
    run_after_gt: datetime.datetime | Unset = UNSET,
    run_after_lte: datetime.datetime | Unset = UNSET,
    run_after_lt: datetime.datetime | Unset = UNSET,
    logical_date_gte: datetime.datetime | Unset = UNSET,
    logical_date_gt: datetime.datetime | Unset = UNSET,
    logical_date_lte: datetime.datetime | Unset = UNSET,
    logical_date_lt: datetime.datetime | Unset = UNSET,
    start_date_gte: datetime.datetime | Unset = UNSET,
    start_date_gt: datetime.datetime | Unset = UNSET,
    start_date_lte: datetime.datetime | Unset = UNSET,
    start_date_lt: datetime.datetime | Unset = UNSET,
    end_date_gte: datetime.datetime | Unset = UNSET,
    end_date_gt: datetime.datetime | Unset = UNSET,
    end_date_lte: datetime.datetime | Unset = UNSET,
    end_date_lt: datetime.datetime | Unset = UNSET,
    updated_at_gte: datetime.datetime | Unset = UNSET,
    updated_at_gt: datetime.datetime | Unset = UNSET,
    updated_at_lte: datetime.datetime | Unset = UNSET,
    updated_at_lt: datetime.datetime | Unset = UNSET,
    duration_gte: float | Unset = UNSET,
    duration_gt: float | Unset = UNSET,
    duration_lte: float | Unset = UNSET,
    duration_lt: float | Unset = UNSET,
    conf_contains: str | Unset = UNSET,
    run_type: list[GetDagRunsRunTypeItem] | Unset = UNSET,
    state: list[GetDagRunsStateItem] | Unset = UNSET,
    is_late: bool | Unset = UNSET,
    has_note: bool | Unset = UNSET,
    dag_version: list[int] | Unset = UNSET,
    run_id_pattern: str | Unset = UNSET,
    run_id_prefix_pattern: str | Unset = UNSET,
    triggering_user_name_pattern: str | Unset = UNSET,
    triggering_user_name_prefix_pattern: str | Unset = UNSET,
    dag_id_pattern: str | Unset = UNSET,
    dag_id_prefix_pattern: str | Unset = UNSET,
    bundle_version: str | Unset = UNSET,
    partition_key_pattern: str | Unset = UNSET,
    partition_key_prefix_pattern: str | Unset = UNSET,
    consuming_asset_pattern: str | Unset = UNSET,
    partition_date_gte: datetime.date | None | Unset = UNSET,
    partition_date_lte: datetime.date | None | Unset = UNSET,
    cursor: str | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> Response[DagRunCollection | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs(
        dag_id=dag_id,
        run_after_gte=run_after_gte,
        run_after_gt=run_after_gt,
        run_after_lte=run_after_lte,
        run_after_lt=run_after_lt,
        logical_date_gte=logical_date_gte,
        logical_date_gt=logical_date_gt,
        logical_date_lte=logical_date_lte,
        logical_date_lt=logical_date_lt,
        start_date_gte=start_date_gte,
        start_date_gt=start_date_gt,
        start_date_lte=start_date_lte,
        start_date_lt=start_date_lt,
        end_date_gte=end_date_gte,
        end_date_gt=end_date_gt,
        end_date_lte=end_date_lte,
        end_date_lt=end_date_lt,
        updated_at_gte=updated_at_gte,
        updated_at_gt=updated_at_gt,
        updated_at_lte=updated_at_lte,
        updated_at_lt=updated_at_lt,
        duration_gte=duration_gte,
        duration_gt=duration_gt,
        duration_lte=duration_lte,
        duration_lt=duration_lt,
        conf_contains=conf_contains,
        run_type=run_type,
        state=state,
        is_late=is_late,
        has_note=has_note,
        dag_version=dag_version,
        run_id_pattern=run_id_pattern,
        run_id_prefix_pattern=run_id_prefix_pattern,
        triggering_user_name_pattern=triggering_user_name_pattern,
        triggering_user_name_prefix_pattern=triggering_user_name_prefix_pattern,
        dag_id_pattern=dag_id_pattern,
        dag_id_prefix_pattern=dag_id_prefix_pattern,
        bundle_version=bundle_version,
        partition_key_pattern=partition_key_pattern,
        partition_key_prefix_pattern=partition_key_prefix_pattern,
        consuming_asset_pattern=consuming_asset_pattern,
        partition_date_gte=partition_date_gte,
        partition_date_lte=partition_date_lte,
        cursor=cursor,
        limit=limit,
        offset=offset,
        order_by=order_by,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


async def asyncio(
    dag_id: str,
    *,
    client: AuthenticatedClient | Client,
    run_after_gte: datetime.datetime | Unset = UNSET,
    run_after_gt: datetime.datetime | Unset = UNSET,
    run_after_lte: datetime.datetime | Unset = UNSET,
    run_after_lt: datetime.datetime | Unset = UNSET,
    logical_date_gte: datetime.datetime | Unset = UNSET,
    logical_date_gt: datetime.datetime | Unset = UNSET,
    logical_date_lte: datetime.datetime | Unset = UNSET,
    logical_date_lt: datetime.datetime | Unset = UNSET,
    start_date_gte: datetime.datetime | Unset = UNSET,
    start_date_gt: datetime.datetime | Unset = UNSET,
    start_date_lte: datetime.datetime | Unset = UNSET,
    start_date_lt: datetime.datetime | Unset = UNSET,
    end_date_gte: datetime.datetime | Unset = UNSET,
    end_date_gt: datetime.datetime | Unset = UNSET,
    end_date_lte: datetime.datetime | Unset = UNSET,
    end_date_lt: datetime.datetime | Unset = UNSET,
    updated_at_gte: datetime.datetime | Unset = UNSET,
    updated_at_gt: datetime.datetime | Unset = UNSET,
    updated_at_lte: datetime.datetime | Unset = UNSET,
    updated_at_lt: datetime.datetime | Unset = UNSET,
    duration_gte: float | Unset = UNSET,
    duration_gt: float | Unset = UNSET,
    duration_lte: float | Unset = UNSET,
    duration_lt: float | Unset = UNSET,
    conf_contains: str | Unset = UNSET,
    run_type: list[GetDagRunsRunTypeItem] | Unset = UNSET,
    state: list[GetDagRunsStateItem] | Unset = UNSET,
    is_late: bool | Unset = UNSET,
    has_note: bool | Unset = UNSET,
    dag_version: list[int] | Unset = UNSET,
    run_id_pattern: str | Unset = UNSET,
    run_id_prefix_pattern: str | Unset = UNSET,
    triggering_user_name_pattern: str | Unset = UNSET,
    triggering_user_name_prefix_pattern: str | Unset = UNSET,
    dag_id_pattern: str | Unset = UNSET,
    dag_id_prefix_pattern: str | Unset = UNSET,
    bundle_version: str | Unset = UNSET,
    partition_key_pattern: str | Unset = UNSET,
    partition_key_prefix_pattern: str | Unset = UNSET,
    consuming_asset_pattern: str | Unset = UNSET,
    partition_date_gte: datetime.date | None | Unset = UNSET,
    partition_date_lte: datetime.date | None | Unset = UNSET,
    cursor: str | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> DagRunCollection:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        dag_id=dag_id,
        client=client,
        run_after_gte=run_after_gte,
        run_after_gt=run_after_gt,
        run_after_lte=run_after_lte,
        run_after_lt=run_after_lt,
        logical_date_gte=logical_date_gte,
        logical_date_gt=logical_date_gt,
        logical_date_lte=logical_date_lte,
        logical_date_lt=logical_date_lt,
        start_date_gte=start_date_gte,
        start_date_gt=start_date_gt,
        start_date_lte=start_date_lte,
        start_date_lt=start_date_lt,
        end_date_gte=end_date_gte,
        end_date_gt=end_date_gt,
        end_date_lte=end_date_lte,
        end_date_lt=end_date_lt,
        updated_at_gte=updated_at_gte,
        updated_at_gt=updated_at_gt,
        updated_at_lte=updated_at_lte,
        updated_at_lt=updated_at_lt,
        duration_gte=duration_gte,
        duration_gt=duration_gt,
        duration_lte=duration_lte,
        duration_lt=duration_lt,
        conf_contains=conf_contains,
        run_type=run_type,
        state=state,
        is_late=is_late,
        has_note=has_note,
        dag_version=dag_version,
        run_id_pattern=run_id_pattern,
        run_id_prefix_pattern=run_id_prefix_pattern,
        triggering_user_name_pattern=triggering_user_name_pattern,
        triggering_user_name_prefix_pattern=triggering_user_name_prefix_pattern,
        dag_id_pattern=dag_id_pattern,
        dag_id_prefix_pattern=dag_id_prefix_pattern,
        bundle_version=bundle_version,
        partition_key_pattern=partition_key_pattern,
        partition_key_prefix_pattern=partition_key_prefix_pattern,
        consuming_asset_pattern=consuming_asset_pattern,
        partition_date_gte=partition_date_gte,
        partition_date_lte=partition_date_lte,
        cursor=cursor,
        limit=limit,
        offset=offset,
        order_by=order_by,
    )
    return cast(DagRunCollection, expect_success(response))


async def asyncio_detailed(
    dag_id: str,
    *,
    client: AuthenticatedClient | Client,
    run_after_gte: datetime.datetime | Unset = UNSET,
    run_after_gt: datetime.datetime | Unset = UNSET,
    run_after_lte: datetime.datetime | Unset = UNSET,
    run_after_lt: datetime.datetime | Unset = UNSET,
    logical_date_gte: datetime.datetime | Unset = UNSET,
    logical_date_gt: datetime.datetime | Unset = UNSET,
    logical_date_lte: datetime.datetime | Unset = UNSET,
    logical_date_lt: datetime.datetime | Unset = UNSET,
    start_date_gte: datetime.datetime | Unset = UNSET,
    start_date_gt: datetime.datetime | Unset = UNSET,
    start_date_lte: datetime.datetime | Unset = UNSET,
    start_date_lt: datetime.datetime | Unset = UNSET,
    end_date_gte: datetime.datetime | Unset = UNSET,
    end_date_gt: datetime.datetime | Unset = UNSET,
    end_date_lte: datetime.datetime | Unset = UNSET,
    end_date_lt: datetime.datetime | Unset = UNSET,
    updated_at_gte: datetime.datetime | Unset = UNSET,
    updated_at_gt: datetime.datetime | Unset = UNSET,
    updated_at_lte: datetime.datetime | Unset = UNSET,
    updated_at_lt: datetime.datetime | Unset = UNSET,
    duration_gte: float | Unset = UNSET,
    duration_gt: float | Unset = UNSET,
    duration_lte: float | Unset = UNSET,
    duration_lt: float | Unset = UNSET,
    conf_contains: str | Unset = UNSET,
    run_type: list[GetDagRunsRunTypeItem] | Unset = UNSET,
    state: list[GetDagRunsStateItem] | Unset = UNSET,
    is_late: bool | Unset = UNSET,
    has_note: bool | Unset = UNSET,
    dag_version: list[int] | Unset = UNSET,
    run_id_pattern: str | Unset = UNSET,
    run_id_prefix_pattern: str | Unset = UNSET,
    triggering_user_name_pattern: str | Unset = UNSET,
    triggering_user_name_prefix_pattern: str | Unset = UNSET,
    dag_id_pattern: str | Unset = UNSET,
    dag_id_prefix_pattern: str | Unset = UNSET,
    bundle_version: str | Unset = UNSET,
    partition_key_pattern: str | Unset = UNSET,
    partition_key_prefix_pattern: str | Unset = UNSET,
    consuming_asset_pattern: str | Unset = UNSET,
    partition_date_gte: datetime.date | None | Unset = UNSET,
    partition_date_lte: datetime.date | None | Unset = UNSET,
    cursor: str | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> Response[DagRunCollection | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs(
        dag_id=dag_id,
        run_after_gte=run_after_gte,
        run_after_gt=run_after_gt,
        run_after_lte=run_after_lte,
        run_after_lt=run_after_lt,
        logical_date_gte=logical_date_gte,
        logical_date_gt=logical_date_gt,
        logical_date_lte=logical_date_lte,
        logical_date_lt=logical_date_lt,
        start_date_gte=start_date_gte,
        start_date_gt=start_date_gt,
        start_date_lte=start_date_lte,
        start_date_lt=start_date_lt,
        end_date_gte=end_date_gte,
        end_date_gt=end_date_gt,
        end_date_lte=end_date_lte,
        end_date_lt=end_date_lt,
        updated_at_gte=updated_at_gte,
        updated_at_gt=updated_at_gt,
        updated_at_lte=updated_at_lte,
        updated_at_lt=updated_at_lt,
        duration_gte=duration_gte,
        duration_gt=duration_gt,
        duration_lte=duration_lte,
        duration_lt=duration_lt,
        conf_contains=conf_contains,
        run_type=run_type,
        state=state,
        is_late=is_late,
        has_note=has_note,
        dag_version=dag_version,
        run_id_pattern=run_id_pattern,
        run_id_prefix_pattern=run_id_prefix_pattern,
        triggering_user_name_pattern=triggering_user_name_pattern,
        triggering_user_name_prefix_pattern=triggering_user_name_prefix_pattern,
        dag_id_pattern=dag_id_pattern,
        dag_id_prefix_pattern=dag_id_prefix_pattern,
        bundle_version=bundle_version,
        partition_key_pattern=partition_key_pattern,
        partition_key_prefix_pattern=partition_key_prefix_pattern,
        consuming_asset_pattern=consuming_asset_pattern,
        partition_date_gte=partition_date_gte,
        partition_date_lte=partition_date_lte,
        cursor=cursor,
        limit=limit,
        offset=offset,
        order_by=order_by,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
