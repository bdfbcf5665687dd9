import datetime
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.get_hitl_details_state_item import GetHitlDetailsStateItem
from ...models.hitl_detail_collection import HitlDetailCollection
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    dag_id: str,
    dag_run_id: str,
    *,
    dag_id_pattern: str | Unset = UNSET,
    dag_id_prefix_pattern: str | Unset = UNSET,
    task_id: str | Unset = UNSET,
    task_id_pattern: str | Unset = UNSET,
    task_id_prefix_pattern: str | Unset = UNSET,
    map_index: int | Unset = UNSET,
    state: list[GetHitlDetailsStateItem] | Unset = UNSET,
    created_at_gte: datetime.datetime | Unset = UNSET,
    created_at_gt: datetime.datetime | Unset = UNSET,
    created_at_lte: datetime.datetime | Unset = UNSET,
    created_at_lt: datetime.datetime | Unset = UNSET,
    subject_search: str | Unset = UNSET,
    body_search: str | Unset = UNSET,
    responded_by_user_id: list[str] | Unset = UNSET,
    responded_by_user_name: list[str] | Unset = UNSET,
    response_received: bool | None | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["dag_id_pattern"] = dag_id_pattern

    params["dag_id_prefix_pattern"] = dag_id_prefix_pattern

    params["task_id"] = task_id

    params["task_id_pattern"] = task_id_pattern

    params["task_id_prefix_pattern"] = task_id_prefix_pattern

    params["map_index"] = map_index

    json_state: list[str] | Unset = UNSET
    if not isinstance(state, Unset):
        json_state = []
        for state_item_data in state:
            state_item = state_item_data.value
            json_state.append(state_item)

    params["state"] = json_state

    json_created_at_gte: str | Unset = UNSET
    if not isinstance(created_at_gte, Unset):
        json_created_at_gte = created_at_gte.isoformat()
    params["created_at_gte"] = json_created_at_gte

    json_created_at_gt: str | Unset = UNSET
    if not isinstance(created_at_gt, Unset):
        json_created_at_gt = created_at_gt.isoformat()
    params["created_at_gt"] = json_created_at_gt

    json_created_at_lte: str | Unset = UNSET
    if not isinstance(created_at_lte, Unset):
        json_created_at_lte = created_at_lte.isoformat()
    params["created_at_lte"] = json_created_at_lte

    json_created_at_lt: str | Unset = UNSET
    if not isinstance(created_at_lt, Unset):
        json_created_at_lt = created_at_lt.isoformat()
    params["created_at_lt"] = json_created_at_lt

    params["subject_search"] = subject_search

    params["body_search"] = body_search

    json_responded_by_user_id: list[str] | Unset = UNSET
    if not isinstance(responded_by_user_id, Unset):
        json_responded_by_user_id = responded_by_user_id

    params["responded_by_user_id"] = json_responded_by_user_id

    json_responded_by_user_name: list[str] | Unset = UNSET
    if not isinstance(responded_by_user_name, Unset):
        json_responded_by_user_name = responded_by_user_name

    params["responded_by_user_name"] = json_responded_by_user_name

    json_response_received: bool | None | Unset
    if isinstance(response_received, Unset):
        json_response_received = UNSET
    else:
        json_response_received = response_received
    params["response_received"] = json_response_received

    params["limit"] = limit

    params["offset"] = offset

    json_order_by: list[str] | Unset = UNSET
    if not isinstance(order_by, Unset):
        json_order_by = order_by

    params["order_by"] = json_order_by

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/hitlDetails".format(
            dag_id=quote(str(dag_id), safe=""),
            dag_run_id=quote(str(dag_run_id), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _parse_response(response: httpx.Response) -> HitlDetailCollection | Problem | None:
    if response.status_code == 200:
        response_200 = HitlDetailCollection.from_dict(response.json())

        return response_200

    return parse_problem(response)


def _build_response(response: httpx.Response) -> Response[HitlDetailCollection | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(response),
    )


def sync(
    dag_id: str,
    dag_run_id: str,
    *,
    client: AuthenticatedClient | Client,
    dag_id_pattern: str | Unset = UNSET,
    dag_id_prefix_pattern: str | Unset = UNSET,
    task_id: str | Unset = UNSET,
    task_id_pattern: str | Unset = UNSET,
    task_id_prefix_pattern: str | Unset = UNSET,
    map_index: int | Unset = UNSET,
    state: list[GetHitlDetailsStateItem] | Unset = UNSET,
    created_at_gte: datetime.datetime | Unset = UNSET,
    created_at_gt: datetime.datetime | Unset = UNSET,
    created_at_lte: datetime.datetime | Unset = UNSET,
    created_at_lt: datetime.datetime | Unset = UNSET,
    subject_search: str | Unset = UNSET,
    body_search: str | Unset = UNSET,
    responded_by_user_id: list[str] | Unset = UNSET,
    responded_by_user_name: list[str] | Unset = UNSET,
    response_received: bool | None | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> HitlDetailCollection:
    """List the approvals of a run that have begun; `~` for an id means all.

    Needs the role `viewer` on a DAG, and is about the DAGs on which the caller has the role.

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    response = sync_detailed(
        dag_id=dag_id,
        dag_run_id=dag_run_id,
        client=client,
        dag_id_pattern=dag_id_pattern,
        dag_id_prefix_pattern=dag_id_prefix_pattern,
        task_id=task_id,
        task_id_pattern=task_id_pattern,
        task_id_prefix_pattern=task_id_prefix_pattern,
        map_index=map_index,
        state=state,
        created_at_gte=created_at_gte,
        created_at_gt=created_at_gt,
        created_at_lte=created_at_lte,
        created_at_lt=created_at_lt,
        subject_search=subject_search,
        body_search=body_search,
        responded_by_user_id=responded_by_user_id,
        responded_by_user_name=responded_by_user_name,
        response_received=response_received,
        limit=limit,
        offset=offset,
        order_by=order_by,
    )
    return cast(HitlDetailCollection, expect_success(response))


def sync_detailed(
    dag_id: str,
    dag_run_id: str,
    *,
    client: AuthenticatedClient | Client,
    dag_id_pattern: str | Unset = UNSET,
    dag_id_prefix_pattern: str | Unset = UNSET,
    task_id: str | Unset = UNSET,
    task_id_pattern: str | Unset = UNSET,
    task_id_prefix_pattern: str | Unset = UNSET,
    map_index: int | Unset = UNSET,
    state: list[GetHitlDetailsStateItem] | Unset = UNSET,
    created_at_gte: datetime.datetime | Unset = UNSET,
    created_at_gt: datetime.datetime | Unset = UNSET,
    created_at_lte: datetime.datetime | Unset = UNSET,
    created_at_lt: datetime.datetime | Unset = UNSET,
    subject_search: str | Unset = UNSET,
    body_search: str | Unset = UNSET,
    responded_by_user_id: list[str] | Unset = UNSET,
    responded_by_user_name: list[str] | Unset = UNSET,
    response_received: bool | None | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> Response[HitlDetailCollection | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs(
        dag_id=dag_id,
        dag_run_id=dag_run_id,
        dag_id_pattern=dag_id_pattern,
        dag_id_prefix_pattern=dag_id_prefix_pattern,
        task_id=task_id,
        task_id_pattern=task_id_pattern,
        task_id_prefix_pattern=task_id_prefix_pattern,
        map_index=map_index,
        state=state,
        created_at_gte=created_at_gte,
        created_at_gt=created_at_gt,
        created_at_lte=created_at_lte,
        created_at_lt=created_at_lt,
        subject_search=subject_search,
        body_search=body_search,
        responded_by_user_id=responded_by_user_id,
        responded_by_user_name=responded_by_user_name,
        response_received=response_received,
        limit=limit,
        offset=offset,
        order_by=order_by,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


async def asyncio(
    dag_id: str,
    dag_run_id: str,
    *,
    client: AuthenticatedClient | Client,
    dag_id_pattern: str | Unset = UNSET,
    dag_id_prefix_pattern: str | Unset = UNSET,
    task_id: str | Unset = UNSET,
    task_id_pattern: str | Unset = UNSET,
    task_id_prefix_pattern: str | Unset = UNSET,
    map_index: int | Unset = UNSET,
    state: list[GetHitlDetailsStateItem] | Unset = UNSET,
    created_at_gte: datetime.datetime | Unset = UNSET,
    created_at_gt: datetime.datetime | Unset = UNSET,
    created_at_lte: datetime.datetime | Unset = UNSET,
    created_at_lt: datetime.datetime | Unset = UNSET,
    subject_search: str | Unset = UNSET,
    body_search: str | Unset = UNSET,
    responded_by_user_id: list[str] | Unset = UNSET,
    responded_by_user_name: list[str] | Unset = UNSET,
    response_received: bool | None | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> HitlDetailCollection:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        dag_id=dag_id,
        dag_run_id=dag_run_id,
        client=client,
        dag_id_pattern=dag_id_pattern,
        dag_id_prefix_pattern=dag_id_prefix_pattern,
        task_id=task_id,
        task_id_pattern=task_id_pattern,
        task_id_prefix_pattern=task_id_prefix_pattern,
        map_index=map_index,
        state=state,
        created_at_gte=created_at_gte,
        created_at_gt=created_at_gt,
        created_at_lte=created_at_lte,
        created_at_lt=created_at_lt,
        subject_search=subject_search,
        body_search=body_search,
        responded_by_user_id=responded_by_user_id,
        responded_by_user_name=responded_by_user_name,
        response_received=response_received,
        limit=limit,
        offset=offset,
        order_by=order_by,
    )
    return cast(HitlDetailCollection, expect_success(response))


async def asyncio_detailed(
    dag_id: str,
    dag_run_id: str,
    *,
    client: AuthenticatedClient | Client,
    dag_id_pattern: str | Unset = UNSET,
    dag_id_prefix_pattern: str | Unset = UNSET,
    task_id: str | Unset = UNSET,
    task_id_pattern: str | Unset = UNSET,
    task_id_prefix_pattern: str | Unset = UNSET,
    map_index: int | Unset = UNSET,
    state: list[GetHitlDetailsStateItem] | Unset = UNSET,
    created_at_gte: datetime.datetime | Unset = UNSET,
    created_at_gt: datetime.datetime | Unset = UNSET,
    created_at_lte: datetime.datetime | Unset = UNSET,
    created_at_lt: datetime.datetime | Unset = UNSET,
    subject_search: str | Unset = UNSET,
    body_search: str | Unset = UNSET,
    responded_by_user_id: list[str] | Unset = UNSET,
    responded_by_user_name: list[str] | Unset = UNSET,
    response_received: bool | None | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> Response[HitlDetailCollection | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs(
        dag_id=dag_id,
        dag_run_id=dag_run_id,
        dag_id_pattern=dag_id_pattern,
        dag_id_prefix_pattern=dag_id_prefix_pattern,
        task_id=task_id,
        task_id_pattern=task_id_pattern,
        task_id_prefix_pattern=task_id_prefix_pattern,
        map_index=map_index,
        state=state,
        created_at_gte=created_at_gte,
        created_at_gt=created_at_gt,
        created_at_lte=created_at_lte,
        created_at_lt=created_at_lt,
        subject_search=subject_search,
        body_search=body_search,
        responded_by_user_id=responded_by_user_id,
        responded_by_user_name=responded_by_user_name,
        response_received=response_received,
        limit=limit,
        offset=offset,
        order_by=order_by,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
