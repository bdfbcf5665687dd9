from http import HTTPStatus
from typing import Any, cast

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.dag_tag_collection import DagTagCollection
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    tag_name_pattern: str | Unset = UNSET,
    tag_name_prefix_pattern: str | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["tag_name_pattern"] = tag_name_pattern

    params["tag_name_prefix_pattern"] = tag_name_prefix_pattern

    params["limit"] = limit

    params["offset"] = offset

    json_order_by: list[str] | Unset = UNSET
    if not isinstance(order_by, Unset):
        json_order_by = order_by

    params["order_by"] = json_order_by

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v2/dagTags",
        "params": params,
    }

    return _kwargs


def _parse_response(response: httpx.Response) -> DagTagCollection | Problem | None:
    if response.status_code == 200:
        response_200 = DagTagCollection.from_dict(response.json())

        return response_200

    return parse_problem(response)


def _build_response(response: httpx.Response) -> Response[DagTagCollection | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(response),
    )


def sync(
    *,
    client: AuthenticatedClient | Client,
    tag_name_pattern: str | Unset = UNSET,
    tag_name_prefix_pattern: str | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> DagTagCollection:
    """List the names of the tags that any DAG has.

    Needs the role `viewer` on a DAG, and is about the DAGs on which the caller has the role.

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    response = sync_detailed(
        client=client,
        tag_name_pattern=tag_name_pattern,
        tag_name_prefix_pattern=tag_name_prefix_pattern,
        limit=limit,
        offset=offset,
        order_by=order_by,
    )
    return cast(DagTagCollection, expect_success(response))


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    tag_name_pattern: str | Unset = UNSET,
    tag_name_prefix_pattern: str | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> Response[DagTagCollection | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs(
        tag_name_pattern=tag_name_pattern,
        tag_name_prefix_pattern=tag_name_prefix_pattern,
        limit=limit,
        offset=offset,
        order_by=order_by,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    tag_name_pattern: str | Unset = UNSET,
    tag_name_prefix_pattern: str | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> DagTagCollection:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        client=client,
        tag_name_pattern=tag_name_pattern,
        tag_name_prefix_pattern=tag_name_prefix_pattern,
        limit=limit,
        offset=offset,
        order_by=order_by,
    )
    return cast(DagTagCollection, expect_success(response))


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    tag_name_pattern: str | Unset = UNSET,
    tag_name_prefix_pattern: str | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> Response[DagTagCollection | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs(
        tag_name_pattern=tag_name_pattern,
        tag_name_prefix_pattern=tag_name_prefix_pattern,
        limit=limit,
        offset=offset,
        order_by=order_by,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
