from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.hook_answer import HookAnswer
from ...models.json_object import JsonObject
from ...models.problem import Problem
from ...plain import as_dict
from ...types import UNSET, Response, Unset


def _get_kwargs(
    hook_id: str,
    *,
    body: Any | JsonObject | Mapping[str, Any] | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/v2/hooks/{hook_id}".format(
            hook_id=quote(str(hook_id), safe=""),
        ),
    }

    if isinstance(body, JsonObject):
        _kwargs["data"] = as_dict(body)

        headers["Content-Type"] = "application/x-www-form-urlencoded"

    elif not isinstance(body, Unset):
        _kwargs["json"] = body

        headers["Content-Type"] = "application/json"
    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(response: httpx.Response) -> HookAnswer | Problem | None:
    if response.status_code == 200:
        response_200 = HookAnswer.from_dict(response.json())

        return response_200

    if response.status_code == 202:
        response_202 = HookAnswer.from_dict(response.json())

        return response_202

    return parse_problem(response)


def _build_response(response: httpx.Response) -> Response[HookAnswer | Problem]:
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
    body: Any | JsonObject | Mapping[str, Any] | Unset = UNSET,
) -> HookAnswer:
    """Start a run by a signed request of a service outside.

    The path holds the secret part of the hook's URL in place of an identifier. 202 has the run's id at
    once; a repeated
    delivery gets the run of the first. 200 answers a ping, and a delivery that the filter leaves out.
    An unknown hook
    and a wrong signature get the same 404. Form bodies are GitHub's, with the JSON in `payload`.

    Needs no token.

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    response = sync_detailed(
        hook_id=hook_id,
        client=client,
        body=body,
    )
    return cast(HookAnswer, expect_success(response))


def sync_detailed(
    hook_id: str,
    *,
    client: AuthenticatedClient | Client,
    body: Any | JsonObject | Mapping[str, Any] | Unset = UNSET,
) -> Response[HookAnswer | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs(
        hook_id=hook_id,
        body=body,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


async def asyncio(
    hook_id: str,
    *,
    client: AuthenticatedClient | Client,
    body: Any | JsonObject | Mapping[str, Any] | Unset = UNSET,
) -> HookAnswer:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        hook_id=hook_id,
        client=client,
        body=body,
    )
    return cast(HookAnswer, expect_success(response))


async def asyncio_detailed(
    hook_id: str,
    *,
    client: AuthenticatedClient | Client,
    body: Any | JsonObject | Mapping[str, Any] | Unset = UNSET,
) -> Response[HookAnswer | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs(
        hook_id=hook_id,
        body=body,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
