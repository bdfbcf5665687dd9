from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.notifier import Notifier
from ...models.notifier_patch_body import NotifierPatchBody
from ...models.problem import Problem
from ...plain import as_dict
from ...types import UNSET, Response, Unset


def _get_kwargs(
    notifier_name: str,
    *,
    body: NotifierPatchBody | Mapping[str, Any],
    update_mask: list[str] | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    params: dict[str, Any] = {}

    json_update_mask: list[str] | Unset = UNSET
    if not isinstance(update_mask, Unset):
        json_update_mask = update_mask

    params["update_mask"] = json_update_mask

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "patch",
        "url": "/api/v2/notifiers/{notifier_name}".format(
            notifier_name=quote(str(notifier_name), safe=""),
        ),
        "params": params,
    }

    _kwargs["json"] = as_dict(body)

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(response: httpx.Response) -> Notifier | Problem | None:
    if response.status_code == 200:
        response_200 = Notifier.from_dict(response.json())

        return response_200

    return parse_problem(response)


def _build_response(response: httpx.Response) -> Response[Notifier | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(response),
    )


def sync(
    notifier_name: str,
    *,
    client: AuthenticatedClient | Client,
    body: NotifierPatchBody | Mapping[str, Any],
    update_mask: list[str] | Unset = UNSET,
) -> Notifier:
    """Change a notifier.

    Needs the role `admin` for the whole server.

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    response = sync_detailed(
        notifier_name=notifier_name,
        client=client,
        body=body,
        update_mask=update_mask,
    )
    return cast(Notifier, expect_success(response))


def sync_detailed(
    notifier_name: str,
    *,
    client: AuthenticatedClient | Client,
    body: NotifierPatchBody | Mapping[str, Any],
    update_mask: list[str] | Unset = UNSET,
) -> Response[Notifier | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs(
        notifier_name=notifier_name,
        body=body,
        update_mask=update_mask,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


async def asyncio(
    notifier_name: str,
    *,
    client: AuthenticatedClient | Client,
    body: NotifierPatchBody | Mapping[str, Any],
    update_mask: list[str] | Unset = UNSET,
) -> Notifier:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        notifier_name=notifier_name,
        client=client,
        body=body,
        update_mask=update_mask,
    )
    return cast(Notifier, expect_success(response))


async def asyncio_detailed(
    notifier_name: str,
    *,
    client: AuthenticatedClient | Client,
    body: NotifierPatchBody | Mapping[str, Any],
    update_mask: list[str] | Unset = UNSET,
) -> Response[Notifier | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs(
        notifier_name=notifier_name,
        body=body,
        update_mask=update_mask,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
