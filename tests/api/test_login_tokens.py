"""The tokens of logins: in the form of a JWT, and none that this server has not made counts."""

import base64
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from mainspring_api.http.login_tokens import Expired, Forged, LoginTokens
from mainspring_store.access.roles import Role
from mainspring_store.tables import api_token
from tests.api.harness import Api

PASSWORD = "correct horse battery"
KEY = b"k" * 64
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def encoded(content: Any) -> str:
    data = content if isinstance(content, bytes) else json.dumps(content, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(segment: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    return content


def signed(head: Any, claims: Any, key: bytes = KEY, digest: str = "sha512") -> str:
    text = f"{encoded(head)}.{encoded(claims)}"
    return f"{text}.{encoded(hmac.digest(key, text.encode(), digest))}"


def made(tokens: LoginTokens | None = None, *, at: datetime = NOW) -> str:
    return (tokens or LoginTokens(KEY)).make(sub="u", jti="j" * 43, now=at, expires_at=at + DAY)


def changed_claims(token: str, **claims: Any) -> str:
    head, body, signature = token.split(".")
    return f"{head}.{encoded({**decoded(body), **claims})}.{signature}"


def resigned(token: str, head: dict[str, Any] | None = None, claims: dict[str, Any] | None = None, **how: Any) -> str:
    old_head, old_claims, _ = token.split(".")
    return signed(decoded(old_head) | (head or {}), decoded(old_claims) | (claims or {}), **how)


def with_other_tail(token: str) -> str:
    """The last character has bits that stand for nothing: another spelling of the same bytes."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return token[:-1] + alphabet[alphabet.index(token[-1]) ^ 1]


FORGED: dict[str, Callable[[str], str]] = {
    "no algorithm": lambda token: resigned(token, {"alg": "none"}).rpartition(".")[0] + ".",
    "no algorithm, spelled otherwise": lambda token: resigned(token, {"alg": "nOnE"}).rpartition(".")[0] + ".",
    "no algorithm, with our signature": lambda token: resigned(token, {"alg": "none"}),
    "a shorter digest": lambda token: resigned(token, {"alg": "HS256"}, digest="sha256"),
    "a shorter digest under our header": lambda token: resigned(token, digest="sha256"),
    "an algorithm of public keys": lambda token: resigned(token, {"alg": "RS512"}),
    "another kid": lambda token: resigned(token, {"kid": "other"}),
    "a kid that is a path": lambda token: resigned(token, {"kid": "../../dev/null"}, key=b""),
    "a key in the header": lambda token: resigned(token, {"jwk": {"kty": "oct", "k": encoded(KEY)}}),
    "an address of a key": lambda token: resigned(token, {"jku": "http://127.0.0.1/keys"}),
    "critical extensions": lambda token: resigned(token, {"crit": ["exp"]}),
    "another key": lambda token: resigned(token, key=b"x" * 64),
    "an empty key": lambda token: resigned(token, key=b""),
    "another user": lambda token: changed_claims(token, sub="admin"),
    "a later end": lambda token: changed_claims(token, exp=2**40),
    "another jti": lambda token: changed_claims(token, jti="i" * 43),
    "a role": lambda token: changed_claims(token, role="admin"),
    "no signature": lambda token: token.rpartition(".")[0] + ".",
    "half a signature": lambda token: token[:-40],
    "a signature spelled otherwise": with_other_tail,
    "padding": lambda token: token + "=",
    "a fourth part": lambda token: token + ".e30",
    "claims of another kind": lambda token: signed(decoded(token.split(".")[0]), ["jti"]),
    "claims that are no JSON": lambda token: signed(decoded(token.split(".")[0]), b"\xff"),
    "an end that is no number": lambda token: resigned(token, claims={"exp": "never"}),
    "an end without bound": lambda token: resigned(token, claims={"exp": 1e308}),
    "no end": lambda token: resigned(token, claims={"exp": None}),
    "a beginning to come": lambda token: resigned(token, claims={"nbf": int((NOW + DAY).timestamp())}),
    "more than a header holds": lambda token: resigned(token, claims={"sub": "x" * 5000}),
}
"""Each is refused by its form, its header, its signature or its claims, whatever the token table says."""


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
def test_a_forged_token_is_refused_before_any_look_up(forge: Callable[[str], str]) -> None:
    token = made()
    assert LoginTokens(KEY).read(token, now=NOW) == "j" * 43
    with pytest.raises(Forged):
        LoginTokens(KEY).read(forge(token), now=NOW)


def test_a_token_is_good_until_its_end() -> None:
    tokens = LoginTokens(KEY)
    assert tokens.read(made(), now=NOW + DAY - timedelta(seconds=1)) == "j" * 43
    with pytest.raises(Expired):
        tokens.read(made(), now=NOW + DAY)


def test_a_token_of_a_server_whose_clock_is_a_little_ahead_is_taken() -> None:
    assert LoginTokens(KEY).read(made(at=NOW + timedelta(seconds=20)), now=NOW) == "j" * 43
    with pytest.raises(Forged):
        LoginTokens(KEY).read(made(at=NOW + timedelta(seconds=40)), now=NOW)


def logged_in(api: Api) -> str:
    api.post("/users", {"username": "anna", "password": PASSWORD, "role": "operator"}, 201)
    credentials = {"username": "anna", "password": PASSWORD}
    return str(api.post("/auth/token", credentials, 201, token=None)["access_token"])


def test_a_login_tells_its_end_and_no_right(api: Api) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    head, claims, signature = logged_in(api).split(".")
    assert decoded(head).keys() == {"alg", "kid", "typ"}
    assert (decoded(head)["alg"], len(base64.urlsafe_b64decode(signature + "=="))) == ("HS512", 64)
    told = decoded(claims)
    assert told.keys() == {"sub", "jti", "iat", "nbf", "exp"}
    assert told["iat"] == told["nbf"] >= before.timestamp()
    assert told["exp"] - told["iat"] == DAY.total_seconds()


def test_the_look_up_decides_about_a_token_that_is_signed(api: Api) -> None:
    token = logged_in(api)
    assert api.get("/me", token=token)["name"] == "anna"
    # Revoked in the table, the signature helps no more.
    with api.database.write() as connection:
        connection.execute(update(api_token).where(api_token.c.kind == "login").values(revoked_at=datetime.now(UTC)))
    api.app.extensions["mainspring"].authenticator.forget()
    assert api.request("GET", "/me", token=token).status == 403
    # Made with the right key, and the table knows nothing of it.
    tokens: LoginTokens = api.app.extensions["mainspring"].login_tokens
    now = datetime.now(UTC)
    unknown = tokens.make(sub=decoded(token.split(".")[1])["sub"], jti="x" * 43, now=now, expires_at=now + DAY)
    assert api.request("GET", "/me", token=unknown).status == 403


def test_a_jti_is_no_token_by_itself_and_no_other_token_is_a_jti(api: Api) -> None:
    token = logged_in(api)
    jti = decoded(token.split(".")[1])["jti"]
    assert api.request("GET", "/me", token=jti).status == 403
    # The id of an API token, signed as if it were one of a login.
    secret = api.token_of(Role.ADMIN)
    assert api.request("GET", "/me", token=secret).status == 200
    tokens: LoginTokens = api.app.extensions["mainspring"].login_tokens
    now = datetime.now(UTC)
    assert (
        api.request("GET", "/me", token=tokens.make(sub="u", jti=secret, now=now, expires_at=now + DAY)).status == 403
    )


def test_a_forged_token_is_told_from_one_that_has_expired(api: Api) -> None:
    token = logged_in(api)
    forged = api.request("GET", "/me", token=changed_claims(token, exp=2**40))
    assert (forged.status, forged.json["detail"]) == (403, "Invalid JWT token")
    tokens: LoginTokens = api.app.extensions["mainspring"].login_tokens
    past = datetime.now(UTC) - 2 * DAY
    expired = api.request("GET", "/me", token=tokens.make(sub="u", jti="j", now=past, expires_at=past + DAY))
    assert (expired.status, expired.json["detail"], expired.json["code"]) == (401, "Token Expired", "token_expired")


def test_api_tokens_keep_their_form(api: Api) -> None:
    assert api.post("/tokens", {"name": "ci", "role": "viewer"}, 201)["token"].startswith("ms_")
