from http import HTTPStatus
from typing import Any, cast

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.get_notifiers_state_item import GetNotifiersStateItem
from ...models.notifier_collection import NotifierCollection
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    state: list[GetNotifiersStateItem] | Unset = UNSET,
    name_pattern: str | Unset = UNSET,
    name_prefix_pattern: str | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    json_state: list[str] | Unset = UNSET
    if not isinstance(state, Unset):
        json_state = []
        for state_item_data in state:
            state_item = state_item_data.value
            json_state.append(state_item)

    params["state"] = json_state

    params["name_pattern"] = name_pattern

    params["name_prefix_pattern"] = name_prefix_pattern

    params["limit"] = limit

    params["offset"] = offset

    json_order_by: list[str] | Unset = UNSET
    if not isinstance(order_by, Unset):
        json_order_by = order_by

    params["order_by"] = json_order_by

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v2/notifiers",
        "params": params,
    }

    return _kwargs


def _parse_response(response: httpx.Response) -> NotifierCollection | Problem | None:
    if response.status_code == 200:
        response_200 = NotifierCollection.from_dict(response.json())

        return response_200

    return parse_problem(response)


def _build_response(response: httpx.Response) -> Response[NotifierCollection | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(response),
    )


def sync(
    *,
    client: AuthenticatedClient | Client,
    state: list[GetNotifiersStateItem] | Unset = UNSET,
    name_pattern: str | Unset = UNSET,
    name_prefix_pattern: str | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> NotifierCollection:
    """List the notifiers. Authors of any DAG see all of them, without their addresses.

    Needs the role `author` on a DAG, and is about the DAGs on which the caller has the role.

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    response = sync_detailed(
        client=client,
        state=state,
        name_pattern=name_pattern,
        name_prefix_pattern=name_prefix_pattern,
        limit=limit,
        offset=offset,
        order_by=order_by,
    )
    return cast(NotifierCollection, expect_success(response))


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    state: list[GetNotifiersStateItem] | Unset = UNSET,
    name_pattern: str | Unset = UNSET,
    name_prefix_pattern: str | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> Response[NotifierCollection | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs(
        state=state,
        name_pattern=name_pattern,
        name_prefix_pattern=name_prefix_pattern,
        limit=limit,
        offset=offset,
        order_by=order_by,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    state: list[GetNotifiersStateItem] | Unset = UNSET,
    name_pattern: str | Unset = UNSET,
    name_prefix_pattern: str | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> NotifierCollection:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        client=client,
        state=state,
        name_pattern=name_pattern,
        name_prefix_pattern=name_prefix_pattern,
        limit=limit,
        offset=offset,
        order_by=order_by,
    )
    return cast(NotifierCollection, expect_success(response))


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    state: list[GetNotifiersStateItem] | Unset = UNSET,
    name_pattern: str | Unset = UNSET,
    name_prefix_pattern: str | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> Response[NotifierCollection | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs(
        state=state,
        name_pattern=name_pattern,
        name_prefix_pattern=name_prefix_pattern,
        limit=limit,
        offset=offset,
        order_by=order_by,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
