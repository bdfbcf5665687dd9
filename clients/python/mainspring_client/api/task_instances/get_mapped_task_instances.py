import datetime
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.get_mapped_task_instances_state_item import (
    GetMappedTaskInstancesStateItem,
)
from ...models.problem import Problem
from ...models.task_instance_collection import TaskInstanceCollection
from ...types import UNSET, Response, Unset


def _get_kwargs(
    dag_id: str,
    dag_run_id: str,
    task_id: str,
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
    task_display_name_pattern: str | Unset = UNSET,
    task_display_name_prefix_pattern: str | Unset = UNSET,
    dag_id_pattern: str | Unset = UNSET,
    dag_id_prefix_pattern: str | Unset = UNSET,
    run_id_pattern: str | Unset = UNSET,
    run_id_prefix_pattern: str | Unset = UNSET,
    state: list[GetMappedTaskInstancesStateItem] | Unset = UNSET,
    is_late: bool | Unset = UNSET,
    has_note: bool | Unset = UNSET,
    pool: list[str] | Unset = UNSET,
    pool_name_pattern: str | Unset = UNSET,
    pool_name_prefix_pattern: str | Unset = UNSET,
    queue: list[str] | Unset = UNSET,
    queue_name_pattern: str | Unset = UNSET,
    queue_name_prefix_pattern: str | Unset = UNSET,
    executor: list[str] | Unset = UNSET,
    version_number: list[int] | Unset = UNSET,
    try_number: list[int] | Unset = UNSET,
    operator: list[str] | Unset = UNSET,
    operator_name_pattern: str | Unset = UNSET,
    operator_name_prefix_pattern: str | Unset = UNSET,
    map_index: list[int] | Unset = UNSET,
    rendered_map_index_pattern: str | Unset = UNSET,
    rendered_map_index_prefix_pattern: str | Unset = UNSET,
    task_group_id: str | Unset = UNSET,
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

    params["task_display_name_pattern"] = task_display_name_pattern

    params["task_display_name_prefix_pattern"] = task_display_name_prefix_pattern

    params["dag_id_pattern"] = dag_id_pattern

    params["dag_id_prefix_pattern"] = dag_id_prefix_pattern

    params["run_id_pattern"] = run_id_pattern

    params["run_id_prefix_pattern"] = run_id_prefix_pattern

    json_state: list[str] | Unset = UNSET
    if not isinstance(state, Unset):
        json_state = []
        for state_item_data in state:
            state_item = state_item_data.value
            json_state.append(state_item)

    params["state"] = json_state

    params["is_late"] = is_late

    params["has_note"] = has_note

    json_pool: list[str] | Unset = UNSET
    if not isinstance(pool, Unset):
        json_pool = pool

    params["pool"] = json_pool

    params["pool_name_pattern"] = pool_name_pattern

    params["pool_name_prefix_pattern"] = pool_name_prefix_pattern

    json_queue: list[str] | Unset = UNSET
    if not isinstance(queue, Unset):
        json_queue = queue

    params["queue"] = json_queue

    params["queue_name_pattern"] = queue_name_pattern

    params["queue_name_prefix_pattern"] = queue_name_prefix_pattern

    json_executor: list[str] | Unset = UNSET
    if not isinstance(executor, Unset):
        json_executor = executor

    params["executor"] = json_executor

    json_version_number: list[int] | Unset = UNSET
    if not isinstance(version_number, Unset):
        json_version_number = version_number

    params["version_number"] = json_version_number

    json_try_number: list[int] | Unset = UNSET
    if not isinstance(try_number, Unset):
        json_try_number = try_number

    params["try_number"] = json_try_number

    json_operator: list[str] | Unset = UNSET
    if not isinstance(operator, Unset):
        json_operator = operator

    params["operator"] = json_operator

    params["operator_name_pattern"] = operator_name_pattern

    params["operator_name_prefix_pattern"] = operator_name_prefix_pattern

    json_map_index: list[int] | Unset = UNSET
    if not isinstance(map_index, Unset):
        json_map_index = map_index

    params["map_index"] = json_map_index

    params["rendered_map_index_pattern"] = rendered_map_index_pattern

    params["rendered_map_index_prefix_pattern"] = rendered_map_index_prefix_pattern

    params["task_group_id"] = task_group_id

    params["limit"] = limit

    params["offset"] = offset

    json_order_by: list[str] | Unset = UNSET
    if not isinstance(order_by, Unset):
        json_order_by = order_by

    params["order_by"] = json_order_by

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/listMapped".format(
            dag_id=quote(str(dag_id), safe=""),
            dag_run_id=quote(str(dag_run_id), safe=""),
            task_id=quote(str(task_id), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _parse_response(response: httpx.Response) -> TaskInstanceCollection | Problem | None:
    if response.status_code == 200:
        response_200 = TaskInstanceCollection.from_dict(response.json())

        return response_200

    return parse_problem(response)


def _build_response(response: httpx.Response) -> Response[TaskInstanceCollection | Problem]:
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
    task_display_name_pattern: str | Unset = UNSET,
    task_display_name_prefix_pattern: str | Unset = UNSET,
    dag_id_pattern: str | Unset = UNSET,
    dag_id_prefix_pattern: str | Unset = UNSET,
    run_id_pattern: str | Unset = UNSET,
    run_id_prefix_pattern: str | Unset = UNSET,
    state: list[GetMappedTaskInstancesStateItem] | Unset = UNSET,
    is_late: bool | Unset = UNSET,
    has_note: bool | Unset = UNSET,
    pool: list[str] | Unset = UNSET,
    pool_name_pattern: str | Unset = UNSET,
    pool_name_prefix_pattern: str | Unset = UNSET,
    queue: list[str] | Unset = UNSET,
    queue_name_pattern: str | Unset = UNSET,
    queue_name_prefix_pattern: str | Unset = UNSET,
    executor: list[str] | Unset = UNSET,
    version_number: list[int] | Unset = UNSET,
    try_number: list[int] | Unset = UNSET,
    operator: list[str] | Unset = UNSET,
    operator_name_pattern: str | Unset = UNSET,
    operator_name_prefix_pattern: str | Unset = UNSET,
    map_index: list[int] | Unset = UNSET,
    rendered_map_index_pattern: str | Unset = UNSET,
    rendered_map_index_prefix_pattern: str | Unset = UNSET,
    task_group_id: str | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> TaskInstanceCollection:
    """List the instances of one mapped task; empty until its items are known.

    Needs the role `viewer` on the DAG.

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    response = sync_detailed(
        dag_id=dag_id,
        dag_run_id=dag_run_id,
        task_id=task_id,
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
        task_display_name_pattern=task_display_name_pattern,
        task_display_name_prefix_pattern=task_display_name_prefix_pattern,
        dag_id_pattern=dag_id_pattern,
        dag_id_prefix_pattern=dag_id_prefix_pattern,
        run_id_pattern=run_id_pattern,
        run_id_prefix_pattern=run_id_prefix_pattern,
        state=state,
        is_late=is_late,
        has_note=has_note,
        pool=pool,
        pool_name_pattern=pool_name_pattern,
        pool_name_prefix_pattern=pool_name_prefix_pattern,
        queue=queue,
        queue_name_pattern=queue_name_pattern,
        queue_name_prefix_pattern=queue_name_prefix_pattern,
        executor=executor,
        version_number=version_number,
        try_number=try_number,
        operator=operator,
        operator_name_pattern=operator_name_pattern,
        operator_name_prefix_pattern=operator_name_prefix_pattern,
        map_index=map_index,
        rendered_map_index_pattern=rendered_map_index_pattern,
        rendered_map_index_prefix_pattern=rendered_map_index_prefix_pattern,
        task_group_id=task_group_id,
        limit=limit,
        offset=offset,
        order_by=order_by,
    )
    return cast(TaskInstanceCollection, expect_success(response))


def sync_detailed(
    dag_id: str,
    dag_run_id: str,
    task_id: str,
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
    task_display_name_pattern: str | Unset = UNSET,
    task_display_name_prefix_pattern: str | Unset = UNSET,
    dag_id_pattern: str | Unset = UNSET,
    dag_id_prefix_pattern: str | Unset = UNSET,
    run_id_pattern: str | Unset = UNSET,
    run_id_prefix_pattern: str | Unset = UNSET,
    state: list[GetMappedTaskInstancesStateItem] | Unset = UNSET,
    is_late: bool | Unset = UNSET,
    has_note: bool | Unset = UNSET,
    pool: list[str] | Unset = UNSET,
    pool_name_pattern: str | Unset = UNSET,
    pool_name_prefix_pattern: str | Unset = UNSET,
    queue: list[str] | Unset = UNSET,
    queue_name_pattern: str | Unset = UNSET,
    queue_name_prefix_pattern: str | Unset = UNSET,
    executor: list[str] | Unset = UNSET,
    version_number: list[int] | Unset = UNSET,
    try_number: list[int] | Unset = UNSET,
    operator: list[str] | Unset = UNSET,
    operator_name_pattern: str | Unset = UNSET,
    operator_name_prefix_pattern: str | Unset = UNSET,
    map_index: list[int] | Unset = UNSET,
    rendered_map_index_pattern: str | Unset = UNSET,
    rendered_map_index_prefix_pattern: str | Unset = UNSET,
    task_group_id: str | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> Response[TaskInstanceCollection | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs(
        dag_id=dag_id,
        dag_run_id=dag_run_id,
        task_id=task_id,
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
        task_display_name_pattern=task_display_name_pattern,
        task_display_name_prefix_pattern=task_display_name_prefix_pattern,
        dag_id_pattern=dag_id_pattern,
        dag_id_prefix_pattern=dag_id_prefix_pattern,
        run_id_pattern=run_id_pattern,
        run_id_prefix_pattern=run_id_prefix_pattern,
        state=state,
        is_late=is_late,
        has_note=has_note,
        pool=pool,
        pool_name_pattern=pool_name_pattern,
        pool_name_prefix_pattern=pool_name_prefix_pattern,
        queue=queue,
        queue_name_pattern=queue_name_pattern,
        queue_name_prefix_pattern=queue_name_prefix_pattern,
        executor=executor,
        version_number=version_number,
        try_number=try_number,
        operator=operator,
        operator_name_pattern=operator_name_pattern,
        operator_name_prefix_pattern=operator_name_prefix_pattern,
        map_index=map_index,
        rendered_map_index_pattern=rendered_map_index_pattern,
        rendered_map_index_prefix_pattern=rendered_map_index_prefix_pattern,
        task_group_id=task_group_id,
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
    task_display_name_pattern: str | Unset = UNSET,
    task_display_name_prefix_pattern: str | Unset = UNSET,
    dag_id_pattern: str | Unset = UNSET,
    dag_id_prefix_pattern: str | Unset = UNSET,
    run_id_pattern: str | Unset = UNSET,
    run_id_prefix_pattern: str | Unset = UNSET,
    state: list[GetMappedTaskInstancesStateItem] | Unset = UNSET,
    is_late: bool | Unset = UNSET,
    has_note: bool | Unset = UNSET,
    pool: list[str] | Unset = UNSET,
    pool_name_pattern: str | Unset = UNSET,
    pool_name_prefix_pattern: str | Unset = UNSET,
    queue: list[str] | Unset = UNSET,
    queue_name_pattern: str | Unset = UNSET,
    queue_name_prefix_pattern: str | Unset = UNSET,
    executor: list[str] | Unset = UNSET,
    version_number: list[int] | Unset = UNSET,
    try_number: list[int] | Unset = UNSET,
    operator: list[str] | Unset = UNSET,
    operator_name_pattern: str | Unset = UNSET,
    operator_name_prefix_pattern: str | Unset = UNSET,
    map_index: list[int] | Unset = UNSET,
    rendered_map_index_pattern: str | Unset = UNSET,
    rendered_map_index_prefix_pattern: str | Unset = UNSET,
    task_group_id: str | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> TaskInstanceCollection:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        dag_id=dag_id,
        dag_run_id=dag_run_id,
        task_id=task_id,
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
        task_display_name_pattern=task_display_name_pattern,
        task_display_name_prefix_pattern=task_display_name_prefix_pattern,
        dag_id_pattern=dag_id_pattern,
        dag_id_prefix_pattern=dag_id_prefix_pattern,
        run_id_pattern=run_id_pattern,
        run_id_prefix_pattern=run_id_prefix_pattern,
        state=state,
        is_late=is_late,
        has_note=has_note,
        pool=pool,
        pool_name_pattern=pool_name_pattern,
        pool_name_prefix_pattern=pool_name_prefix_pattern,
        queue=queue,
        queue_name_pattern=queue_name_pattern,
        queue_name_prefix_pattern=queue_name_prefix_pattern,
        executor=executor,
        version_number=version_number,
        try_number=try_number,
        operator=operator,
        operator_name_pattern=operator_name_pattern,
        operator_name_prefix_pattern=operator_name_prefix_pattern,
        map_index=map_index,
        rendered_map_index_pattern=rendered_map_index_pattern,
        rendered_map_index_prefix_pattern=rendered_map_index_prefix_pattern,
        task_group_id=task_group_id,
        limit=limit,
        offset=offset,
        order_by=order_by,
    )
    return cast(TaskInstanceCollection, expect_success(response))


async def asyncio_detailed(
    dag_id: str,
    dag_run_id: str,
    task_id: str,
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
    task_display_name_pattern: str | Unset = UNSET,
    task_display_name_prefix_pattern: str | Unset = UNSET,
    dag_id_pattern: str | Unset = UNSET,
    dag_id_prefix_pattern: str | Unset = UNSET,
    run_id_pattern: str | Unset = UNSET,
    run_id_prefix_pattern: str | Unset = UNSET,
    state: list[GetMappedTaskInstancesStateItem] | Unset = UNSET,
    is_late: bool | Unset = UNSET,
    has_note: bool | Unset = UNSET,
    pool: list[str] | Unset = UNSET,
    pool_name_pattern: str | Unset = UNSET,
    pool_name_prefix_pattern: str | Unset = UNSET,
    queue: list[str] | Unset = UNSET,
    queue_name_pattern: str | Unset = UNSET,
    queue_name_prefix_pattern: str | Unset = UNSET,
    executor: list[str] | Unset = UNSET,
    version_number: list[int] | Unset = UNSET,
    try_number: list[int] | Unset = UNSET,
    operator: list[str] | Unset = UNSET,
    operator_name_pattern: str | Unset = UNSET,
    operator_name_prefix_pattern: str | Unset = UNSET,
    map_index: list[int] | Unset = UNSET,
    rendered_map_index_pattern: str | Unset = UNSET,
    rendered_map_index_prefix_pattern: str | Unset = UNSET,
    task_group_id: str | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> Response[TaskInstanceCollection | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs(
        dag_id=dag_id,
        dag_run_id=dag_run_id,
        task_id=task_id,
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
        task_display_name_pattern=task_display_name_pattern,
        task_display_name_prefix_pattern=task_display_name_prefix_pattern,
        dag_id_pattern=dag_id_pattern,
        dag_id_prefix_pattern=dag_id_prefix_pattern,
        run_id_pattern=run_id_pattern,
        run_id_prefix_pattern=run_id_prefix_pattern,
        state=state,
        is_late=is_late,
        has_note=has_note,
        pool=pool,
        pool_name_pattern=pool_name_pattern,
        pool_name_prefix_pattern=pool_name_prefix_pattern,
        queue=queue,
        queue_name_pattern=queue_name_pattern,
        queue_name_prefix_pattern=queue_name_prefix_pattern,
        executor=executor,
        version_number=version_number,
        try_number=try_number,
        operator=operator,
        operator_name_pattern=operator_name_pattern,
        operator_name_prefix_pattern=operator_name_prefix_pattern,
        map_index=map_index,
        rendered_map_index_pattern=rendered_map_index_pattern,
        rendered_map_index_prefix_pattern=rendered_map_index_prefix_pattern,
        task_group_id=task_group_id,
        limit=limit,
        offset=offset,
        order_by=order_by,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
