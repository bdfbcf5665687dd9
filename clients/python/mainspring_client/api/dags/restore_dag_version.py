from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.problem import Problem
from ...models.restore_body import RestoreBody
from ...models.saved_dag_details import SavedDagDetails
from ...plain import as_dict
from ...types import UNSET, Response, Unset


def _get_kwargs(
    dag_id: str,
    version_number: int,
    *,
    body: RestoreBody | Mapping[str, Any],
    idempotency_key: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/v2/dags/{dag_id}/dagVersions/{version_number}/restore".format(
            dag_id=quote(str(dag_id), safe=""),
            version_number=quote(str(version_number), safe=""),
        ),
    }

    _kwargs["json"] = as_dict(body)

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(response: httpx.Response) -> SavedDagDetails | Problem | None:
    if response.status_code == 200:
        response_200 = SavedDagDetails.from_dict(response.json())

        return response_200

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
    version_number: int,
    *,
    client: AuthenticatedClient | Client,
    body: RestoreBody | Mapping[str, Any],
    idempotency_key: str | Unset = UNSET,
) -> SavedDagDetails:
    """Save the definition of a version again, as a new version: the way back after a change that was
    wrong.

    All checks of a save hold. A version that equals the current version makes no new one. Runs keep
    their versions.
    With `If-Match`, the definition is saved only while the DAG, its details or its definition has that
    `ETag`.

    Needs the role `author` on the DAG.

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    response = sync_detailed(
        dag_id=dag_id,
        version_number=version_number,
        client=client,
        body=body,
        idempotency_key=idempotency_key,
    )
    return cast(SavedDagDetails, expect_success(response))


def sync_detailed(
    dag_id: str,
    version_number: int,
    *,
    client: AuthenticatedClient | Client,
    body: RestoreBody | Mapping[str, Any],
    idempotency_key: str | Unset = UNSET,
) -> Response[SavedDagDetails | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs(
        dag_id=dag_id,
        version_number=version_number,
        body=body,
        idempotency_key=idempotency_key,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


async def asyncio(
    dag_id: str,
    version_number: int,
    *,
    client: AuthenticatedClient | Client,
    body: RestoreBody | Mapping[str, Any],
    idempotency_key: str | Unset = UNSET,
) -> SavedDagDetails:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        dag_id=dag_id,
        version_number=version_number,
        client=client,
        body=body,
        idempotency_key=idempotency_key,
    )
    return cast(SavedDagDetails, expect_success(response))


async def asyncio_detailed(
    dag_id: str,
    version_number: int,
    *,
    client: AuthenticatedClient | Client,
    body: RestoreBody | Mapping[str, Any],
    idempotency_key: str | Unset = UNSET,
) -> Response[SavedDagDetails | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs(
        dag_id=dag_id,
        version_number=version_number,
        body=body,
        idempotency_key=idempotency_key,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
