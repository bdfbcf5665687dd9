from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.dag_run_state import DagRunState
from ...models.dag_run_type import DagRunType
from ...models.grid import Grid
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    dag_id: str,
    *,
    runs: int | Unset = 24,
    before: None | str | Unset = UNSET,
    run_type: list[DagRunType] | Unset = UNSET,
    state: list[DagRunState] | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["runs"] = runs

    json_before: None | str | Unset
    if isinstance(before, Unset):
        json_before = UNSET
    else:
        json_before = before
    params["before"] = json_before

    json_run_type: list[str] | Unset = UNSET
    if not isinstance(run_type, Unset):
        json_run_type = []
        for run_type_item_data in run_type:
            run_type_item = run_type_item_data.value
            json_run_type.append(run_type_item)

    params["run_type"] = json_run_type

    json_state: list[str] | Unset = UNSET
    if not isinstance(state, Unset):
        json_state = []
        for state_item_data in state:
            state_item = state_item_data.value
            json_state.append(state_item)

    params["state"] = json_state

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v2/dags/{dag_id}/grid".format(
            dag_id=quote(str(dag_id), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _parse_response(response: httpx.Response) -> Grid | Problem | None:
    if response.status_code == 200:
        response_200 = Grid.from_dict(response.json())

        return response_200

    return parse_problem(response)


def _build_response(response: httpx.Response) -> Response[Grid | Problem]:
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
    runs: int | Unset = 24,
    before: None | str | Unset = UNSET,
    run_type: list[DagRunType] | Unset = UNSET,
    state: list[DagRunState] | Unset = UNSET,
) -> Grid:
    """The latest runs of a DAG and the state of each task in each run.

    Needs the role `viewer` on the DAG.

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    response = sync_detailed(
        dag_id=dag_id,
        client=client,
        runs=runs,
        before=before,
        run_type=run_type,
        state=state,
    )
    return cast(Grid, expect_success(response))


def sync_detailed(
    dag_id: str,
    *,
    client: AuthenticatedClient | Client,
    runs: int | Unset = 24,
    before: None | str | Unset = UNSET,
    run_type: list[DagRunType] | Unset = UNSET,
    state: list[DagRunState] | Unset = UNSET,
) -> Response[Grid | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs(
        dag_id=dag_id,
        runs=runs,
        before=before,
        run_type=run_type,
        state=state,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


async def asyncio(
    dag_id: str,
    *,
    client: AuthenticatedClient | Client,
    runs: int | Unset = 24,
    before: None | str | Unset = UNSET,
    run_type: list[DagRunType] | Unset = UNSET,
    state: list[DagRunState] | Unset = UNSET,
) -> Grid:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        dag_id=dag_id,
        client=client,
        runs=runs,
        before=before,
        run_type=run_type,
        state=state,
    )
    return cast(Grid, expect_success(response))


async def asyncio_detailed(
    dag_id: str,
    *,
    client: AuthenticatedClient | Client,
    runs: int | Unset = 24,
    before: None | str | Unset = UNSET,
    run_type: list[DagRunType] | Unset = UNSET,
    state: list[DagRunState] | Unset = UNSET,
) -> Response[Grid | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs(
        dag_id=dag_id,
        runs=runs,
        before=before,
        run_type=run_type,
        state=state,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
