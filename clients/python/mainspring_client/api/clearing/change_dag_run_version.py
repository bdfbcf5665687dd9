from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.dag_run import DagRun
from ...models.problem import Problem
from ...models.run_version_body import RunVersionBody
from ...plain import as_dict
from ...types import UNSET, Response, Unset


def _get_kwargs(
    dag_id: str,
    dag_run_id: str,
    *,
    body: RunVersionBody | Mapping[str, Any],
    idempotency_key: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/version".format(
            dag_id=quote(str(dag_id), safe=""),
            dag_run_id=quote(str(dag_run_id), safe=""),
        ),
    }

    _kwargs["json"] = as_dict(body)

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(response: httpx.Response) -> DagRun | Problem | None:
    if response.status_code == 200:
        response_200 = DagRun.from_dict(response.json())

        return response_200

    return parse_problem(response)


def _build_response(response: httpx.Response) -> Response[DagRun | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(response),
    )


def sync(
    dag_id: str,
    dag_run_id: str,
    *,
    client: AuthenticatedClient | Client,
    body: RunVersionBody | Mapping[str, Any],
    idempotency_key: str | Unset = UNSET,
) -> DagRun:
    """Let a queued or running run go on with another saved version.

    Finished task instances stay as they are; added tasks get instances, and those of removed tasks
    become `removed`.
    What has not begun follows the new version. While a task is under way the answer is 409, unless
    `restart_running`.
    It is 409 too when a task with a finished instance became mapped, or stopped being mapped.
    Time limits and deadlines that count already keep their instants. A run that has the version stays
    as it is.

    Needs the role `operator` on the DAG.

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    response = sync_detailed(
        dag_id=dag_id,
        dag_run_id=dag_run_id,
        client=client,
        body=body,
        idempotency_key=idempotency_key,
    )
    return cast(DagRun, expect_success(response))


def sync_detailed(
    dag_id: str,
    dag_run_id: str,
    *,
    client: AuthenticatedClient | Client,
    body: RunVersionBody | Mapping[str, Any],
    idempotency_key: str | Unset = UNSET,
) -> Response[DagRun | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs(
        dag_id=dag_id,
        dag_run_id=dag_run_id,
        body=body,
        idempotency_key=idempotency_key,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


async def asyncio(
    dag_id: str,
    dag_run_id: str,
    *,
    client: AuthenticatedClient | Client,
    body: RunVersionBody | Mapping[str, Any],
    idempotency_key: str | Unset = UNSET,
) -> DagRun:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        dag_id=dag_id,
        dag_run_id=dag_run_id,
        client=client,
        body=body,
        idempotency_key=idempotency_key,
    )
    return cast(DagRun, expect_success(response))


async def asyncio_detailed(
    dag_id: str,
    dag_run_id: str,
    *,
    client: AuthenticatedClient | Client,
    body: RunVersionBody | Mapping[str, Any],
    idempotency_key: str | Unset = UNSET,
) -> Response[DagRun | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs(
        dag_id=dag_id,
        dag_run_id=dag_run_id,
        body=body,
        idempotency_key=idempotency_key,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
