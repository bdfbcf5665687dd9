from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.backfill_body import BackfillBody
from ...models.create_backfill_dry_run_slots import CreateBackfillDryRunSlots
from ...models.dry_run_backfill_collection import DryRunBackfillCollection
from ...models.problem import Problem
from ...plain import as_dict
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    body: BackfillBody | Mapping[str, Any],
    slots: CreateBackfillDryRunSlots | Unset = CreateBackfillDryRunSlots.TO_RUN,
    idempotency_key: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    params: dict[str, Any] = {}

    json_slots: str | Unset = UNSET
    if not isinstance(slots, Unset):
        json_slots = slots.value

    params["slots"] = json_slots

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/v2/backfills/dry_run",
        "params": params,
    }

    _kwargs["json"] = as_dict(body)

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(response: httpx.Response) -> DryRunBackfillCollection | Problem | None:
    if response.status_code == 200:
        response_200 = DryRunBackfillCollection.from_dict(response.json())

        return response_200

    return parse_problem(response)


def _build_response(response: httpx.Response) -> Response[DryRunBackfillCollection | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(response),
    )


def sync(
    *,
    client: AuthenticatedClient | Client,
    body: BackfillBody | Mapping[str, Any],
    slots: CreateBackfillDryRunSlots | Unset = CreateBackfillDryRunSlots.TO_RUN,
    idempotency_key: str | Unset = UNSET,
) -> DryRunBackfillCollection:
    """Which runs a backfill would make or run again now. Slots whose runs it would leave alone are left
    out.

    Needs the role `viewer` on a DAG, and is about the DAGs on which the caller has the role.

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    response = sync_detailed(
        client=client,
        body=body,
        slots=slots,
        idempotency_key=idempotency_key,
    )
    return cast(DryRunBackfillCollection, expect_success(response))


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: BackfillBody | Mapping[str, Any],
    slots: CreateBackfillDryRunSlots | Unset = CreateBackfillDryRunSlots.TO_RUN,
    idempotency_key: str | Unset = UNSET,
) -> Response[DryRunBackfillCollection | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs(
        body=body,
        slots=slots,
        idempotency_key=idempotency_key,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    body: BackfillBody | Mapping[str, Any],
    slots: CreateBackfillDryRunSlots | Unset = CreateBackfillDryRunSlots.TO_RUN,
    idempotency_key: str | Unset = UNSET,
) -> DryRunBackfillCollection:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        client=client,
        body=body,
        slots=slots,
        idempotency_key=idempotency_key,
    )
    return cast(DryRunBackfillCollection, expect_success(response))


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: BackfillBody | Mapping[str, Any],
    slots: CreateBackfillDryRunSlots | Unset = CreateBackfillDryRunSlots.TO_RUN,
    idempotency_key: str | Unset = UNSET,
) -> Response[DryRunBackfillCollection | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs(
        body=body,
        slots=slots,
        idempotency_key=idempotency_key,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
