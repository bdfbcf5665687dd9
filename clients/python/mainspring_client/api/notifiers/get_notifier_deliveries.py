from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.delivery_collection import DeliveryCollection
from ...models.get_notifier_deliveries_state_item import GetNotifierDeliveriesStateItem
from ...models.get_notifier_deliveries_type_item import GetNotifierDeliveriesTypeItem
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    notifier_name: str,
    *,
    state: list[GetNotifierDeliveriesStateItem] | Unset = UNSET,
    type_: list[GetNotifierDeliveriesTypeItem] | Unset = UNSET,
    dag_id: str | Unset = UNSET,
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

    json_type_: list[str] | Unset = UNSET
    if not isinstance(type_, Unset):
        json_type_ = []
        for type_item_data in type_:
            type_item = type_item_data.value
            json_type_.append(type_item)

    params["type"] = json_type_

    params["dag_id"] = dag_id

    params["limit"] = limit

    params["offset"] = offset

    json_order_by: list[str] | Unset = UNSET
    if not isinstance(order_by, Unset):
        json_order_by = order_by

    params["order_by"] = json_order_by

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v2/notifiers/{notifier_name}/deliveries".format(
            notifier_name=quote(str(notifier_name), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _parse_response(response: httpx.Response) -> DeliveryCollection | Problem | None:
    if response.status_code == 200:
        response_200 = DeliveryCollection.from_dict(response.json())

        return response_200

    return parse_problem(response)


def _build_response(response: httpx.Response) -> Response[DeliveryCollection | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(response),
    )


def sync(
    notifier_name: str,
    *,
    client: AuthenticatedClient | Client,
    state: list[GetNotifierDeliveriesStateItem] | Unset = UNSET,
    type_: list[GetNotifierDeliveriesTypeItem] | Unset = UNSET,
    dag_id: str | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> DeliveryCollection:
    """List what was sent to a notifier in the last 7 days and what waits, newest first.

    Needs the role `admin` for the whole server.

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    response = sync_detailed(
        notifier_name=notifier_name,
        client=client,
        state=state,
        type_=type_,
        dag_id=dag_id,
        limit=limit,
        offset=offset,
        order_by=order_by,
    )
    return cast(DeliveryCollection, expect_success(response))


def sync_detailed(
    notifier_name: str,
    *,
    client: AuthenticatedClient | Client,
    state: list[GetNotifierDeliveriesStateItem] | Unset = UNSET,
    type_: list[GetNotifierDeliveriesTypeItem] | Unset = UNSET,
    dag_id: str | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> Response[DeliveryCollection | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs(
        notifier_name=notifier_name,
        state=state,
        type_=type_,
        dag_id=dag_id,
        limit=limit,
        offset=offset,
        order_by=order_by,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


async def asyncio(
    notifier_name: str,
    *,
    client: AuthenticatedClient | Client,
    state: list[GetNotifierDeliveriesStateItem] | Unset = UNSET,
    type_: list[GetNotifierDeliveriesTypeItem] | Unset = UNSET,
    dag_id: str | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> DeliveryCollection:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        notifier_name=notifier_name,
        client=client,
        state=state,
        type_=type_,
        dag_id=dag_id,
        limit=limit,
        offset=offset,
        order_by=order_by,
    )
    return cast(DeliveryCollection, expect_success(response))


async def asyncio_detailed(
    notifier_name: str,
    *,
    client: AuthenticatedClient | Client,
    state: list[GetNotifierDeliveriesStateItem] | Unset = UNSET,
    type_: list[GetNotifierDeliveriesTypeItem] | Unset = UNSET,
    dag_id: str | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> Response[DeliveryCollection | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs(
        notifier_name=notifier_name,
        state=state,
        type_=type_,
        dag_id=dag_id,
        limit=limit,
        offset=offset,
        order_by=order_by,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
