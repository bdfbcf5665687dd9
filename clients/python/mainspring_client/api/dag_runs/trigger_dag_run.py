from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.dag_run import DagRun
from ...models.problem import Problem
from ...models.trigger_body import TriggerBody
from ...plain import as_dict
from ...types import UNSET, Response, Unset


def _get_kwargs(
    dag_id: str,
    *,
    body: TriggerBody | Mapping[str, Any],
    dry_run: bool | Unset = False,
    wait: float | Unset = 0.0,
    idempotency_key: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    if not isinstance(traceparent, Unset):
        headers["traceparent"] = traceparent

    params: dict[str, Any] = {}

    params["dry_run"] = dry_run

    params["wait"] = wait

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/v2/dags/{dag_id}/dagRuns".format(
            dag_id=quote(str(dag_id), safe=""),
        ),
        "params": params,
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
    *,
    client: AuthenticatedClient | Client,
    body: TriggerBody | Mapping[str, Any],
    dry_run: bool | Unset = False,
    wait: float | Unset = 0.0,
    idempotency_key: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> DagRun:
    """Start a run of the DAG's current version, or of `version_number`. A run of a paused DAG stays
    queued.

    Where the DAG has `debounce`, a trigger without `logical_date` and `run_after` may join a queued
    run: the answer is
    that run with `is_merged`.

    `Location` names the run. With `wait`, the answer comes when the run has ended or the seconds are
    over: always 200
    and the run as it is then, with `is_finished`. The run is made before the wait begins, so a
    connection that is cut
    leaves the run. The same request with the same `Idempotency-Key` waits for the same run. A server
    that has no
    place for a further wait answers at once, so a client pauses for a second or two before it asks
    again. White space
    before the JSON keeps the connection alive.

    Needs the role `operator` on the DAG.

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    response = sync_detailed(
        dag_id=dag_id,
        client=client,
        body=body,
        dry_run=dry_run,
        wait=wait,
        idempotency_key=idempotency_key,
        traceparent=traceparent,
    )
    return cast(DagRun, expect_success(response))


def sync_detailed(
    dag_id: str,
    *,
    client: AuthenticatedClient | Client,
    body: TriggerBody | Mapping[str, Any],
    dry_run: bool | Unset = False,
    wait: float | Unset = 0.0,
    idempotency_key: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Response[DagRun | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs(
        dag_id=dag_id,
        body=body,
        dry_run=dry_run,
        wait=wait,
        idempotency_key=idempotency_key,
        traceparent=traceparent,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


async def asyncio(
    dag_id: str,
    *,
    client: AuthenticatedClient | Client,
    body: TriggerBody | Mapping[str, Any],
    dry_run: bool | Unset = False,
    wait: float | Unset = 0.0,
    idempotency_key: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> DagRun:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        dag_id=dag_id,
        client=client,
        body=body,
        dry_run=dry_run,
        wait=wait,
        idempotency_key=idempotency_key,
        traceparent=traceparent,
    )
    return cast(DagRun, expect_success(response))


async def asyncio_detailed(
    dag_id: str,
    *,
    client: AuthenticatedClient | Client,
    body: TriggerBody | Mapping[str, Any],
    dry_run: bool | Unset = False,
    wait: float | Unset = 0.0,
    idempotency_key: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Response[DagRun | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs(
        dag_id=dag_id,
        body=body,
        dry_run=dry_run,
        wait=wait,
        idempotency_key=idempotency_key,
        traceparent=traceparent,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
