import datetime
from http import HTTPStatus
from typing import Any, cast

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.event_log_collection import EventLogCollection
from ...models.get_event_logs_outcome_item import GetEventLogsOutcomeItem
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    dag_id: str | Unset = UNSET,
    run_id: str | Unset = UNSET,
    task_id: str | Unset = UNSET,
    map_index: int | Unset = UNSET,
    try_number: int | Unset = UNSET,
    owner: str | Unset = UNSET,
    event: str | Unset = UNSET,
    included_events: list[str] | Unset = UNSET,
    excluded_events: list[str] | Unset = UNSET,
    outcome: list[GetEventLogsOutcomeItem] | Unset = UNSET,
    before: datetime.datetime | Unset = UNSET,
    after: datetime.datetime | Unset = UNSET,
    dag_id_pattern: str | Unset = UNSET,
    dag_id_prefix_pattern: str | Unset = UNSET,
    run_id_pattern: str | Unset = UNSET,
    run_id_prefix_pattern: str | Unset = UNSET,
    task_id_pattern: str | Unset = UNSET,
    task_id_prefix_pattern: str | Unset = UNSET,
    owner_pattern: str | Unset = UNSET,
    owner_prefix_pattern: str | Unset = UNSET,
    event_pattern: str | Unset = UNSET,
    event_prefix_pattern: str | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["dag_id"] = dag_id

    params["run_id"] = run_id

    params["task_id"] = task_id

    params["map_index"] = map_index

    params["try_number"] = try_number

    params["owner"] = owner

    params["event"] = event

    json_included_events: list[str] | Unset = UNSET
    if not isinstance(included_events, Unset):
        json_included_events = included_events

    params["included_events"] = json_included_events

    json_excluded_events: list[str] | Unset = UNSET
    if not isinstance(excluded_events, Unset):
        json_excluded_events = excluded_events

    params["excluded_events"] = json_excluded_events

    json_outcome: list[str] | Unset = UNSET
    if not isinstance(outcome, Unset):
        json_outcome = []
        for outcome_item_data in outcome:
            outcome_item = outcome_item_data.value
            json_outcome.append(outcome_item)

    params["outcome"] = json_outcome

    json_before: str | Unset = UNSET
    if not isinstance(before, Unset):
        json_before = before.isoformat()
    params["before"] = json_before

    json_after: str | Unset = UNSET
    if not isinstance(after, Unset):
        json_after = after.isoformat()
    params["after"] = json_after

    params["dag_id_pattern"] = dag_id_pattern

    params["dag_id_prefix_pattern"] = dag_id_prefix_pattern

    params["run_id_pattern"] = run_id_pattern

    params["run_id_prefix_pattern"] = run_id_prefix_pattern

    params["task_id_pattern"] = task_id_pattern

    params["task_id_prefix_pattern"] = task_id_prefix_pattern

    params["owner_pattern"] = owner_pattern

    params["owner_prefix_pattern"] = owner_prefix_pattern

    params["event_pattern"] = event_pattern

    params["event_prefix_pattern"] = event_prefix_pattern

    params["limit"] = limit

    params["offset"] = offset

    json_order_by: list[str] | Unset = UNSET
    if not isinstance(order_by, Unset):
        json_order_by = order_by

    params["order_by"] = json_order_by

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v2/eventLogs",
        "params": params,
    }

    return _kwargs


def _parse_response(response: httpx.Response) -> EventLogCollection | Problem | None:
    if response.status_code == 200:
        response_200 = EventLogCollection.from_dict(response.json())

        return response_200

    return parse_problem(response)


def _build_response(response: httpx.Response) -> Response[EventLogCollection | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(response),
    )


def sync(
    *,
    client: AuthenticatedClient | Client,
    dag_id: str | Unset = UNSET,
    run_id: str | Unset = UNSET,
    task_id: str | Unset = UNSET,
    map_index: int | Unset = UNSET,
    try_number: int | Unset = UNSET,
    owner: str | Unset = UNSET,
    event: str | Unset = UNSET,
    included_events: list[str] | Unset = UNSET,
    excluded_events: list[str] | Unset = UNSET,
    outcome: list[GetEventLogsOutcomeItem] | Unset = UNSET,
    before: datetime.datetime | Unset = UNSET,
    after: datetime.datetime | Unset = UNSET,
    dag_id_pattern: str | Unset = UNSET,
    dag_id_prefix_pattern: str | Unset = UNSET,
    run_id_pattern: str | Unset = UNSET,
    run_id_prefix_pattern: str | Unset = UNSET,
    task_id_pattern: str | Unset = UNSET,
    task_id_prefix_pattern: str | Unset = UNSET,
    owner_pattern: str | Unset = UNSET,
    owner_prefix_pattern: str | Unset = UNSET,
    event_pattern: str | Unset = UNSET,
    event_prefix_pattern: str | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> EventLogCollection:
    """List what was done.

    Needs the role `admin` for the whole server.

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    response = sync_detailed(
        client=client,
        dag_id=dag_id,
        run_id=run_id,
        task_id=task_id,
        map_index=map_index,
        try_number=try_number,
        owner=owner,
        event=event,
        included_events=included_events,
        excluded_events=excluded_events,
        outcome=outcome,
        before=before,
        after=after,
        dag_id_pattern=dag_id_pattern,
        dag_id_prefix_pattern=dag_id_prefix_pattern,
        run_id_pattern=run_id_pattern,
        run_id_prefix_pattern=run_id_prefix_pattern,
        task_id_pattern=task_id_pattern,
        task_id_prefix_pattern=task_id_prefix_pattern,
        owner_pattern=owner_pattern,
        owner_prefix_pattern=owner_prefix_pattern,
        event_pattern=event_pattern,
        event_prefix_pattern=event_prefix_pattern,
        limit=limit,
        offset=offset,
        order_by=order_by,
    )
    return cast(EventLogCollection, expect_success(response))


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    dag_id: str | Unset = UNSET,
    run_id: str | Unset = UNSET,
    task_id: str | Unset = UNSET,
    map_index: int | Unset = UNSET,
    try_number: int | Unset = UNSET,
    owner: str | Unset = UNSET,
    event: str | Unset = UNSET,
    included_events: list[str] | Unset = UNSET,
    excluded_events: list[str] | Unset = UNSET,
    outcome: list[GetEventLogsOutcomeItem] | Unset = UNSET,
    before: datetime.datetime | Unset = UNSET,
    after: datetime.datetime | Unset = UNSET,
    dag_id_pattern: str | Unset = UNSET,
    dag_id_prefix_pattern: str | Unset = UNSET,
    run_id_pattern: str | Unset = UNSET,
    run_id_prefix_pattern: str | Unset = UNSET,
    task_id_pattern: str | Unset = UNSET,
    task_id_prefix_pattern: str | Unset = UNSET,
    owner_pattern: str | Unset = UNSET,
    owner_prefix_pattern: str | Unset = UNSET,
    event_pattern: str | Unset = UNSET,
    event_prefix_pattern: str | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> Response[EventLogCollection | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs(
        dag_id=dag_id,
        run_id=run_id,
        task_id=task_id,
        map_index=map_index,
        try_number=try_number,
        owner=owner,
        event=event,
        included_events=included_events,
        excluded_events=excluded_events,
        outcome=outcome,
        before=before,
        after=after,
        dag_id_pattern=dag_id_pattern,
        dag_id_prefix_pattern=dag_id_prefix_pattern,
        run_id_pattern=run_id_pattern,
        run_id_prefix_pattern=run_id_prefix_pattern,
        task_id_pattern=task_id_pattern,
        task_id_prefix_pattern=task_id_prefix_pattern,
        owner_pattern=owner_pattern,
        owner_prefix_pattern=owner_prefix_pattern,
        event_pattern=event_pattern,
        event_prefix_pattern=event_prefix_pattern,
        limit=limit,
        offset=offset,
        order_by=order_by,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    dag_id: str | Unset = UNSET,
    run_id: str | Unset = UNSET,
    task_id: str | Unset = UNSET,
    map_index: int | Unset = UNSET,
    try_number: int | Unset = UNSET,
    owner: str | Unset = UNSET,
    event: str | Unset = UNSET,
    included_events: list[str] | Unset = UNSET,
    excluded_events: list[str] | Unset = UNSET,
    outcome: list[GetEventLogsOutcomeItem] | Unset = UNSET,
    before: datetime.datetime | Unset = UNSET,
    after: datetime.datetime | Unset = UNSET,
    dag_id_pattern: str | Unset = UNSET,
    dag_id_prefix_pattern: str | Unset = UNSET,
    run_id_pattern: str | Unset = UNSET,
    run_id_prefix_pattern: str | Unset = UNSET,
    task_id_pattern: str | Unset = UNSET,
    task_id_prefix_pattern: str | Unset = UNSET,
    owner_pattern: str | Unset = UNSET,
    owner_prefix_pattern: str | Unset = UNSET,
    event_pattern: str | Unset = UNSET,
    event_prefix_pattern: str | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> EventLogCollection:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        client=client,
        dag_id=dag_id,
        run_id=run_id,
        task_id=task_id,
        map_index=map_index,
        try_number=try_number,
        owner=owner,
        event=event,
        included_events=included_events,
        excluded_events=excluded_events,
        outcome=outcome,
        before=before,
        after=after,
        dag_id_pattern=dag_id_pattern,
        dag_id_prefix_pattern=dag_id_prefix_pattern,
        run_id_pattern=run_id_pattern,
        run_id_prefix_pattern=run_id_prefix_pattern,
        task_id_pattern=task_id_pattern,
        task_id_prefix_pattern=task_id_prefix_pattern,
        owner_pattern=owner_pattern,
        owner_prefix_pattern=owner_prefix_pattern,
        event_pattern=event_pattern,
        event_prefix_pattern=event_prefix_pattern,
        limit=limit,
        offset=offset,
        order_by=order_by,
    )
    return cast(EventLogCollection, expect_success(response))


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    dag_id: str | Unset = UNSET,
    run_id: str | Unset = UNSET,
    task_id: str | Unset = UNSET,
    map_index: int | Unset = UNSET,
    try_number: int | Unset = UNSET,
    owner: str | Unset = UNSET,
    event: str | Unset = UNSET,
    included_events: list[str] | Unset = UNSET,
    excluded_events: list[str] | Unset = UNSET,
    outcome: list[GetEventLogsOutcomeItem] | Unset = UNSET,
    before: datetime.datetime | Unset = UNSET,
    after: datetime.datetime | Unset = UNSET,
    dag_id_pattern: str | Unset = UNSET,
    dag_id_prefix_pattern: str | Unset = UNSET,
    run_id_pattern: str | Unset = UNSET,
    run_id_prefix_pattern: str | Unset = UNSET,
    task_id_pattern: str | Unset = UNSET,
    task_id_prefix_pattern: str | Unset = UNSET,
    owner_pattern: str | Unset = UNSET,
    owner_prefix_pattern: str | Unset = UNSET,
    event_pattern: str | Unset = UNSET,
    event_prefix_pattern: str | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> Response[EventLogCollection | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs(
        dag_id=dag_id,
        run_id=run_id,
        task_id=task_id,
        map_index=map_index,
        try_number=try_number,
        owner=owner,
        event=event,
        included_events=included_events,
        excluded_events=excluded_events,
        outcome=outcome,
        before=before,
        after=after,
        dag_id_pattern=dag_id_pattern,
        dag_id_prefix_pattern=dag_id_prefix_pattern,
        run_id_pattern=run_id_pattern,
        run_id_prefix_pattern=run_id_prefix_pattern,
        task_id_pattern=task_id_pattern,
        task_id_prefix_pattern=task_id_prefix_pattern,
        owner_pattern=owner_pattern,
        owner_prefix_pattern=owner_prefix_pattern,
        event_pattern=event_pattern,
        event_prefix_pattern=event_prefix_pattern,
        limit=limit,
        offset=offset,
        order_by=order_by,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
