from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.delivery_ref import DeliveryRef
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    notifier_name: str,
    delivery_id: str,
    *,
    idempotency_key: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/v2/notifiers/{notifier_name}/deliveries/{delivery_id}/redeliver".format(
            notifier_name=quote(str(notifier_name), safe=""),
            delivery_id=quote(str(delivery_id), safe=""),
        ),
    }

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(response: httpx.Response) -> DeliveryRef | Problem | None:
    if response.status_code == 200:
        response_200 = DeliveryRef.from_dict(response.json())

        return response_200

    return parse_problem(response)


def _build_response(response: httpx.Response) -> Response[DeliveryRef | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(response),
    )


def sync(
    notifier_name: str,
    delivery_id: str,
    *,
    client: AuthenticatedClient | Client,
    idempotency_key: str | Unset = UNSET,
) -> DeliveryRef:
    """Send a message that ended again. At most 10 a minute, with the tests.

    Needs the role `admin` for the whole server.

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    response = sync_detailed(
        notifier_name=notifier_name,
        delivery_id=delivery_id,
        client=client,
        idempotency_key=idempotency_key,
    )
    return cast(DeliveryRef, expect_success(response))


def sync_detailed(
    notifier_name: str,
    delivery_id: str,
    *,
    client: AuthenticatedClient | Client,
    idempotency_key: str | Unset = UNSET,
) -> Response[DeliveryRef | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs(
        notifier_name=notifier_name,
        delivery_id=delivery_id,
        idempotency_key=idempotency_key,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


async def asyncio(
    notifier_name: str,
    delivery_id: str,
    *,
    client: AuthenticatedClient | Client,
    idempotency_key: str | Unset = UNSET,
) -> DeliveryRef:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        notifier_name=notifier_name,
        delivery_id=delivery_id,
        client=client,
        idempotency_key=idempotency_key,
    )
    return cast(DeliveryRef, expect_success(response))


async def asyncio_detailed(
    notifier_name: str,
    delivery_id: str,
    *,
    client: AuthenticatedClient | Client,
    idempotency_key: str | Unset = UNSET,
) -> Response[DeliveryRef | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs(
        notifier_name=notifier_name,
        delivery_id=delivery_id,
        idempotency_key=idempotency_key,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
