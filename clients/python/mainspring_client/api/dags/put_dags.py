from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.dags_body import DagsBody
from ...models.problem import Problem
from ...models.saved_dags import SavedDags
from ...plain import as_dict
from ...types import Response


def _get_kwargs(
    *,
    body: DagsBody | Mapping[str, Any],
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "put",
        "url": "/api/v2/dags",
    }

    _kwargs["json"] = as_dict(body)

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(response: httpx.Response) -> SavedDags | Problem | None:
    if response.status_code == 200:
        response_200 = SavedDags.from_dict(response.json())

        return response_200

    return parse_problem(response)


def _build_response(response: httpx.Response) -> Response[SavedDags | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(response),
    )


def sync(
    *,
    client: AuthenticatedClient | Client,
    body: DagsBody | Mapping[str, Any],
) -> SavedDags:
    """Save many definitions, all or none.

    With `plan_token`, the definitions must be those of the plan. 412 answers when a DAG was changed
    since, when a slot
    of the plan would no longer give a run, or when the token was used.

    Needs the role `author` on a DAG, and is about the DAGs on which the caller has the role.

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    response = sync_detailed(
        client=client,
        body=body,
    )
    return cast(SavedDags, expect_success(response))


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: DagsBody | Mapping[str, Any],
) -> Response[SavedDags | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs(
        body=body,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    body: DagsBody | Mapping[str, Any],
) -> SavedDags:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        client=client,
        body=body,
    )
    return cast(SavedDags, expect_success(response))


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: DagsBody | Mapping[str, Any],
) -> Response[SavedDags | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs(
        body=body,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
