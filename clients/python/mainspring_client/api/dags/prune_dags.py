from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.problem import Problem
from ...models.prune_body import PruneBody
from ...models.pruned_dags import PrunedDags
from ...plain import as_dict
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    body: PruneBody | Mapping[str, Any],
    idempotency_key: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/v2/dags/prune",
    }

    _kwargs["json"] = as_dict(body)

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(response: httpx.Response) -> PrunedDags | Problem | None:
    if response.status_code == 200:
        response_200 = PrunedDags.from_dict(response.json())

        return response_200

    return parse_problem(response)


def _build_response(response: httpx.Response) -> Response[PrunedDags | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(response),
    )


def sync(
    *,
    client: AuthenticatedClient | Client,
    body: PruneBody | Mapping[str, Any],
    idempotency_key: str | Unset = UNSET,
) -> PrunedDags:
    """Pause the DAGs that a bundle no longer has, and mark them as stale.

    Touches only DAGs of the bundle that the caller sees, and none unless the caller is author of all of
    them. A stale
    DAG keeps its versions and runs; lists hide it, no new run starts, and a save makes it current
    again. Refused with
    409 when more than half of the bundle would go, unless `force`.

    Needs the role `author` on a DAG, and is about the DAGs on which the caller has the role.

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    response = sync_detailed(
        client=client,
        body=body,
        idempotency_key=idempotency_key,
    )
    return cast(PrunedDags, expect_success(response))


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: PruneBody | Mapping[str, Any],
    idempotency_key: str | Unset = UNSET,
) -> Response[PrunedDags | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs(
        body=body,
        idempotency_key=idempotency_key,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    body: PruneBody | Mapping[str, Any],
    idempotency_key: str | Unset = UNSET,
) -> PrunedDags:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        client=client,
        body=body,
        idempotency_key=idempotency_key,
    )
    return cast(PrunedDags, expect_success(response))


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: PruneBody | Mapping[str, Any],
    idempotency_key: str | Unset = UNSET,
) -> Response[PrunedDags | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs(
        body=body,
        idempotency_key=idempotency_key,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
