from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.problem import Problem
from ...models.signal import Signal
from ...models.signal_body import SignalBody
from ...plain import as_dict
from ...types import UNSET, Response, Unset


def _get_kwargs(
    dag_id: str,
    dag_run_id: str,
    signal_name: str,
    *,
    body: SignalBody | Mapping[str, Any],
    idempotency_key: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/signals/{signal_name}".format(
            dag_id=quote(str(dag_id), safe=""),
            dag_run_id=quote(str(dag_run_id), safe=""),
            signal_name=quote(str(signal_name), safe=""),
        ),
    }

    _kwargs["json"] = as_dict(body)

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(response: httpx.Response) -> Signal | Problem | None:
    if response.status_code == 201:
        response_201 = Signal.from_dict(response.json())

        return response_201

    return parse_problem(response)


def _build_response(response: httpx.Response) -> Response[Signal | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(response),
    )


def sync(
    dag_id: str,
    dag_run_id: str,
    signal_name: str,
    *,
    client: AuthenticatedClient | Client,
    body: SignalBody | Mapping[str, Any],
    idempotency_key: str | Unset = UNSET,
) -> Signal:
    """Send a signal to a run. A task that waits for its name takes the signal, now or when its wait
    begins.

    The run keeps a signal that no task has taken. Each signal ends one wait: a wait takes the earliest
    signal of its
    name that no wait of the run has taken. A run keeps at most 1,000 signals; beyond, and after the end
    of the run, the
    answer is 409.

    Needs the role `operator` on the DAG.

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    response = sync_detailed(
        dag_id=dag_id,
        dag_run_id=dag_run_id,
        signal_name=signal_name,
        client=client,
        body=body,
        idempotency_key=idempotency_key,
    )
    return cast(Signal, expect_success(response))


def sync_detailed(
    dag_id: str,
    dag_run_id: str,
    signal_name: str,
    *,
    client: AuthenticatedClient | Client,
    body: SignalBody | Mapping[str, Any],
    idempotency_key: str | Unset = UNSET,
) -> Response[Signal | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs(
        dag_id=dag_id,
        dag_run_id=dag_run_id,
        signal_name=signal_name,
        body=body,
        idempotency_key=idempotency_key,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


async def asyncio(
    dag_id: str,
    dag_run_id: str,
    signal_name: str,
    *,
    client: AuthenticatedClient | Client,
    body: SignalBody | Mapping[str, Any],
    idempotency_key: str | Unset = UNSET,
) -> Signal:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        dag_id=dag_id,
        dag_run_id=dag_run_id,
        signal_name=signal_name,
        client=client,
        body=body,
        idempotency_key=idempotency_key,
    )
    return cast(Signal, expect_success(response))


async def asyncio_detailed(
    dag_id: str,
    dag_run_id: str,
    signal_name: str,
    *,
    client: AuthenticatedClient | Client,
    body: SignalBody | Mapping[str, Any],
    idempotency_key: str | Unset = UNSET,
) -> Response[Signal | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs(
        dag_id=dag_id,
        dag_run_id=dag_run_id,
        signal_name=signal_name,
        body=body,
        idempotency_key=idempotency_key,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
