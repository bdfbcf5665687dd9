from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.hook_delivery_collection import HookDeliveryCollection
from ...models.problem import Problem
from ...types import Response


def _get_kwargs(
    hook_id: str,
) -> dict[str, Any]:

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v2/hooks/{hook_id}/deliveries".format(
            hook_id=quote(str(hook_id), safe=""),
        ),
    }

    return _kwargs


def _parse_response(response: httpx.Response) -> HookDeliveryCollection | Problem | None:
    if response.status_code == 200:
        response_200 = HookDeliveryCollection.from_dict(response.json())

        return response_200

    return parse_problem(response)


def _build_response(response: httpx.Response) -> Response[HookDeliveryCollection | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(response),
    )


def sync(
    hook_id: str,
    *,
    client: AuthenticatedClient | Client,
) -> HookDeliveryCollection:
    """The latest deliveries of a hook, latest first.

    Needs the role `author` on a DAG, and is about the DAGs on which the caller has the role.

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    response = sync_detailed(
        hook_id=hook_id,
        client=client,
    )
    return cast(HookDeliveryCollection, expect_success(response))


def sync_detailed(
    hook_id: str,
    *,
    client: AuthenticatedClient | Client,
) -> Response[HookDeliveryCollection | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs(
        hook_id=hook_id,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


async def asyncio(
    hook_id: str,
    *,
    client: AuthenticatedClient | Client,
) -> HookDeliveryCollection:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        hook_id=hook_id,
        client=client,
    )
    return cast(HookDeliveryCollection, expect_success(response))


async def asyncio_detailed(
    hook_id: str,
    *,
    client: AuthenticatedClient | Client,
) -> Response[HookDeliveryCollection | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs(
        hook_id=hook_id,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
