from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.dag_run import DagRun
from ...models.problem import Problem
from ...models.run_patch import RunPatch
from ...plain import as_dict
from ...types import UNSET, Response, Unset


def _get_kwargs(
    dag_id: str,
    dag_run_id: str,
    *,
    body: RunPatch | Mapping[str, Any],
    update_mask: list[str] | Unset = UNSET,
    wait: float | Unset = 0.0,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    params: dict[str, Any] = {}

    json_update_mask: list[str] | Unset = UNSET
    if not isinstance(update_mask, Unset):
        json_update_mask = update_mask

    params["update_mask"] = json_update_mask

    params["wait"] = wait

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "patch",
        "url": "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}".format(
            dag_id=quote(str(dag_id), safe=""),
            dag_run_id=quote(str(dag_run_id), safe=""),
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
    dag_run_id: str,
    *,
    client: AuthenticatedClient | Client,
    body: RunPatch | Mapping[str, Any],
    update_mask: list[str] | Unset = UNSET,
    wait: float | Unset = 0.0,
) -> DagRun:
    """Cancel (`state` failed), mark, queue, pause, resume or delay a run, change the note, or `keep` it
    for ever.

    The processes of a cancelled run stop soon after. Where handlers follow, the run stays `running`
    with the
    `state_reason` `cancelling` until they have ended. With `wait`, the answer comes when the run has
    ended and all its
    processes have stopped, or when the seconds are over: always 200 and the run as it is then. The
    change is made
    before the wait begins. White space before the JSON keeps the connection alive.

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
        update_mask=update_mask,
        wait=wait,
    )
    return cast(DagRun, expect_success(response))


def sync_detailed(
    dag_id: str,
    dag_run_id: str,
    *,
    client: AuthenticatedClient | Client,
    body: RunPatch | Mapping[str, Any],
    update_mask: list[str] | Unset = UNSET,
    wait: float | Unset = 0.0,
) -> Response[DagRun | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs(
        dag_id=dag_id,
        dag_run_id=dag_run_id,
        body=body,
        update_mask=update_mask,
        wait=wait,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


async def asyncio(
    dag_id: str,
    dag_run_id: str,
    *,
    client: AuthenticatedClient | Client,
    body: RunPatch | Mapping[str, Any],
    update_mask: list[str] | Unset = UNSET,
    wait: float | Unset = 0.0,
) -> DagRun:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        dag_id=dag_id,
        dag_run_id=dag_run_id,
        client=client,
        body=body,
        update_mask=update_mask,
        wait=wait,
    )
    return cast(DagRun, expect_success(response))


async def asyncio_detailed(
    dag_id: str,
    dag_run_id: str,
    *,
    client: AuthenticatedClient | Client,
    body: RunPatch | Mapping[str, Any],
    update_mask: list[str] | Unset = UNSET,
    wait: float | Unset = 0.0,
) -> Response[DagRun | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs(
        dag_id=dag_id,
        dag_run_id=dag_run_id,
        body=body,
        update_mask=update_mask,
        wait=wait,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
