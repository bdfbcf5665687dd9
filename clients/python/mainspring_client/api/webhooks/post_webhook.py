from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.created_webhook import CreatedWebhook
from ...models.problem import Problem
from ...models.webhook_body import WebhookBody
from ...plain import as_dict
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    body: WebhookBody | Mapping[str, Any],
    idempotency_key: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/v2/webhooks",
    }

    _kwargs["json"] = as_dict(body)

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(response: httpx.Response) -> CreatedWebhook | Problem | None:
    if response.status_code == 201:
        response_201 = CreatedWebhook.from_dict(response.json())

        return response_201

    return parse_problem(response)


def _build_response(response: httpx.Response) -> Response[CreatedWebhook | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(response),
    )


def sync(
    *,
    client: AuthenticatedClient | Client,
    body: WebhookBody | Mapping[str, Any],
    idempotency_key: str | Unset = UNSET,
) -> CreatedWebhook:
    """Create a webhook. Needs the role `author` on all DAGs of the pattern.

    The webhook gets the events from now on, as long as its owner may see their DAGs.

    Needs a token, with any role.

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    response = sync_detailed(
        client=client,
        body=body,
        idempotency_key=idempotency_key,
    )
    return cast(CreatedWebhook, expect_success(response))


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: WebhookBody | Mapping[str, Any],
    idempotency_key: str | Unset = UNSET,
) -> Response[CreatedWebhook | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs(
        body=body,
        idempotency_key=idempotency_key,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    body: WebhookBody | Mapping[str, Any],
    idempotency_key: str | Unset = UNSET,
) -> CreatedWebhook:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        client=client,
        body=body,
        idempotency_key=idempotency_key,
    )
    return cast(CreatedWebhook, expect_success(response))


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: WebhookBody | Mapping[str, Any],
    idempotency_key: str | Unset = UNSET,
) -> Response[CreatedWebhook | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs(
        body=body,
        idempotency_key=idempotency_key,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
