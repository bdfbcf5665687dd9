from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.problem import Problem
from ...models.wait_result import WaitResult
from ...types import UNSET, Response, Unset


def _get_kwargs(
    dag_id: str,
    dag_run_id: str,
    *,
    interval: float | Unset = 1.0,
    timeout: float | None | Unset = UNSET,
    result: list[str] | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["interval"] = interval

    json_timeout: float | None | Unset
    if isinstance(timeout, Unset):
        json_timeout = UNSET
    else:
        json_timeout = timeout
    params["timeout"] = json_timeout

    json_result: list[str] | Unset = UNSET
    if not isinstance(result, Unset):
        json_result = result

    params["result"] = json_result

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/wait".format(
            dag_id=quote(str(dag_id), safe=""),
            dag_run_id=quote(str(dag_run_id), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _parse_response(response: httpx.Response) -> WaitResult | Problem | None:
    if response.status_code == 200:
        response_200 = WaitResult.from_dict(response.json())

        return response_200

    return parse_problem(response)


def _build_response(response: httpx.Response) -> Response[WaitResult | Problem]:
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
    interval: float | Unset = 1.0,
    timeout: float | None | Unset = UNSET,
    result: list[str] | Unset = UNSET,
) -> WaitResult:
    """Wait until a run has ended.

    Answers one JSON object at the end. With `Accept: application/x-ndjson` it sends the state at each
    interval, one
    object a line. While it waits, white space is sent now and then to keep the connection alive.

    Needs the role `viewer` on the DAG.

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    response = sync_detailed(
        dag_id=dag_id,
        dag_run_id=dag_run_id,
        client=client,
        interval=interval,
        timeout=timeout,
        result=result,
    )
    return cast(WaitResult, expect_success(response))


def sync_detailed(
    dag_id: str,
    dag_run_id: str,
    *,
    client: AuthenticatedClient | Client,
    interval: float | Unset = 1.0,
    timeout: float | None | Unset = UNSET,
    result: list[str] | Unset = UNSET,
) -> Response[WaitResult | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs(
        dag_id=dag_id,
        dag_run_id=dag_run_id,
        interval=interval,
        timeout=timeout,
        result=result,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


async def asyncio(
    dag_id: str,
    dag_run_id: str,
    *,
    client: AuthenticatedClient | Client,
    interval: float | Unset = 1.0,
    timeout: float | None | Unset = UNSET,
    result: list[str] | Unset = UNSET,
) -> WaitResult:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        dag_id=dag_id,
        dag_run_id=dag_run_id,
        client=client,
        interval=interval,
        timeout=timeout,
        result=result,
    )
    return cast(WaitResult, expect_success(response))


async def asyncio_detailed(
    dag_id: str,
    dag_run_id: str,
    *,
    client: AuthenticatedClient | Client,
    interval: float | Unset = 1.0,
    timeout: float | None | Unset = UNSET,
    result: list[str] | Unset = UNSET,
) -> Response[WaitResult | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs(
        dag_id=dag_id,
        dag_run_id=dag_run_id,
        interval=interval,
        timeout=timeout,
        result=result,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
