"""Who sent a delivery to a hook: signatures and tokens of the services that send deliveries, and their identities.

Each check computes exactly one HMAC over the body and compares digests in constant time. So the time of a refusal
reveals neither the kind of a hook nor the part that is wrong.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

__all__ = [
    "TIMESTAMP_AGE_MAX",
    "Check",
    "HookKind",
    "check_delivery",
    "delivery_id_of",
    "identities_of",
    "is_hook_secret",
    "new_hook_secret",
    "readable_headers",
]

TIMESTAMP_AGE_MAX = timedelta(minutes=5)
"""Between the time that was signed and now, in both directions."""
SECRET_CHARS = range(16, 501)
_DELIVERY_ID_CHARS_MAX = 250
_TIMESTAMP_CHARS_MAX = 15

Headers = Mapping[str, str]
"""Name in lower case -> value."""


class HookKind(StrEnum):
    """How the sender of a delivery shows that it knows the secret of the hook."""

    GITHUB = "github"
    """HMAC-SHA256 of the body, in `X-Hub-Signature-256`."""
    GITLAB = "gitlab"
    """The secret itself, in `X-Gitlab-Token`."""
    STRIPE = "stripe"
    """HMAC-SHA256 of the time and the body, in `Stripe-Signature`."""
    STANDARD = "standard"
    """HMAC-SHA256 of id, time and body, as the Standard Webhooks specification says."""
    BEARER = "bearer"
    """The secret itself, as `Authorization: Bearer`."""


class Check(StrEnum):
    """The result of a check."""

    RIGHT = "right"
    WRONG = "wrong"
    STALE = "stale"
    """The signature is right, and the signed time is more than `TIMESTAMP_AGE_MAX` away."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Signature:
    """A kind of signature."""

    header: str
    values: Callable[[str], Sequence[str]]
    """The signatures in the header, of which one must be right."""
    expected: Callable[[str, bytes], str]
    """From the secret and the HMAC of the message to the right signature."""
    signed_before: Callable[[Headers], Sequence[str]] = lambda headers: ()
    """What the sender signs before the body, with dots between."""
    key: Callable[[str], bytes] = str.encode
    timestamp: Callable[[Headers], str | None] = lambda headers: None
    """Unix seconds that the sender signed; None = the kind signs no time."""
    id_headers: Sequence[str] = ()
    """Headers with the id of a delivery, which a repeated delivery has too; the first that is there counts."""
    is_id_trusted: bool = False
    """Whether only the sender can choose the id: it is signed, or comes with the secret itself."""


def check_delivery(kind: HookKind, keys: Sequence[str], headers: Headers, body: bytes, *, now: datetime) -> Check:
    """Check a delivery against the secrets that are valid now. headers: the names are in lower case."""
    signature = _SIGNATURES[kind]
    message = b".".join([*(part.encode() for part in signature.signed_before(headers)), body])
    sent = [value.encode() for value in signature.values(headers.get(signature.header, ""))]
    is_right = False
    for key in keys:
        digest = hmac.digest(signature.key(key), message, "sha256")
        expected = signature.expected(key, digest).encode()
        for value in sent:
            is_right |= hmac.compare_digest(value, expected)
    if not is_right:
        return Check.WRONG
    timestamp = signature.timestamp(headers)
    if timestamp is None:
        return Check.RIGHT
    if not timestamp.isdecimal() or len(timestamp) > _TIMESTAMP_CHARS_MAX:
        return Check.STALE
    is_fresh = abs(int(timestamp) - now.timestamp()) <= TIMESTAMP_AGE_MAX.total_seconds()
    return Check.RIGHT if is_fresh else Check.STALE


def delivery_id_of(kind: HookKind, headers: Headers) -> str | None:
    """The id that the sender gave to the delivery, cut to 250 characters; None = it gave none."""
    for name in _SIGNATURES[kind].id_headers:
        if headers.get(name):
            return headers[name][:_DELIVERY_ID_CHARS_MAX]
    return None


def identities_of(kind: HookKind, headers: Headers, body: bytes) -> Sequence[str]:
    """SHA-256 (hex) of what identifies a delivery, sorted: two deliveries with a common identity count as one.

    GitHub signs the body and not the id, so a reader of a delivery could send the body under a new id: the body
    identifies the delivery too. Where the id is signed, or the sender shows the secret itself, the id suffices.
    """
    delivery_id = delivery_id_of(kind, headers)
    identities = [] if delivery_id is None else [f"id:{delivery_id}".encode()]
    if delivery_id is None or not _SIGNATURES[kind].is_id_trusted:
        identities.append(b"body:" + hashlib.sha256(body).digest())
    return sorted(hashlib.sha256(identity).hexdigest() for identity in identities)


def new_hook_secret(kind: HookKind) -> str:
    """A random secret in the spelling of the kind."""
    if kind in (HookKind.STANDARD, HookKind.STRIPE):
        return _WHSEC + base64.b64encode(secrets.token_bytes(32)).decode()
    return secrets.token_urlsafe(32)


def is_hook_secret(kind: HookKind, text: str) -> bool:
    """Whether a text may be the secret of a hook of this kind."""
    if len(text) not in SECRET_CHARS or not text.isascii() or not text.isprintable() or " " in text:
        return False
    return kind is not HookKind.STANDARD or len(_standard_key(text)) >= _STANDARD_KEY_BYTES_MIN


def readable_headers(headers: Headers) -> dict[str, str]:
    """The headers that expressions may read: those without a credential or a signature."""
    return {name: value for name, value in headers.items() if not any(part in name for part in _HIDDEN)}


_HIDDEN = ("auth", "cookie", "key", "password", "secret", "signature", "token")
"""Parts of the names of headers that expressions never see."""
_WHSEC = "whsec_"
_STANDARD_KEY_BYTES_MIN = 16


def _standard_key(secret: str) -> bytes:
    """The bytes that a secret of Standard Webhooks spells; empty = it spells none."""
    try:
        return base64.b64decode(secret.removeprefix(_WHSEC), validate=True)
    except ValueError:
        return b""


def _bearer(value: str) -> Sequence[str]:
    scheme, _, token = value.partition(" ")
    return [token.strip()] if scheme.lower() == "bearer" else []


def _stripe(value: str, name: str) -> list[str]:
    """The members of a `Stripe-Signature` with a name: `t=1700000000,v1=…,v1=…`."""
    members = (part.strip().partition("=") for part in value.split(","))
    return [text for member, _, text in members if member == name]


def _stripe_time(headers: Headers) -> str:
    return next(iter(_stripe(headers.get("stripe-signature", ""), "t")), "")


_SIGNATURES: Mapping[HookKind, _Signature] = {
    HookKind.GITHUB: _Signature(
        header="x-hub-signature-256",
        values=lambda value: [value],
        expected=lambda _, digest: f"sha256={digest.hex()}",
        id_headers=("x-github-delivery",),
    ),
    HookKind.GITLAB: _Signature(
        header="x-gitlab-token",
        values=lambda value: [value],
        expected=lambda secret, _: secret,
        id_headers=("idempotency-key", "x-gitlab-event-uuid"),
        is_id_trusted=True,
    ),
    HookKind.STRIPE: _Signature(
        header="stripe-signature",
        values=lambda value: _stripe(value, "v1"),
        expected=lambda _, digest: digest.hex(),
        signed_before=lambda headers: (_stripe_time(headers),),
        timestamp=_stripe_time,
    ),
    HookKind.STANDARD: _Signature(
        header="webhook-signature",
        values=str.split,
        expected=lambda _, digest: f"v1,{base64.b64encode(digest).decode()}",
        signed_before=lambda headers: (headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")),
        key=_standard_key,
        timestamp=lambda headers: headers.get("webhook-timestamp", ""),
        id_headers=("webhook-id",),
        is_id_trusted=True,
    ),
    HookKind.BEARER: _Signature(
        header="authorization",
        values=_bearer,
        expected=lambda secret, _: secret,
        id_headers=("idempotency-key", "webhook-id"),
        is_id_trusted=True,
    ),
}
