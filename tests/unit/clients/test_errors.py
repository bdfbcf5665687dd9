"""The exceptions of the Python client."""

from http import HTTPStatus

import httpx
import pytest

from mainspring_client import ApiError, AuthenticatedClient, TokenExpired
from mainspring_client.api.users import get_me


@pytest.mark.parametrize(
    ("code", "kind"), [("token_expired", TokenExpired), ("unauthenticated", ApiError)], ids=["expired", "no token"]
)
def test_an_expired_token_has_an_exception_of_its_own(code: str, kind: type[ApiError]) -> None:
    problem = {"detail": "Token Expired", "type": f"/problems/{code}", "title": "Unauthorized", "status": 401}
    answer = httpx.Response(401, json={**problem, "code": code, "request_id": "8d1f0c4a91b7e2aa"})
    client = AuthenticatedClient(
        base_url="http://server.test",
        token="ms_x",
        httpx_args={"transport": httpx.MockTransport(lambda request: answer)},
    )
    with client, pytest.raises(ApiError) as raised:
        get_me.sync(client=client)
    assert (type(raised.value), raised.value.status_code) == (kind, HTTPStatus.UNAUTHORIZED)
    assert raised.value.message == "Token Expired"
