from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.dag_run import DagRun
from ...models.inline_run_body import InlineRunBody
from ...models.problem import Problem
from ...plain import as_dict
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    body: InlineRunBody | Mapping[str, Any],
    wait: float | Unset = 0.0,
    idempotency_key: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    params: dict[str, Any] = {}

    params["wait"] = wait

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/v2/dagRuns",
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
    *,
    client: AuthenticatedClient | Client,
    body: InlineRunBody | Mapping[str, Any],
    wait: float | Unset = 0.0,
    idempotency_key: str | Unset = UNSET,
) -> DagRun:
    """Run a definition once, without saving it. The checks, quotas and limits of a save and of a trigger
    hold.

    The caller must be author of the DAG that the definition names. The run gets a version with
    `is_inline` true, which
    is never the current version of the DAG and is deleted with its last run. A DAG that does not exist
    is made for the
    run: it is stale, hidden from lists, and deleted with its last run too. `wait` is that of a trigger.

    Needs the role `author` on a DAG, and is about the DAGs on which the caller has the role.

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    response = sync_detailed(
        client=client,
        body=body,
        wait=wait,
        idempotency_key=idempotency_key,
    )
    return cast(DagRun, expect_success(response))


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: InlineRunBody | Mapping[str, Any],
    wait: float | Unset = 0.0,
    idempotency_key: str | Unset = UNSET,
) -> Response[DagRun | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs(
        body=body,
        wait=wait,
        idempotency_key=idempotency_key,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    body: InlineRunBody | Mapping[str, Any],
    wait: float | Unset = 0.0,
    idempotency_key: str | Unset = UNSET,
) -> DagRun:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        client=client,
        body=body,
        wait=wait,
        idempotency_key=idempotency_key,
    )
    return cast(DagRun, expect_success(response))


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: InlineRunBody | Mapping[str, Any],
    wait: float | Unset = 0.0,
    idempotency_key: str | Unset = UNSET,
) -> Response[DagRun | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs(
        body=body,
        wait=wait,
        idempotency_key=idempotency_key,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
