"""Signatures of deliveries: each kind accepts what its service sends, and nothing else."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import pytest

from mainspring import hook_signatures
from mainspring.hook_signatures import (
    Check,
    HookKind,
    check_delivery,
    identities_of,
    is_hook_secret,
    new_hook_secret,
    readable_headers,
)

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
BODY = b'{"ref": "refs/heads/main"}'
Sign = Callable[[str, bytes, datetime], Mapping[str, str]]


def mac(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()


def github(secret: str, body: bytes, at: datetime) -> Mapping[str, str]:
    return {"x-hub-signature-256": "sha256=" + mac(secret.encode(), body).hex(), "x-github-delivery": "d1"}


def gitlab(secret: str, body: bytes, at: datetime) -> Mapping[str, str]:
    return {"x-gitlab-token": secret, "idempotency-key": "d1"}


def stripe(secret: str, body: bytes, at: datetime) -> Mapping[str, str]:
    time = str(int(at.timestamp()))
    signature = mac(secret.encode(), f"{time}.".encode() + body).hex()
    return {"stripe-signature": f"t={time},v1={'0' * 64},v1={signature},v0=x"}


def standard(secret: str, body: bytes, at: datetime) -> Mapping[str, str]:
    time = str(int(at.timestamp()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signature = base64.b64encode(mac(key, f"d1.{time}.".encode() + body)).decode()
    return {"webhook-id": "d1", "webhook-timestamp": time, "webhook-signature": f"v1,AAAA v1a,xx v1,{signature}"}


def bearer(secret: str, body: bytes, at: datetime) -> Mapping[str, str]:
    return {"authorization": f"Bearer {secret}", "idempotency-key": "d1"}


SIGNS: Mapping[HookKind, Sign] = {
    HookKind.GITHUB: github,
    HookKind.GITLAB: gitlab,
    HookKind.STRIPE: stripe,
    HookKind.STANDARD: standard,
    HookKind.BEARER: bearer,
}
SIGNED_BODIES = [HookKind.GITHUB, HookKind.STRIPE, HookKind.STANDARD]
SIGNED_TIMES = [HookKind.STRIPE, HookKind.STANDARD]


@pytest.mark.parametrize("kind", list(HookKind))
def test_the_right_secret_is_accepted_and_every_other_is_not(kind: HookKind) -> None:
    secret, other = new_hook_secret(kind), new_hook_secret(kind)
    headers = SIGNS[kind](secret, BODY, NOW)
    assert check_delivery(kind, [secret], headers, BODY, now=NOW) is Check.RIGHT
    assert check_delivery(kind, [other, secret], headers, BODY, now=NOW) is Check.RIGHT, "while a rotation lasts"
    assert check_delivery(kind, [other], headers, BODY, now=NOW) is Check.WRONG
    assert check_delivery(kind, [secret], {}, BODY, now=NOW) is Check.WRONG
    for name in headers:
        without = {each: value for each, value in headers.items() if each != name}
        signs_nothing = name in ("idempotency-key", "x-github-delivery")
        assert (check_delivery(kind, [secret], without, BODY, now=NOW) is Check.RIGHT) is signs_nothing, name


@pytest.mark.parametrize("kind", SIGNED_BODIES)
def test_another_body_is_refused_where_the_body_is_signed(kind: HookKind) -> None:
    secret = new_hook_secret(kind)
    assert check_delivery(kind, [secret], SIGNS[kind](secret, BODY, NOW), BODY + b" ", now=NOW) is Check.WRONG


@pytest.mark.parametrize("kind", SIGNED_TIMES)
@pytest.mark.parametrize(
    ("age", "result"),
    [(299, Check.RIGHT), (301, Check.STALE), (-299, Check.RIGHT), (-302, Check.STALE)],
    ids=["recent", "old", "soon", "future"],
)
def test_a_signed_time_is_at_most_five_minutes_away(kind: HookKind, age: int, result: Check) -> None:
    secret = new_hook_secret(kind)
    headers = SIGNS[kind](secret, BODY, NOW - timedelta(seconds=age))
    assert check_delivery(kind, [secret], headers, BODY, now=NOW) is result


@pytest.mark.parametrize("kind", SIGNED_TIMES)
def test_the_signed_time_and_id_cannot_be_changed(kind: HookKind) -> None:
    secret = new_hook_secret(kind)
    headers = dict(SIGNS[kind](secret, BODY, NOW - timedelta(hours=1)))
    now = str(int(NOW.timestamp()))
    old = str(int((NOW - timedelta(hours=1)).timestamp()))
    changed = {name: value.replace(old, now) for name, value in headers.items()}
    assert changed != headers
    assert check_delivery(kind, [secret], changed, BODY, now=NOW) is Check.WRONG


@pytest.mark.parametrize("text", ["", "x", "12e3", "-1", "9" * 400, "１２"])
def test_a_malformed_time_is_never_fresh(text: str) -> None:
    secret = new_hook_secret(HookKind.STANDARD)
    signature = mac(base64.b64decode(secret.removeprefix("whsec_")), f"d1.{text}.".encode() + BODY)
    headers = {
        "webhook-id": "d1",
        "webhook-timestamp": text,
        "webhook-signature": f"v1,{base64.b64encode(signature).decode()}",
    }
    assert check_delivery(HookKind.STANDARD, [secret], headers, BODY, now=NOW) is Check.STALE


def test_each_check_computes_one_hmac_over_the_body(monkeypatch: pytest.MonkeyPatch) -> None:
    messages: list[bytes] = []
    digest = hmac.digest

    def counted(key: bytes, message: bytes, name: str) -> bytes:
        messages.append(message)
        return digest(key, message, name)

    monkeypatch.setattr(hook_signatures.hmac, "digest", counted)
    for kind in HookKind:
        secret = new_hook_secret(kind)
        for headers in (SIGNS[kind](secret, BODY, NOW), {}):
            messages.clear()
            check_delivery(kind, [secret], headers, BODY, now=NOW)
            assert len(messages) == 1, kind
            assert messages[0].endswith(BODY)


def same(kind: HookKind, first: tuple[str | None, bytes], second: tuple[str | None, bytes]) -> bool:
    """Whether two deliveries, as id and body, have a common identity."""
    name = {HookKind.GITHUB: "x-github-delivery", HookKind.STANDARD: "webhook-id"}.get(kind, "idempotency-key")
    found = [
        set(identities_of(kind, {} if delivery_id is None else {name: delivery_id}, body))
        for delivery_id, body in (first, second)
    ]
    return bool(found[0] & found[1])


@pytest.mark.parametrize("kind", list(HookKind))
def test_a_repeated_delivery_has_the_same_identity(kind: HookKind) -> None:
    assert same(kind, ("d1", BODY), ("d1", BODY))
    assert same(kind, (None, BODY), (None, BODY))
    assert not same(kind, ("d1", BODY), ("d2", BODY + b" "))


def test_a_body_that_github_signed_is_the_same_delivery_under_another_id() -> None:
    assert same(HookKind.GITHUB, ("d1", BODY), ("d2", BODY))
    assert same(HookKind.STRIPE, (None, BODY), (None, BODY))
    assert not same(HookKind.STANDARD, ("d1", BODY), ("d2", BODY)), "the id is signed"
    assert not same(HookKind.BEARER, ("d1", BODY), ("d2", BODY)), "the sender knows the secret"


@pytest.mark.parametrize(
    ("kind", "text", "is_one"),
    [
        (HookKind.GITHUB, "x" * 16, True),
        (HookKind.GITHUB, "x" * 15, False),
        (HookKind.GITHUB, "x" * 501, False),
        (HookKind.BEARER, "with a space in it", False),
        (HookKind.BEARER, "schlüssel-schlüssel", False),
        (HookKind.BEARER, "with\ncontrol-characters", False),
        (HookKind.STANDARD, "x" * 24, True),
        (HookKind.STANDARD, "not!base64!not!base64", False),
        (HookKind.STANDARD, "whsec_" + base64.b64encode(b"x" * 15).decode(), False),
    ],
)
def test_a_secret_is_long_enough_and_can_be_sent(kind: HookKind, text: str, is_one: bool) -> None:
    assert is_hook_secret(kind, text) is is_one


def test_made_secrets_are_secrets_of_their_kind() -> None:
    for kind in HookKind:
        assert is_hook_secret(kind, new_hook_secret(kind))
        assert new_hook_secret(kind) != new_hook_secret(kind)


def test_headers_with_credentials_or_signatures_are_hidden() -> None:
    hidden = {name for kind in HookKind for name in SIGNS[kind](new_hook_secret(kind), BODY, NOW)} - {
        "x-github-delivery",
        "webhook-id",
        "webhook-timestamp",
    }
    hidden |= {"cookie", "proxy-authorization", "x-hub-signature", "x-api-key", "private-token", "svix-signature"}
    shown = {"x-github-event": "push", "content-type": "application/json", "x-github-delivery": "d1"}
    assert readable_headers({**dict.fromkeys(hidden, "hidden"), **shown}) == shown
