from http import HTTPStatus
from typing import Any, cast

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.dag_stats_collection import DagStatsCollection
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    dag_ids: list[str] | None | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    json_dag_ids: list[str] | None | Unset
    if isinstance(dag_ids, Unset):
        json_dag_ids = UNSET
    elif isinstance(dag_ids, list):
        json_dag_ids = dag_ids

    else:
        json_dag_ids = dag_ids
    params["dag_ids"] = json_dag_ids

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v2/dagStats",
        "params": params,
    }

    return _kwargs


def _parse_response(response: httpx.Response) -> DagStatsCollection | Problem | None:
    if response.status_code == 200:
        response_200 = DagStatsCollection.from_dict(response.json())

        return response_200

    return parse_problem(response)


def _build_response(response: httpx.Response) -> Response[DagStatsCollection | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(response),
    )


def sync(
    *,
    client: AuthenticatedClient | Client,
    dag_ids: list[str] | None | Unset = UNSET,
) -> DagStatsCollection:
    """How many runs of each DAG are in which state, by DAG id.

    Needs the role `viewer` on a DAG, and is about the DAGs on which the caller has the role.

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    response = sync_detailed(
        client=client,
        dag_ids=dag_ids,
    )
    return cast(DagStatsCollection, expect_success(response))


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    dag_ids: list[str] | None | Unset = UNSET,
) -> Response[DagStatsCollection | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs(
        dag_ids=dag_ids,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    dag_ids: list[str] | None | Unset = UNSET,
) -> DagStatsCollection:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        client=client,
        dag_ids=dag_ids,
    )
    return cast(DagStatsCollection, expect_success(response))


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    dag_ids: list[str] | None | Unset = UNSET,
) -> Response[DagStatsCollection | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs(
        dag_ids=dag_ids,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
