from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.dag_version_diff import DagVersionDiff
from ...models.problem import Problem
from ...types import Response


def _get_kwargs(
    dag_id: str,
    older: int,
    newer: int,
) -> dict[str, Any]:

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v2/dags/{dag_id}/dagVersions/{older}/diff/{newer}".format(
            dag_id=quote(str(dag_id), safe=""),
            older=quote(str(older), safe=""),
            newer=quote(str(newer), safe=""),
        ),
    }

    return _kwargs


def _parse_response(response: httpx.Response) -> DagVersionDiff | Problem | None:
    if response.status_code == 200:
        response_200 = DagVersionDiff.from_dict(response.json())

        return response_200

    return parse_problem(response)


def _build_response(response: httpx.Response) -> Response[DagVersionDiff | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(response),
    )


def sync(
    dag_id: str,
    older: int,
    newer: int,
    *,
    client: AuthenticatedClient | Client,
) -> DagVersionDiff:
    """The differences between two versions of a DAG, by meaning and by lines. Any two versions in any
    order.

    Needs the role `viewer` on the DAG.

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    response = sync_detailed(
        dag_id=dag_id,
        older=older,
        newer=newer,
        client=client,
    )
    return cast(DagVersionDiff, expect_success(response))


def sync_detailed(
    dag_id: str,
    older: int,
    newer: int,
    *,
    client: AuthenticatedClient | Client,
) -> Response[DagVersionDiff | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs(
        dag_id=dag_id,
        older=older,
        newer=newer,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


async def asyncio(
    dag_id: str,
    older: int,
    newer: int,
    *,
    client: AuthenticatedClient | Client,
) -> DagVersionDiff:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        dag_id=dag_id,
        older=older,
        newer=newer,
        client=client,
    )
    return cast(DagVersionDiff, expect_success(response))


async def asyncio_detailed(
    dag_id: str,
    older: int,
    newer: int,
    *,
    client: AuthenticatedClient | Client,
) -> Response[DagVersionDiff | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs(
        dag_id=dag_id,
        older=older,
        newer=newer,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
