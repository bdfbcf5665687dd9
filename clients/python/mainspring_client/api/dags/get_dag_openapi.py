from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.dag_document import DagDocument
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    dag_id: str,
    *,
    version_number: int | None | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    json_version_number: int | None | Unset
    if isinstance(version_number, Unset):
        json_version_number = UNSET
    else:
        json_version_number = version_number
    params["version_number"] = json_version_number

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v2/dags/{dag_id}/openapi.json".format(
            dag_id=quote(str(dag_id), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _parse_response(response: httpx.Response) -> DagDocument | Problem | None:
    if response.status_code == 200:
        response_200 = DagDocument.from_dict(response.json())

        return response_200

    return parse_problem(response)


def _build_response(response: httpx.Response) -> Response[DagDocument | Problem]:
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
    version_number: int | None | Unset = UNSET,
) -> DagDocument:
    """An OpenAPI 3.1 document of one DAG: a trigger with its params, and runs with its declared outputs,
    as schemas.

    Clients with types are generated from the document. Names, texts and values that a generator could
    take for code are
    left out, and defaults of `writeOnly` params too. The `ETag` follows the version.

    Needs the role `viewer` on the DAG.

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    response = sync_detailed(
        dag_id=dag_id,
        client=client,
        version_number=version_number,
    )
    return cast(DagDocument, expect_success(response))


def sync_detailed(
    dag_id: str,
    *,
    client: AuthenticatedClient | Client,
    version_number: int | None | Unset = UNSET,
) -> Response[DagDocument | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs(
        dag_id=dag_id,
        version_number=version_number,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


async def asyncio(
    dag_id: str,
    *,
    client: AuthenticatedClient | Client,
    version_number: int | None | Unset = UNSET,
) -> DagDocument:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        dag_id=dag_id,
        client=client,
        version_number=version_number,
    )
    return cast(DagDocument, expect_success(response))


async def asyncio_detailed(
    dag_id: str,
    *,
    client: AuthenticatedClient | Client,
    version_number: int | None | Unset = UNSET,
) -> Response[DagDocument | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs(
        dag_id=dag_id,
        version_number=version_number,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
