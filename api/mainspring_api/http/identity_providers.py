"""Identity providers: their addresses and keys, fetched when needed and kept for an hour.

Everything that a provider answers is bounded in time and size. A key that is not known is looked for once a minute at
most, so that forged tokens cost the provider nothing.
"""

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from threading import BoundedSemaphore, Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus, urlsplit

from mainspring.errors import MainspringError
from mainspring.identity_rules import check_issuer

if TYPE_CHECKING:
    import httpx

__all__ = ["IdentityProvider", "IdentityProviders", "ProviderRefused", "ProviderUnavailable"]

TIMEOUT_SECONDS = 5.0
"""Of each step of a request to a provider."""
TOTAL_SECONDS = 10.0
"""Of a whole answer."""
ANSWER_BYTES_MAX = 512 * 1024
KEYS_MAX = 100
KEPT_SECONDS = 3600.0
STALE_SECONDS_MAX = 24 * 3600.0
"""For how long keys are believed while the provider cannot be reached."""
AGAIN_SECONDS = 60.0
"""The minimum time between two fetches for a key that is not known."""
FAILED_SECONDS = 10.0
"""For how long a provider that failed is not asked again."""

WAITING_MAX = 8
"""Requests of this process that wait for providers at once."""

log = logging.getLogger(__name__)
_turns = BoundedSemaphore(WAITING_MAX)

Transport = Callable[[str, Mapping[str, str], Mapping[str, str] | None], bytes]
"""Fetches an address with headers, and with a form by POST. Raises ProviderUnavailable."""


class ProviderUnavailable(MainspringError):
    """The identity provider cannot be reached, or answers what no provider does; the message may be read by anyone."""


class ProviderRefused(ProviderUnavailable):
    """The provider answered a request with 4xx: it does not take the code of the login, or the secret of the client."""


@dataclass(frozen=True, slots=True)
class _Metadata:
    """What the discovery document and the key set said."""

    document: Mapping[str, Any]
    keys: tuple[Mapping[str, Any], ...]
    fetched_at: float
    """By the monotonic clock."""


class IdentityProvider:
    """One issuer. Safe to use from many threads."""

    def __init__(
        self, issuer: str, *, transport: Transport | None = None, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.issuer = issuer
        self._transport = transport or _Client(issuer).fetch
        self._monotonic = monotonic
        self._metadata: _Metadata | None = None
        self._failed_at = float("-inf")
        self._lock = Lock()
        """Held while metadata is fetched, so that many logins at once fetch it once."""

    def address(self, name: str) -> str:
        """An endpoint of the discovery document. Raises ProviderUnavailable."""
        address = self._known().document.get(name)
        if address is None:
            raise ProviderUnavailable(f"the identity provider {self.issuer} has no {name}")
        return str(address)

    def optional_address(self, name: str) -> str | None:
        """The same; `None` = the provider has no such endpoint."""
        address = self._known().document.get(name)
        return address if self._is_safe(address) else None

    def keys(self, kid: str | None) -> list[Mapping[str, Any]]:
        """The public keys (JWK) with this id, or all keys for `None`. Looks for an unknown id at the provider, once a
        minute at most. Raises ProviderUnavailable."""
        return _of(self._known(), kid) or _of(self._known(older_than=AGAIN_SECONDS), kid)

    def fetch_tokens(self, form: Mapping[str, str], *, client_id: str, client_secret: str | None) -> Mapping[str, Any]:
        """The answer of the token endpoint to an authorization code.

        Raises:
            ProviderUnavailable: It cannot be reached, or refuses.
        """
        headers, fields = {}, dict(form)
        methods = self._known().document.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        if client_secret is None:
            fields["client_id"] = client_id
        elif "client_secret_basic" in methods:
            headers["Authorization"] = _basic(client_id, client_secret)
        else:
            fields |= {"client_id": client_id, "client_secret": client_secret}
        address = self.address("token_endpoint")
        with _turn(self.issuer):
            return _object(self._transport(address, headers, fields))

    def fetch_claims(self, access_token: str) -> Mapping[str, Any]:
        """The claims of the user info endpoint; empty when the provider has none. Raises ProviderUnavailable."""
        address = self.optional_address("userinfo_endpoint")
        if address is None:
            return {}
        with _turn(self.issuer):
            return _object(self._transport(address, {"Authorization": f"Bearer {access_token}"}, None))

    def _known(self, *, older_than: float = KEPT_SECONDS) -> _Metadata:
        """The metadata, fetched again when it is older than this many seconds."""
        metadata = self._metadata
        if metadata is not None and self._monotonic() - metadata.fetched_at < older_than:
            return metadata
        with _turn(self.issuer), self._lock:
            self._fetch_if_old(older_than)
            metadata = self._metadata
        if metadata is None or self._monotonic() - metadata.fetched_at > STALE_SECONDS_MAX:
            raise ProviderUnavailable(f"the identity provider {self.issuer} cannot be used now; try again later")
        return metadata

    def _fetch_if_old(self, older_than: float) -> None:
        """Fetch the metadata, unless another thread has, or the provider failed a moment ago."""
        now = self._monotonic()
        if self._metadata is not None and now - self._metadata.fetched_at < older_than:
            return
        if now - self._failed_at < FAILED_SECONDS:
            return
        try:
            self._metadata = self._fetch(now)
        except ProviderUnavailable as exc:
            self._failed_at = self._monotonic()
            log.warning("the identity provider is unavailable: issuer=%s reason=%s", self.issuer, exc)

    def _fetch(self, now: float) -> _Metadata:
        address = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
        document = _object(self._transport(address, {}, None))
        if document.get("issuer") != self.issuer:
            raise ProviderUnavailable(f"the document of {self.issuer} names another issuer: {document.get('issuer')!r}")
        # An issuer of pipelines has no endpoint for people.
        for name in ("jwks_uri", "authorization_endpoint", "token_endpoint"):
            endpoint = document.get(name)
            if not self._is_safe(endpoint) and not (endpoint is None and name != "jwks_uri"):
                raise ProviderUnavailable(f"the document of {self.issuer} has no `{name}` with https")
        keys = _object(self._transport(document["jwks_uri"], {}, None)).get("keys")
        if not isinstance(keys, list):
            raise ProviderUnavailable(f"the keys of {self.issuer} are no key set")
        return _Metadata(document, tuple(key for key in keys[:KEYS_MAX] if isinstance(key, dict)), now)

    def _is_safe(self, address: object) -> bool:
        """Whether an endpoint has https; that of an issuer on this machine may be without."""
        if not isinstance(address, str) or "#" in address:
            return False
        try:
            check_issuer(address.partition("?")[0])
        except ValueError:
            return False
        return address.startswith("https://") or self.issuer.startswith("http://")


class IdentityProviders:
    """The providers that the settings name, one for each issuer."""

    def __init__(self, issuers: tuple[str, ...]) -> None:
        self._providers = {issuer: IdentityProvider(issuer) for issuer in issuers}

    def get(self, issuer: str) -> IdentityProvider | None:
        """The provider; `None` = the settings do not name the issuer."""
        return self._providers.get(issuer)


class _Client:
    """Fetches over HTTP. The library is imported at the first use, as few servers use it."""

    def __init__(self, issuer: str) -> None:
        # A proxy of the environment sees the addresses only, as all else is TLS; to this machine there is no proxy.
        self._trusts_environment = urlsplit(issuer).scheme == "https"
        self._client: httpx.Client | None = None
        self._lock = Lock()

    def fetch(self, address: str, headers: Mapping[str, str], form: Mapping[str, str] | None) -> bytes:
        """The body of an answer of 200."""
        import httpx

        host = urlsplit(address).netloc
        sent = {"Accept": "application/json", **headers}
        method = "GET" if form is None else "POST"
        try:
            with self._opened().stream(method, address, headers=sent, data=form) as response:
                body = _read(response, host)
        except httpx.HTTPError as exc:
            raise ProviderUnavailable(f"{host}: {type(exc).__name__}") from exc
        if response.status_code != 200:
            kind = ProviderRefused if 400 <= response.status_code < 500 else ProviderUnavailable
            raise kind(f"{host} answered {response.status_code}{_error_of(body)}")
        return body

    def _opened(self) -> "httpx.Client":
        import httpx

        with self._lock:
            if self._client is None:
                self._client = httpx.Client(
                    timeout=TIMEOUT_SECONDS, follow_redirects=False, trust_env=self._trusts_environment
                )
            return self._client


def _read(response: "httpx.Response", host: str) -> bytes:
    begun_at, pieces, size = time.monotonic(), [], 0
    for piece in response.iter_bytes():
        pieces.append(piece)
        size += len(piece)
        if size > ANSWER_BYTES_MAX:
            raise ProviderUnavailable(f"{host} answered more than {ANSWER_BYTES_MAX} bytes")
        if time.monotonic() - begun_at > TOTAL_SECONDS:
            raise ProviderUnavailable(f"{host} took more than {TOTAL_SECONDS:.0f} s to answer")
    return b"".join(pieces)


def _error_of(body: bytes) -> str:
    """The error of RFC 6749 in an answer, `: invalid_grant` for example; empty when there is none."""
    try:
        error = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        return ""
    is_word = isinstance(error, str) and error.isascii() and error.isprintable()
    return f": {error[:100]}" if is_word else ""


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise ProviderUnavailable("the identity provider answered no JSON object")
    return content


def _of(metadata: _Metadata, kid: str | None) -> list[Mapping[str, Any]]:
    return [key for key in metadata.keys if kid is None or key.get("kid") == kid]


@contextmanager
def _turn(issuer: str) -> Iterator[None]:
    """Raises ProviderUnavailable when many requests wait for providers: a slow one must not take all threads."""
    if not _turns.acquire(blocking=False):
        raise ProviderUnavailable(f"many logins wait for the identity provider {issuer}; try again later")
    try:
        yield
    finally:
        _turns.release()


def _basic(name: str, password: str) -> str:
    """RFC 6749 (2.3.1): both are encoded like a form first."""
    import base64

    return "Basic " + base64.b64encode(f"{quote_plus(name)}:{quote_plus(password)}".encode()).decode()
