from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.definition import Definition
from ...models.problem import Problem
from ...models.saved_dag_details import SavedDagDetails
from ...plain import as_dict
from ...types import UNSET, File, Response, Unset


def _get_kwargs(
    dag_id: str,
    *,
    body: Definition | File | Mapping[str, Any] | Unset = UNSET,
    message: str | Unset = "",
    bundle_name: None | str | Unset = UNSET,
    take_over: bool | Unset = False,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    params: dict[str, Any] = {}

    params["message"] = message

    json_bundle_name: None | str | Unset
    if isinstance(bundle_name, Unset):
        json_bundle_name = UNSET
    else:
        json_bundle_name = bundle_name
    params["bundle_name"] = json_bundle_name

    params["take_over"] = take_over

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "put",
        "url": "/api/v2/dags/{dag_id}".format(
            dag_id=quote(str(dag_id), safe=""),
        ),
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


def _parse_response(response: httpx.Response) -> SavedDagDetails | Problem | None:
    if response.status_code == 200:
        response_200 = SavedDagDetails.from_dict(response.json())

        return response_200

    if response.status_code == 201:
        response_201 = SavedDagDetails.from_dict(response.json())

        return response_201

    return parse_problem(response)


def _build_response(response: httpx.Response) -> Response[SavedDagDetails | Problem]:
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
    body: Definition | File | Mapping[str, Any] | Unset = UNSET,
    message: str | Unset = "",
    bundle_name: None | str | Unset = UNSET,
    take_over: bool | Unset = False,
) -> SavedDagDetails:
    """Create a DAG or give it a new definition.

    201 when the DAG is new. A definition equal to the current version makes no new version. With `If-
    Match`, the
    definition is saved only while the DAG, its details or its definition (in either form) has that
    `ETag`; with
    `If-None-Match: *` only when there is no such DAG.

    Needs the role `author` on the DAG.

    Args:
        body: A DAG as data. `dag_id` may be left out where the address names it.
        body: The same, spelt in YAML 1.2

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    response = sync_detailed(
        dag_id=dag_id,
        client=client,
        body=body,
        message=message,
        bundle_name=bundle_name,
        take_over=take_over,
    )
    return cast(SavedDagDetails, expect_success(response))


def sync_detailed(
    dag_id: str,
    *,
    client: AuthenticatedClient | Client,
    body: Definition | File | Mapping[str, Any] | Unset = UNSET,
    message: str | Unset = "",
    bundle_name: None | str | Unset = UNSET,
    take_over: bool | Unset = False,
) -> Response[SavedDagDetails | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs(
        dag_id=dag_id,
        body=body,
        message=message,
        bundle_name=bundle_name,
        take_over=take_over,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


async def asyncio(
    dag_id: str,
    *,
    client: AuthenticatedClient | Client,
    body: Definition | File | Mapping[str, Any] | Unset = UNSET,
    message: str | Unset = "",
    bundle_name: None | str | Unset = UNSET,
    take_over: bool | Unset = False,
) -> SavedDagDetails:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        dag_id=dag_id,
        client=client,
        body=body,
        message=message,
        bundle_name=bundle_name,
        take_over=take_over,
    )
    return cast(SavedDagDetails, expect_success(response))


async def asyncio_detailed(
    dag_id: str,
    *,
    client: AuthenticatedClient | Client,
    body: Definition | File | Mapping[str, Any] | Unset = UNSET,
    message: str | Unset = "",
    bundle_name: None | str | Unset = UNSET,
    take_over: bool | Unset = False,
) -> Response[SavedDagDetails | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs(
        dag_id=dag_id,
        body=body,
        message=message,
        bundle_name=bundle_name,
        take_over=take_over,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
