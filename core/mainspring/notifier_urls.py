"""Addresses of notifiers: URLs of the library `apprise`, of which only some schemes and parameters are allowed.

The library can also read files, load plug-ins and fetch configurations by a URL. The lists below leave no way to these.
"""

import re
from urllib.parse import parse_qsl, quote, urlsplit

__all__ = ["NOTIFIER_SCHEMES", "notifier_url_fault", "shown_notifier_url"]

NOTIFIER_SCHEMES = (
    *("mailto", "mailtos", "slack", "msteams", "workflows", "discord", "tgram", "pagerduty", "opsgenie"),
    *("ntfy", "ntfys", "json", "jsons"),
)
_PARAMETERS = frozenset(
    {
        *("format", "overflow", "to", "from", "cc", "bcc", "reply", "name", "smtp", "mode", "user", "pass"),
        *("avatar", "footer", "image", "priority", "region", "tags", "thread", "silent", "topic", "method"),
    }
)
_HEADER = re.compile(r"[+:][A-Za-z0-9_-]{1,100}", re.ASCII)
"""A header (`+`) or a further member (`:`) of a JSON message."""
_URL_CHARS_MAX = 2_000
_MARKS = (";", "#", "\\")
"""The library reads these otherwise than `urlsplit`: as the end of a parameter, as a part of one, as a slash."""


def notifier_url_fault(url: str) -> str | None:
    """Why a URL cannot be the address of a notifier, without any part that may be secret; None = it can."""
    if len(url) > _URL_CHARS_MAX or not url.isprintable() or " " in url:
        return f"must be a URL of at most {_URL_CHARS_MAX} characters without spaces"
    for mark in _MARKS:
        if mark in url:
            return f"has the character '{mark}'; write {quote(mark)}"
    if url.count("://") > 1:
        return "has '://' a second time; write %3A// there"
    try:
        parts = urlsplit(url)
    except ValueError:
        return "is no URL"
    if parts.scheme not in NOTIFIER_SCHEMES or not parts.netloc:
        return f"must begin with one of: {', '.join(f'{scheme}://' for scheme in NOTIFIER_SCHEMES)}"
    for name, _ in parse_qsl(parts.query, keep_blank_values=True):
        is_header = parts.scheme in ("json", "jsons") and _HEADER.fullmatch(name.replace(" ", "+"))
        if name not in _PARAMETERS and not is_header:
            return f"has the parameter '{name[:50]}'; allowed are {', '.join(sorted(_PARAMETERS))}"
    return None


def shown_notifier_url(url: str) -> str:
    """The URL as people may see it: any part behind the scheme may be a credential."""
    return f"{urlsplit(url).scheme}://***"
