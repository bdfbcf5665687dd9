from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.problem import Problem
from ...models.triggered_runs import TriggeredRuns
from ...models.triggers_body import TriggersBody
from ...plain import as_dict
from ...types import UNSET, Response, Unset


def _get_kwargs(
    dag_id: str,
    *,
    body: TriggersBody | Mapping[str, Any],
    idempotency_key: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    if not isinstance(traceparent, Unset):
        headers["traceparent"] = traceparent

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/v2/dags/{dag_id}/dagRuns/trigger".format(
            dag_id=quote(str(dag_id), safe=""),
        ),
    }

    _kwargs["json"] = as_dict(body)

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(response: httpx.Response) -> TriggeredRuns | Problem | None:
    if response.status_code == 200:
        response_200 = TriggeredRuns.from_dict(response.json())

        return response_200

    return parse_problem(response)


def _build_response(response: httpx.Response) -> Response[TriggeredRuns | Problem]:
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
    body: TriggersBody | Mapping[str, Any],
    idempotency_key: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> TriggeredRuns:
    """Start many runs; with `~` for dag_id each entry names its DAG.

    Each run is made or refused by itself, so the answer is 200 also when some are refused: read
    `status`. An entry with
    an `idempotency_key` makes one run however often the entry is sent, within 24 hours.

    Needs the role `operator` on a DAG, and is about the DAGs on which the caller has the role.

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    response = sync_detailed(
        dag_id=dag_id,
        client=client,
        body=body,
        idempotency_key=idempotency_key,
        traceparent=traceparent,
    )
    return cast(TriggeredRuns, expect_success(response))


def sync_detailed(
    dag_id: str,
    *,
    client: AuthenticatedClient | Client,
    body: TriggersBody | Mapping[str, Any],
    idempotency_key: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Response[TriggeredRuns | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs(
        dag_id=dag_id,
        body=body,
        idempotency_key=idempotency_key,
        traceparent=traceparent,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


async def asyncio(
    dag_id: str,
    *,
    client: AuthenticatedClient | Client,
    body: TriggersBody | Mapping[str, Any],
    idempotency_key: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> TriggeredRuns:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        dag_id=dag_id,
        client=client,
        body=body,
        idempotency_key=idempotency_key,
        traceparent=traceparent,
    )
    return cast(TriggeredRuns, expect_success(response))


async def asyncio_detailed(
    dag_id: str,
    *,
    client: AuthenticatedClient | Client,
    body: TriggersBody | Mapping[str, Any],
    idempotency_key: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Response[TriggeredRuns | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs(
        dag_id=dag_id,
        body=body,
        idempotency_key=idempotency_key,
        traceparent=traceparent,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
