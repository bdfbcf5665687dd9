import datetime
from http import HTTPStatus
from typing import Any, cast

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.dag_run_state import DagRunState
from ...models.get_home_dag_run_state_item import GetHomeDagRunStateItem
from ...models.get_home_tags_match_mode import GetHomeTagsMatchMode
from ...models.home import Home
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    owners: list[str] | Unset = UNSET,
    dag_id_pattern: str | Unset = UNSET,
    dag_id_prefix_pattern: str | Unset = UNSET,
    dag_display_name_pattern: str | Unset = UNSET,
    dag_display_name_prefix_pattern: str | Unset = UNSET,
    paused: bool | Unset = UNSET,
    last_dag_run_state: DagRunState | Unset = UNSET,
    bundle_name: str | Unset = UNSET,
    exclude_stale: bool | Unset = UNSET,
    has_import_errors: bool | Unset = UNSET,
    bundle_version: str | Unset = UNSET,
    asset_dependency: str | Unset = UNSET,
    has_asset_schedule: bool | Unset = UNSET,
    is_favorite: bool | Unset = UNSET,
    timetable_type: list[str] | Unset = UNSET,
    dag_run_start_date_gte: datetime.datetime | Unset = UNSET,
    dag_run_start_date_gt: datetime.datetime | Unset = UNSET,
    dag_run_start_date_lte: datetime.datetime | Unset = UNSET,
    dag_run_start_date_lt: datetime.datetime | Unset = UNSET,
    dag_run_end_date_gte: datetime.datetime | Unset = UNSET,
    dag_run_end_date_gt: datetime.datetime | Unset = UNSET,
    dag_run_end_date_lte: datetime.datetime | Unset = UNSET,
    dag_run_end_date_lt: datetime.datetime | Unset = UNSET,
    dag_run_state: list[GetHomeDagRunStateItem] | Unset = UNSET,
    tags: list[str] | Unset = UNSET,
    tags_match_mode: GetHomeTagsMatchMode | Unset = GetHomeTagsMatchMode.ANY,
    runs: int | Unset = 20,
    from_: datetime.datetime,
    to: datetime.datetime,
    bins: int | Unset = 48,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    json_owners: list[str] | Unset = UNSET
    if not isinstance(owners, Unset):
        json_owners = owners

    params["owners"] = json_owners

    params["dag_id_pattern"] = dag_id_pattern

    params["dag_id_prefix_pattern"] = dag_id_prefix_pattern

    params["dag_display_name_pattern"] = dag_display_name_pattern

    params["dag_display_name_prefix_pattern"] = dag_display_name_prefix_pattern

    params["paused"] = paused

    json_last_dag_run_state: str | Unset = UNSET
    if not isinstance(last_dag_run_state, Unset):
        json_last_dag_run_state = last_dag_run_state.value

    params["last_dag_run_state"] = json_last_dag_run_state

    params["bundle_name"] = bundle_name

    params["exclude_stale"] = exclude_stale

    params["has_import_errors"] = has_import_errors

    params["bundle_version"] = bundle_version

    params["asset_dependency"] = asset_dependency

    params["has_asset_schedule"] = has_asset_schedule

    params["is_favorite"] = is_favorite

    json_timetable_type: list[str] | Unset = UNSET
    if not isinstance(timetable_type, Unset):
        json_timetable_type = timetable_type

    params["timetable_type"] = json_timetable_type

    json_dag_run_start_date_gte: str | Unset = UNSET
    if not isinstance(dag_run_start_date_gte, Unset):
        json_dag_run_start_date_gte = dag_run_start_date_gte.isoformat()
    params["dag_run_start_date_gte"] = json_dag_run_start_date_gte

    json_dag_run_start_date_gt: str | Unset = UNSET
    if not isinstance(dag_run_start_date_gt, Unset):
        json_dag_run_start_date_gt = dag_run_start_date_gt.isoformat()
    params["dag_run_start_date_gt"] = json_dag_run_start_date_gt

    json_dag_run_start_date_lte: str | Unset = UNSET
    if not isinstance(dag_run_start_date_lte, Unset):
        json_dag_run_start_date_lte = dag_run_start_date_lte.isoformat()
    params["dag_run_start_date_lte"] = json_dag_run_start_date_lte

    json_dag_run_start_date_lt: str | Unset = UNSET
    if not isinstance(dag_run_start_date_lt, Unset):
        json_dag_run_start_date_lt = dag_run_start_date_lt.isoformat()
    params["dag_run_start_date_lt"] = json_dag_run_start_date_lt

    json_dag_run_end_date_gte: str | Unset = UNSET
    if not isinstance(dag_run_end_date_gte, Unset):
        json_dag_run_end_date_gte = dag_run_end_date_gte.isoformat()
    params["dag_run_end_date_gte"] = json_dag_run_end_date_gte

    json_dag_run_end_date_gt: str | Unset = UNSET
    if not isinstance(dag_run_end_date_gt, Unset):
        json_dag_run_end_date_gt = dag_run_end_date_gt.isoformat()
    params["dag_run_end_date_gt"] = json_dag_run_end_date_gt

    json_dag_run_end_date_lte: str | Unset = UNSET
    if not isinstance(dag_run_end_date_lte, Unset):
        json_dag_run_end_date_lte = dag_run_end_date_lte.isoformat()
    params["dag_run_end_date_lte"] = json_dag_run_end_date_lte

    json_dag_run_end_date_lt: str | Unset = UNSET
    if not isinstance(dag_run_end_date_lt, Unset):
        json_dag_run_end_date_lt = dag_run_end_date_lt.isoformat()
    params["dag_run_end_date_lt"] = json_dag_run_end_date_lt

    json_dag_run_state: list[str] | Unset = UNSET
    if not isinstance(dag_run_state, Unset):
        json_dag_run_state = []
        for dag_run_state_item_data in dag_run_state:
            dag_run_state_item = dag_run_state_item_data.value
            json_dag_run_state.append(dag_run_state_item)

    params["dag_run_state"] = json_dag_run_state

    json_tags: list[str] | Unset = UNSET
    if not isinstance(tags, Unset):
        json_tags = tags

    params["tags"] = json_tags

    json_tags_match_mode: str | Unset = UNSET
    if not isinstance(tags_match_mode, Unset):
        json_tags_match_mode = tags_match_mode.value

    params["tags_match_mode"] = json_tags_match_mode

    params["runs"] = runs

    json_from_ = from_.isoformat()
    params["from"] = json_from_

    json_to = to.isoformat()
    params["to"] = json_to

    params["bins"] = bins

    params["limit"] = limit

    params["offset"] = offset

    json_order_by: list[str] | Unset = UNSET
    if not isinstance(order_by, Unset):
        json_order_by = order_by

    params["order_by"] = json_order_by

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v2/home",
        "params": params,
    }

    return _kwargs


def _parse_response(response: httpx.Response) -> Home | Problem | None:
    if response.status_code == 200:
        response_200 = Home.from_dict(response.json())

        return response_200

    return parse_problem(response)


def _build_response(response: httpx.Response) -> Response[Home | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(response),
    )


def sync(
    *,
    client: AuthenticatedClient | Client,
    owners: list[str] | Unset = UNSET,
    dag_id_pattern: str | Unset = UNSET,
    dag_id_prefix_pattern: str | Unset = UNSET,
    dag_display_name_pattern: str | Unset = UNSET,
    dag_display_name_prefix_pattern: str | Unset = UNSET,
    paused: bool | Unset = UNSET,
    last_dag_run_state: DagRunState | Unset = UNSET,
    bundle_name: str | Unset = UNSET,
    exclude_stale: bool | Unset = UNSET,
    has_import_errors: bool | Unset = UNSET,
    bundle_version: str | Unset = UNSET,
    asset_dependency: str | Unset = UNSET,
    has_asset_schedule: bool | Unset = UNSET,
    is_favorite: bool | Unset = UNSET,
    timetable_type: list[str] | Unset = UNSET,
    dag_run_start_date_gte: datetime.datetime | Unset = UNSET,
    dag_run_start_date_gt: datetime.datetime | Unset = UNSET,
    dag_run_start_date_lte: datetime.datetime | Unset = UNSET,
    dag_run_start_date_lt: datetime.datetime | Unset = UNSET,
    dag_run_end_date_gte: datetime.datetime | Unset = UNSET,
    dag_run_end_date_gt: datetime.datetime | Unset = UNSET,
    dag_run_end_date_lte: datetime.datetime | Unset = UNSET,
    dag_run_end_date_lt: datetime.datetime | Unset = UNSET,
    dag_run_state: list[GetHomeDagRunStateItem] | Unset = UNSET,
    tags: list[str] | Unset = UNSET,
    tags_match_mode: GetHomeTagsMatchMode | Unset = GetHomeTagsMatchMode.ANY,
    runs: int | Unset = 20,
    from_: datetime.datetime,
    to: datetime.datetime,
    bins: int | Unset = 48,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> Home:
    """The summary, the activity in a span, and a page of DAGs with their latest runs, in one answer.

    Needs the role `viewer` on a DAG, and is about the DAGs on which the caller has the role.

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    response = sync_detailed(
        client=client,
        owners=owners,
        dag_id_pattern=dag_id_pattern,
        dag_id_prefix_pattern=dag_id_prefix_pattern,
        dag_display_name_pattern=dag_display_name_pattern,
        dag_display_name_prefix_pattern=dag_display_name_prefix_pattern,
        paused=paused,
        last_dag_run_state=last_dag_run_state,
        bundle_name=bundle_name,
        exclude_stale=exclude_stale,
        has_import_errors=has_import_errors,
        bundle_version=bundle_version,
        asset_dependency=asset_dependency,
        has_asset_schedule=has_asset_schedule,
        is_favorite=is_favorite,
        timetable_type=timetable_type,
        dag_run_start_date_gte=dag_run_start_date_gte,
        dag_run_start_date_gt=dag_run_start_date_gt,
        dag_run_start_date_lte=dag_run_start_date_lte,
        dag_run_start_date_lt=dag_run_start_date_lt,
        dag_run_end_date_gte=dag_run_end_date_gte,
        dag_run_end_date_gt=dag_run_end_date_gt,
        dag_run_end_date_lte=dag_run_end_date_lte,
        dag_run_end_date_lt=dag_run_end_date_lt,
        dag_run_state=dag_run_state,
        tags=tags,
        tags_match_mode=tags_match_mode,
        runs=runs,
        from_=from_,
        to=to,
        bins=bins,
        limit=limit,
        offset=offset,
        order_by=order_by,
    )
    return cast(Home, expect_success(response))


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    owners: list[str] | Unset = UNSET,
    dag_id_pattern: str | Unset = UNSET,
    dag_id_prefix_pattern: str | Unset = UNSET,
    dag_display_name_pattern: str | Unset = UNSET,
    dag_display_name_prefix_pattern: str | Unset = UNSET,
    paused: bool | Unset = UNSET,
    last_dag_run_state: DagRunState | Unset = UNSET,
    bundle_name: str | Unset = UNSET,
    exclude_stale: bool | Unset = UNSET,
    has_import_errors: bool | Unset = UNSET,
    bundle_version: str | Unset = UNSET,
    asset_dependency: str | Unset = UNSET,
    has_asset_schedule: bool | Unset = UNSET,
    is_favorite: bool | Unset = UNSET,
    timetable_type: list[str] | Unset = UNSET,
    dag_run_start_date_gte: datetime.datetime | Unset = UNSET,
    dag_run_start_date_gt: datetime.datetime | Unset = UNSET,
    dag_run_start_date_lte: datetime.datetime | Unset = UNSET,
    dag_run_start_date_lt: datetime.datetime | Unset = UNSET,
    dag_run_end_date_gte: datetime.datetime | Unset = UNSET,
    dag_run_end_date_gt: datetime.datetime | Unset = UNSET,
    dag_run_end_date_lte: datetime.datetime | Unset = UNSET,
    dag_run_end_date_lt: datetime.datetime | Unset = UNSET,
    dag_run_state: list[GetHomeDagRunStateItem] | Unset = UNSET,
    tags: list[str] | Unset = UNSET,
    tags_match_mode: GetHomeTagsMatchMode | Unset = GetHomeTagsMatchMode.ANY,
    runs: int | Unset = 20,
    from_: datetime.datetime,
    to: datetime.datetime,
    bins: int | Unset = 48,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> Response[Home | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs(
        owners=owners,
        dag_id_pattern=dag_id_pattern,
        dag_id_prefix_pattern=dag_id_prefix_pattern,
        dag_display_name_pattern=dag_display_name_pattern,
        dag_display_name_prefix_pattern=dag_display_name_prefix_pattern,
        paused=paused,
        last_dag_run_state=last_dag_run_state,
        bundle_name=bundle_name,
        exclude_stale=exclude_stale,
        has_import_errors=has_import_errors,
        bundle_version=bundle_version,
        asset_dependency=asset_dependency,
        has_asset_schedule=has_asset_schedule,
        is_favorite=is_favorite,
        timetable_type=timetable_type,
        dag_run_start_date_gte=dag_run_start_date_gte,
        dag_run_start_date_gt=dag_run_start_date_gt,
        dag_run_start_date_lte=dag_run_start_date_lte,
        dag_run_start_date_lt=dag_run_start_date_lt,
        dag_run_end_date_gte=dag_run_end_date_gte,
        dag_run_end_date_gt=dag_run_end_date_gt,
        dag_run_end_date_lte=dag_run_end_date_lte,
        dag_run_end_date_lt=dag_run_end_date_lt,
        dag_run_state=dag_run_state,
        tags=tags,
        tags_match_mode=tags_match_mode,
        runs=runs,
        from_=from_,
        to=to,
        bins=bins,
        limit=limit,
        offset=offset,
        order_by=order_by,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    owners: list[str] | Unset = UNSET,
    dag_id_pattern: str | Unset = UNSET,
    dag_id_prefix_pattern: str | Unset = UNSET,
    dag_display_name_pattern: str | Unset = UNSET,
    dag_display_name_prefix_pattern: str | Unset = UNSET,
    paused: bool | Unset = UNSET,
    last_dag_run_state: DagRunState | Unset = UNSET,
    bundle_name: str | Unset = UNSET,
    exclude_stale: bool | Unset = UNSET,
    has_import_errors: bool | Unset = UNSET,
    bundle_version: str | Unset = UNSET,
    asset_dependency: str | Unset = UNSET,
    has_asset_schedule: bool | Unset = UNSET,
    is_favorite: bool | Unset = UNSET,
    timetable_type: list[str] | Unset = UNSET,
    dag_run_start_date_gte: datetime.datetime | Unset = UNSET,
    dag_run_start_date_gt: datetime.datetime | Unset = UNSET,
    dag_run_start_date_lte: datetime.datetime | Unset = UNSET,
    dag_run_start_date_lt: datetime.datetime | Unset = UNSET,
    dag_run_end_date_gte: datetime.datetime | Unset = UNSET,
    dag_run_end_date_gt: datetime.datetime | Unset = UNSET,
    dag_run_end_date_lte: datetime.datetime | Unset = UNSET,
    dag_run_end_date_lt: datetime.datetime | Unset = UNSET,
    dag_run_state: list[GetHomeDagRunStateItem] | Unset = UNSET,
    tags: list[str] | Unset = UNSET,
    tags_match_mode: GetHomeTagsMatchMode | Unset = GetHomeTagsMatchMode.ANY,
    runs: int | Unset = 20,
    from_: datetime.datetime,
    to: datetime.datetime,
    bins: int | Unset = 48,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> Home:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        client=client,
        owners=owners,
        dag_id_pattern=dag_id_pattern,
        dag_id_prefix_pattern=dag_id_prefix_pattern,
        dag_display_name_pattern=dag_display_name_pattern,
        dag_display_name_prefix_pattern=dag_display_name_prefix_pattern,
        paused=paused,
        last_dag_run_state=last_dag_run_state,
        bundle_name=bundle_name,
        exclude_stale=exclude_stale,
        has_import_errors=has_import_errors,
        bundle_version=bundle_version,
        asset_dependency=asset_dependency,
        has_asset_schedule=has_asset_schedule,
        is_favorite=is_favorite,
        timetable_type=timetable_type,
        dag_run_start_date_gte=dag_run_start_date_gte,
        dag_run_start_date_gt=dag_run_start_date_gt,
        dag_run_start_date_lte=dag_run_start_date_lte,
        dag_run_start_date_lt=dag_run_start_date_lt,
        dag_run_end_date_gte=dag_run_end_date_gte,
        dag_run_end_date_gt=dag_run_end_date_gt,
        dag_run_end_date_lte=dag_run_end_date_lte,
        dag_run_end_date_lt=dag_run_end_date_lt,
        dag_run_state=dag_run_state,
        tags=tags,
        tags_match_mode=tags_match_mode,
        runs=runs,
        from_=from_,
        to=to,
        bins=bins,
        limit=limit,
        offset=offset,
        order_by=order_by,
    )
    return cast(Home, expect_success(response))


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    owners: list[str] | Unset = UNSET,
    dag_id_pattern: str | Unset = UNSET,
    dag_id_prefix_pattern: str | Unset = UNSET,
    dag_display_name_pattern: str | Unset = UNSET,
    dag_display_name_prefix_pattern: str | Unset = UNSET,
    paused: bool | Unset = UNSET,
    last_dag_run_state: DagRunState | Unset = UNSET,
    bundle_name: str | Unset = UNSET,
    exclude_stale: bool | Unset = UNSET,
    has_import_errors: bool | Unset = UNSET,
    bundle_version: str | Unset = UNSET,
    asset_dependency: str | Unset = UNSET,
    has_asset_schedule: bool | Unset = UNSET,
    is_favorite: bool | Unset = UNSET,
    timetable_type: list[str] | Unset = UNSET,
    dag_run_start_date_gte: datetime.datetime | Unset = UNSET,
    dag_run_start_date_gt: datetime.datetime | Unset = UNSET,
    dag_run_start_date_lte: datetime.datetime | Unset = UNSET,
    dag_run_start_date_lt: datetime.datetime | Unset = UNSET,
    dag_run_end_date_gte: datetime.datetime | Unset = UNSET,
    dag_run_end_date_gt: datetime.datetime | Unset = UNSET,
    dag_run_end_date_lte: datetime.datetime | Unset = UNSET,
    dag_run_end_date_lt: datetime.datetime | Unset = UNSET,
    dag_run_state: list[GetHomeDagRunStateItem] | Unset = UNSET,
    tags: list[str] | Unset = UNSET,
    tags_match_mode: GetHomeTagsMatchMode | Unset = GetHomeTagsMatchMode.ANY,
    runs: int | Unset = 20,
    from_: datetime.datetime,
    to: datetime.datetime,
    bins: int | Unset = 48,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> Response[Home | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs(
        owners=owners,
        dag_id_pattern=dag_id_pattern,
        dag_id_prefix_pattern=dag_id_prefix_pattern,
        dag_display_name_pattern=dag_display_name_pattern,
        dag_display_name_prefix_pattern=dag_display_name_prefix_pattern,
        paused=paused,
        last_dag_run_state=last_dag_run_state,
        bundle_name=bundle_name,
        exclude_stale=exclude_stale,
        has_import_errors=has_import_errors,
        bundle_version=bundle_version,
        asset_dependency=asset_dependency,
        has_asset_schedule=has_asset_schedule,
        is_favorite=is_favorite,
        timetable_type=timetable_type,
        dag_run_start_date_gte=dag_run_start_date_gte,
        dag_run_start_date_gt=dag_run_start_date_gt,
        dag_run_start_date_lte=dag_run_start_date_lte,
        dag_run_start_date_lt=dag_run_start_date_lt,
        dag_run_end_date_gte=dag_run_end_date_gte,
        dag_run_end_date_gt=dag_run_end_date_gt,
        dag_run_end_date_lte=dag_run_end_date_lte,
        dag_run_end_date_lt=dag_run_end_date_lt,
        dag_run_state=dag_run_state,
        tags=tags,
        tags_match_mode=tags_match_mode,
        runs=runs,
        from_=from_,
        to=to,
        bins=bins,
        limit=limit,
        offset=offset,
        order_by=order_by,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
