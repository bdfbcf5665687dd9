"""Addresses of webhooks and callbacks, as clients send them."""

from urllib.parse import SplitResult, urlsplit

from mainspring.errors import InvalidInput, Problem
from mainspring_api.http.context import context
from mainspring_executors.addresses import AddressPolicy, AddressRefused, HostList

__all__ = ["URL_CHARS_MAX", "check_callback_url", "check_webhook_url"]

URL_CHARS_MAX = 2000
_PORTS = {"http": 80, "https": 443}


def check_webhook_url(url: str, *, pointer: str = "/url") -> None:
    """Check the form of a URL, and that its host is public or allowed.

    A host whose name has no address now passes: each attempt to send looks again.

    Raises:
        InvalidInput: The scheduler would not send to this URL.
    """
    parts = _parts(url, pointer)
    try:
        AddressPolicy(context().settings.http_allow).addresses(parts.hostname or "", _port(parts))
    except AddressRefused as exc:
        raise _invalid(pointer, str(exc)) from exc
    except (OSError, UnicodeError):
        return


def check_callback_url(url: str, *, pointer: str) -> None:
    """As `check_webhook_url`, and the setting `callback_allow` must name the host."""
    parts = _parts(url, pointer)
    hosts = HostList(context().settings.callback_allow)
    if not hosts:
        message = "callbacks are switched off; an administrator allows hosts by the setting callback_allow"
        raise _invalid(pointer, message, code="not_allowed")
    if not hosts.covers(parts.hostname or "", _port(parts)):
        message = f"the setting callback_allow does not name the host {parts.hostname}:{_port(parts)}"
        raise _invalid(pointer, message, code="not_allowed")
    check_webhook_url(url, pointer=pointer)


def _parts(url: str, pointer: str) -> SplitResult:
    if not url.isascii() or not url.isprintable() or " " in url:
        raise _invalid(pointer, "holds a space, a control character or a letter beyond ASCII; encode it as %..")
    try:
        parts = urlsplit(url)
        is_complete = parts.scheme in _PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError as exc:
        raise _invalid(pointer, "is no http or https URL with a host") from exc
    if not is_complete:
        raise _invalid(pointer, "is no http or https URL with a host")
    if "@" in parts.netloc:
        message = "holds a user name or a password; the receiver knows us by the signature of each delivery"
        raise _invalid(pointer, message)
    if parts.fragment:
        raise _invalid(pointer, "has a fragment, which is never sent; leave out what follows #")
    return parts


def _port(parts: SplitResult) -> int:
    return parts.port or _PORTS[parts.scheme]


def _invalid(pointer: str, message: str, *, code: str = "invalid_value") -> InvalidInput:
    return InvalidInput([Problem(pointer=pointer, message=message, code=code)])
