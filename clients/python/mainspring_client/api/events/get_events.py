from http import HTTPStatus
from typing import Any, cast

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.event_collection import EventCollection
from ...models.get_events_types_item import GetEventsTypesItem
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    after: None | str | Unset = UNSET,
    wait: float | Unset = 0.0,
    dag_id: list[str] | Unset = UNSET,
    types: list[GetEventsTypesItem] | Unset = UNSET,
    last_event_id: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(last_event_id, Unset):
        headers["Last-Event-ID"] = last_event_id

    params: dict[str, Any] = {}

    json_after: None | str | Unset
    if isinstance(after, Unset):
        json_after = UNSET
    else:
        json_after = after
    params["after"] = json_after

    params["wait"] = wait

    json_dag_id: list[str] | Unset = UNSET
    if not isinstance(dag_id, Unset):
        json_dag_id = dag_id

    params["dag_id"] = json_dag_id

    json_types: list[str] | Unset = UNSET
    if not isinstance(types, Unset):
        json_types = []
        for types_item_data in types:
            types_item = types_item_data.value
            json_types.append(types_item)

    params["types"] = json_types

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v2/events",
        "params": params,
    }

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(response: httpx.Response) -> EventCollection | Problem | None:
    if response.status_code == 200:
        response_200 = EventCollection.from_dict(response.json())

        return response_200

    return parse_problem(response)


def _build_response(response: httpx.Response) -> Response[EventCollection | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(response),
    )


def sync(
    *,
    client: AuthenticatedClient | Client,
    after: None | str | Unset = UNSET,
    wait: float | Unset = 0.0,
    dag_id: list[str] | Unset = UNSET,
    types: list[GetEventsTypesItem] | Unset = UNSET,
    last_event_id: str | Unset = UNSET,
) -> EventCollection:
    """Follow what changes.

    With `Accept: text/event-stream` a stream of server-sent events, otherwise one page of events. A
    page without events
    is answered after `wait` seconds. A client sees the events of the DAGs that it may see.

    Needs the role `viewer` on a DAG, and is about the DAGs on which the caller has the role.

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    response = sync_detailed(
        client=client,
        after=after,
        wait=wait,
        dag_id=dag_id,
        types=types,
        last_event_id=last_event_id,
    )
    return cast(EventCollection, expect_success(response))


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    after: None | str | Unset = UNSET,
    wait: float | Unset = 0.0,
    dag_id: list[str] | Unset = UNSET,
    types: list[GetEventsTypesItem] | Unset = UNSET,
    last_event_id: str | Unset = UNSET,
) -> Response[EventCollection | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs(
        after=after,
        wait=wait,
        dag_id=dag_id,
        types=types,
        last_event_id=last_event_id,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    after: None | str | Unset = UNSET,
    wait: float | Unset = 0.0,
    dag_id: list[str] | Unset = UNSET,
    types: list[GetEventsTypesItem] | Unset = UNSET,
    last_event_id: str | Unset = UNSET,
) -> EventCollection:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        client=client,
        after=after,
        wait=wait,
        dag_id=dag_id,
        types=types,
        last_event_id=last_event_id,
    )
    return cast(EventCollection, expect_success(response))


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    after: None | str | Unset = UNSET,
    wait: float | Unset = 0.0,
    dag_id: list[str] | Unset = UNSET,
    types: list[GetEventsTypesItem] | Unset = UNSET,
    last_event_id: str | Unset = UNSET,
) -> Response[EventCollection | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs(
        after=after,
        wait=wait,
        dag_id=dag_id,
        types=types,
        last_event_id=last_event_id,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
