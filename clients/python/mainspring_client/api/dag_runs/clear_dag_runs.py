from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.clear_runs_body import ClearRunsBody
from ...models.dag_run_collection import DagRunCollection
from ...models.problem import Problem
from ...models.task_instance_collection import TaskInstanceCollection
from ...plain import as_dict
from ...types import UNSET, Response, Unset


def _get_kwargs(
    dag_id: str,
    *,
    body: ClearRunsBody | Mapping[str, Any],
    idempotency_key: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/v2/dags/{dag_id}/clearDagRuns".format(
            dag_id=quote(str(dag_id), safe=""),
        ),
    }

    _kwargs["json"] = as_dict(body)

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(response: httpx.Response) -> DagRunCollection | TaskInstanceCollection | Problem | None:
    if response.status_code == 200:

        def _parse_response_200(data: object) -> DagRunCollection | TaskInstanceCollection:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_200_type_0 = TaskInstanceCollection.from_dict(data)

                return response_200_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            response_200_type_1 = DagRunCollection.from_dict(data)

            return response_200_type_1

        response_200 = _parse_response_200(response.json())

        return response_200

    return parse_problem(response)


def _build_response(response: httpx.Response) -> Response[DagRunCollection | TaskInstanceCollection | Problem]:
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
    body: ClearRunsBody | Mapping[str, Any],
    idempotency_key: str | Unset = UNSET,
) -> DagRunCollection | TaskInstanceCollection:
    """Clear runs, one after the other. Answers them, or with `dry_run` the task instances that would be
    cleared.

    Needs the role `operator` on the DAG.

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    response = sync_detailed(
        dag_id=dag_id,
        client=client,
        body=body,
        idempotency_key=idempotency_key,
    )
    return cast(DagRunCollection | TaskInstanceCollection, expect_success(response))


def sync_detailed(
    dag_id: str,
    *,
    client: AuthenticatedClient | Client,
    body: ClearRunsBody | Mapping[str, Any],
    idempotency_key: str | Unset = UNSET,
) -> Response[DagRunCollection | TaskInstanceCollection | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs(
        dag_id=dag_id,
        body=body,
        idempotency_key=idempotency_key,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


async def asyncio(
    dag_id: str,
    *,
    client: AuthenticatedClient | Client,
    body: ClearRunsBody | Mapping[str, Any],
    idempotency_key: str | Unset = UNSET,
) -> DagRunCollection | TaskInstanceCollection:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        dag_id=dag_id,
        client=client,
        body=body,
        idempotency_key=idempotency_key,
    )
    return cast(DagRunCollection | TaskInstanceCollection, expect_success(response))


async def asyncio_detailed(
    dag_id: str,
    *,
    client: AuthenticatedClient | Client,
    body: ClearRunsBody | Mapping[str, Any],
    idempotency_key: str | Unset = UNSET,
) -> Response[DagRunCollection | TaskInstanceCollection | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs(
        dag_id=dag_id,
        body=body,
        idempotency_key=idempotency_key,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
