"""Signatures of webhooks after the Standard Webhooks specification 1.0, whose libraries verify them.

A signature covers `<message id>.<unix seconds>.<body>`. Signatures with a shared secret have the version `v1`
(HMAC-SHA256); signatures with the private key of the installation have the version `v1a` (Ed25519).
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime

__all__ = ["is_secret", "new_private_key", "new_secret", "public_key_of", "signature_headers"]

_SECRET = "whsec_"  # noqa: S105  a prefix, no secret
_PRIVATE_KEY = "whsk_"
_PUBLIC_KEY = "whpk_"
_SECRET_BYTES = 32
_SECRET_BYTES_RANGE = range(24, 65)


def new_secret() -> str:
    """A shared secret of 32 random bytes, in the spelling of the specification."""
    return _SECRET + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def is_secret(text: str) -> bool:
    """Whether a text spells a shared secret of 24 to 64 bytes."""
    try:
        return text.startswith(_SECRET) and len(_decoded(text, _SECRET)) in _SECRET_BYTES_RANGE
    except ValueError:
        return False


def new_private_key() -> str:
    """A private Ed25519 key."""
    return _PRIVATE_KEY + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def public_key_of(private_key: str) -> str:
    """The public half of a private key."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.from_private_bytes(_decoded(private_key, _PRIVATE_KEY)).public_key()
    return _PUBLIC_KEY + base64.b64encode(key.public_bytes_raw()).decode()


def signature_headers(keys: Sequence[str], message_id: str, at: datetime, body: bytes) -> Mapping[str, str]:
    """The headers of a delivery: id, time, and a signature for each key.

    keys: shared secrets and private keys that are valid now; a receiver accepts a signature of any of them.
    """
    timestamp = str(int(at.timestamp()))
    signed = b".".join((message_id.encode(), timestamp.encode(), body))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(_signature(key, signed) for key in keys),
    }


def _signature(key: str, signed: bytes) -> str:
    if key.startswith(_SECRET):
        digest = hmac.new(_decoded(key, _SECRET), signed, hashlib.sha256).digest()
        return "v1," + base64.b64encode(digest).decode()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    signature = Ed25519PrivateKey.from_private_bytes(_decoded(key, _PRIVATE_KEY)).sign(signed)
    return "v1a," + base64.b64encode(signature).decode()


def _decoded(text: str, prefix: str) -> bytes:
    """Raises ValueError when the text is not base64."""
    return base64.b64decode(text.removeprefix(prefix), validate=True)
