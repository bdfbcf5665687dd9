from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...errors import expect_success, parse_problem
from ...models.problem import Problem
from ...models.variable import Variable
from ...models.variable_patch_body import VariablePatchBody
from ...plain import as_dict
from ...types import UNSET, Response, Unset


def _get_kwargs(
    variable_key: str,
    *,
    body: VariablePatchBody | Mapping[str, Any],
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
        "url": "/api/v2/variables/{variable_key}".format(
            variable_key=quote(str(variable_key), safe=""),
        ),
        "params": params,
    }

    _kwargs["json"] = as_dict(body)

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(response: httpx.Response) -> Variable | Problem | None:
    if response.status_code == 200:
        response_200 = Variable.from_dict(response.json())

        return response_200

    return parse_problem(response)


def _build_response(response: httpx.Response) -> Response[Variable | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(response),
    )


def sync(
    variable_key: str,
    *,
    client: AuthenticatedClient | Client,
    body: VariablePatchBody | Mapping[str, Any],
    update_mask: list[str] | Unset = UNSET,
) -> Variable:
    """Change a variable. Task instances that start from now on see the new value.

    Needs the role `author` for the whole server.

    Raises:
        ApiError: The server answered with an error.
        httpx.HTTPError: The server could not be asked, or gave no answer in time.
    """
    response = sync_detailed(
        variable_key=variable_key,
        client=client,
        body=body,
        update_mask=update_mask,
    )
    return cast(Variable, expect_success(response))


def sync_detailed(
    variable_key: str,
    *,
    client: AuthenticatedClient | Client,
    body: VariablePatchBody | Mapping[str, Any],
    update_mask: list[str] | Unset = UNSET,
) -> Response[Variable | Problem]:
    """As `sync`, but gives the whole response; an error is a response too."""
    kwargs = _get_kwargs(
        variable_key=variable_key,
        body=body,
        update_mask=update_mask,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


async def asyncio(
    variable_key: str,
    *,
    client: AuthenticatedClient | Client,
    body: VariablePatchBody | Mapping[str, Any],
    update_mask: list[str] | Unset = UNSET,
) -> Variable:
    """As `sync`, without blocking."""
    response = await asyncio_detailed(
        variable_key=variable_key,
        client=client,
        body=body,
        update_mask=update_mask,
    )
    return cast(Variable, expect_success(response))


async def asyncio_detailed(
    variable_key: str,
    *,
    client: AuthenticatedClient | Client,
    body: VariablePatchBody | Mapping[str, Any],
    update_mask: list[str] | Unset = UNSET,
) -> Response[Variable | Problem]:
    """As `sync_detailed`, without blocking."""
    kwargs = _get_kwargs(
        variable_key=variable_key,
        body=body,
        update_mask=update_mask,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))
