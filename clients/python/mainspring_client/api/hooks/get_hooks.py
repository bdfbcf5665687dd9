from http import HTTPStatus
from typing import Any, cast

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.hook_collection import HookCollection
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    dag_id: str | Unset = UNSET,
    is_enabled: bool | Unset = UNSET,
    name_pattern: str | Unset = UNSET,
    name_prefix_pattern: str | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["dag_id"] = dag_id

    params["is_enabled"] = is_enabled

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
        "url": "/api/v2/hooks",
        "params": params,
    }

    return _kwargs


def _parse_response(response: httpx.Response) -> HookCollection | Problem | None:
    if response.status_code == 200:
        response_200 = HookCollection.from_dict(response.json())

        return response_200

    return parse_problem(response)


def _build_response(response: httpx.Response) -> Response[HookCollection | Problem]:
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
    is_enabled: bool | Unset = UNSET,
    name_pattern: str | Unset = UNSET,
    name_prefix_pattern: str | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> HookCollection:
    """List the hooks of the DAGs on which the caller is an author.

    Needs the role `author` on a DAG, and is about the DAGs on which the caller has the role.

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    response = sync_detailed(
        client=client,
        dag_id=dag_id,
        is_enabled=is_enabled,
        name_pattern=name_pattern,
        name_prefix_pattern=name_prefix_pattern,
        limit=limit,
        offset=offset,
        order_by=order_by,
    )
    return cast(HookCollection, expect_success(response))


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    dag_id: str | Unset = UNSET,
    is_enabled: bool | Unset = UNSET,
    name_pattern: str | Unset = UNSET,
    name_prefix_pattern: str | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> Response[HookCollection | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs(
        dag_id=dag_id,
        is_enabled=is_enabled,
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
    dag_id: str | Unset = UNSET,
    is_enabled: bool | Unset = UNSET,
    name_pattern: str | Unset = UNSET,
    name_prefix_pattern: str | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> HookCollection:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        client=client,
        dag_id=dag_id,
        is_enabled=is_enabled,
        name_pattern=name_pattern,
        name_prefix_pattern=name_prefix_pattern,
        limit=limit,
        offset=offset,
        order_by=order_by,
    )
    return cast(HookCollection, expect_success(response))


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    dag_id: str | Unset = UNSET,
    is_enabled: bool | Unset = UNSET,
    name_pattern: str | Unset = UNSET,
    name_prefix_pattern: str | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> Response[HookCollection | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs(
        dag_id=dag_id,
        is_enabled=is_enabled,
        name_pattern=name_pattern,
        name_prefix_pattern=name_prefix_pattern,
        limit=limit,
        offset=offset,
        order_by=order_by,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
