from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.dag_version_collection import DagVersionCollection
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    dag_id: str,
    *,
    version_number: int | Unset = UNSET,
    bundle_name: str | Unset = UNSET,
    bundle_version: str | Unset = UNSET,
    include_inline: bool | Unset = False,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["version_number"] = version_number

    params["bundle_name"] = bundle_name

    params["bundle_version"] = bundle_version

    params["include_inline"] = include_inline

    params["limit"] = limit

    params["offset"] = offset

    json_order_by: list[str] | Unset = UNSET
    if not isinstance(order_by, Unset):
        json_order_by = order_by

    params["order_by"] = json_order_by

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v2/dags/{dag_id}/dagVersions".format(
            dag_id=quote(str(dag_id), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _parse_response(response: httpx.Response) -> DagVersionCollection | Problem | None:
    if response.status_code == 200:
        response_200 = DagVersionCollection.from_dict(response.json())

        return response_200

    return parse_problem(response)


def _build_response(response: httpx.Response) -> Response[DagVersionCollection | Problem]:
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
    version_number: int | Unset = UNSET,
    bundle_name: str | Unset = UNSET,
    bundle_version: str | Unset = UNSET,
    include_inline: bool | Unset = False,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> DagVersionCollection:
    """List the versions of a DAG, or of all DAGs when dag_id is `~`.

    Needs the role `viewer` on a DAG, and is about the DAGs on which the caller has the role.

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    response = sync_detailed(
        dag_id=dag_id,
        client=client,
        version_number=version_number,
        bundle_name=bundle_name,
        bundle_version=bundle_version,
        include_inline=include_inline,
        limit=limit,
        offset=offset,
        order_by=order_by,
    )
    return cast(DagVersionCollection, expect_success(response))


def sync_detailed(
    dag_id: str,
    *,
    client: AuthenticatedClient | Client,
    version_number: int | Unset = UNSET,
    bundle_name: str | Unset = UNSET,
    bundle_version: str | Unset = UNSET,
    include_inline: bool | Unset = False,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> Response[DagVersionCollection | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs(
        dag_id=dag_id,
        version_number=version_number,
        bundle_name=bundle_name,
        bundle_version=bundle_version,
        include_inline=include_inline,
        limit=limit,
        offset=offset,
        order_by=order_by,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


async def asyncio(
    dag_id: str,
    *,
    client: AuthenticatedClient | Client,
    version_number: int | Unset = UNSET,
    bundle_name: str | Unset = UNSET,
    bundle_version: str | Unset = UNSET,
    include_inline: bool | Unset = False,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> DagVersionCollection:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        dag_id=dag_id,
        client=client,
        version_number=version_number,
        bundle_name=bundle_name,
        bundle_version=bundle_version,
        include_inline=include_inline,
        limit=limit,
        offset=offset,
        order_by=order_by,
    )
    return cast(DagVersionCollection, expect_success(response))


async def asyncio_detailed(
    dag_id: str,
    *,
    client: AuthenticatedClient | Client,
    version_number: int | Unset = UNSET,
    bundle_name: str | Unset = UNSET,
    bundle_version: str | Unset = UNSET,
    include_inline: bool | Unset = False,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    order_by: list[str] | Unset = UNSET,
) -> Response[DagVersionCollection | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs(
        dag_id=dag_id,
        version_number=version_number,
        bundle_name=bundle_name,
        bundle_version=bundle_version,
        include_inline=include_inline,
        limit=limit,
        offset=offset,
        order_by=order_by,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
