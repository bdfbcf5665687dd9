from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.definition import Definition
from ...models.definition_check import DefinitionCheck
from ...models.problem import Problem
from ...plain import as_dict
from ...types import UNSET, File, Response, Unset


def _get_kwargs(
    *,
    body: Definition | File | Mapping[str, Any] | Unset = UNSET,
    dag_id: None | str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    params: dict[str, Any] = {}

    json_dag_id: None | str | Unset
    if isinstance(dag_id, Unset):
        json_dag_id = UNSET
    else:
        json_dag_id = dag_id
    params["dag_id"] = json_dag_id

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/v2/dags/validate",
        "params": params,
    }

    if isinstance(body, Definition | Mapping):
        _kwargs["json"] = as_dict(body)

        headers["Content-Type"] = "application/json"
    elif isinstance(body, File):
        _kwargs["content"] = body.payload

        headers["Content-Type"] = "application/yaml"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(response: httpx.Response) -> DefinitionCheck | Problem | None:
    if response.status_code == 200:
        response_200 = DefinitionCheck.from_dict(response.json())

        return response_200

    return parse_problem(response)


def _build_response(response: httpx.Response) -> Response[DefinitionCheck | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(response),
    )


def sync(
    *,
    client: AuthenticatedClient | Client,
    body: Definition | File | Mapping[str, Any] | Unset = UNSET,
    dag_id: None | str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> DefinitionCheck:
    """Check a definition without saving it: 200 for a valid definition, else the exact error of a save.

    Needs the role `viewer` on a DAG, and is about the DAGs on which the caller has the role.

    Args:
        body: A DAG as data. `dag_id` may be left out where the address names it.
        body: The same, spelt in YAML 1.2

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    response = sync_detailed(
        client=client,
        body=body,
        dag_id=dag_id,
        idempotency_key=idempotency_key,
    )
    return cast(DefinitionCheck, expect_success(response))


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: Definition | File | Mapping[str, Any] | Unset = UNSET,
    dag_id: None | str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> Response[DefinitionCheck | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs(
        body=body,
        dag_id=dag_id,
        idempotency_key=idempotency_key,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    body: Definition | File | Mapping[str, Any] | Unset = UNSET,
    dag_id: None | str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> DefinitionCheck:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        client=client,
        body=body,
        dag_id=dag_id,
        idempotency_key=idempotency_key,
    )
    return cast(DefinitionCheck, expect_success(response))


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: Definition | File | Mapping[str, Any] | Unset = UNSET,
    dag_id: None | str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> Response[DefinitionCheck | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs(
        body=body,
        dag_id=dag_id,
        idempotency_key=idempotency_key,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
