"""The cookies of the page, and the checks that keep other sites from using it.

The first cookie holds the secret of a session. The browser sends the cookie with requests of the page alone
(`SameSite=Strict`), no script reads it (`HttpOnly`), and a request that changes something must show a header that no
other site can set, and an `Origin` of this server.
"""

import re

from flask import Response, request
from werkzeug.http import dump_cookie

from mainspring_api.http.authentication import Forbidden
from mainspring_api.http.client_address import is_client_on_this_machine
from mainspring_store.access.sessions import SESSION_LIFE_MAX

__all__ = [
    "PAGE_HEADER",
    "check_page_request",
    "clear_cookie",
    "is_own_origin",
    "login_state",
    "session_secret",
    "set_cookie",
    "set_login_problem",
    "set_login_state",
]

PAGE_HEADER = "X-Mainspring-Page"
_SECURE_NAME = "__Host-mainspring"
_PLAIN_NAME = "mainspring"
_SECRET_CHARS_MAX = 100
_LOGIN_SUFFIX = "-login"
PROBLEM_COOKIE = "mainspring-login-problem"
_PORTS = {"http": "80", "https": "443"}
_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
_ORIGIN = re.compile(r"(?P<scheme>https?)://(?P<host>[a-z0-9_.:\[\]-]+)", re.ASCII)
_PORT = re.compile(r":[0-9]+\Z", re.ASCII)


def session_secret() -> str | None:
    """The secret in the cookie of the current request; `None` = no cookie of ours."""
    secret = request.cookies.get(_name())
    return None if secret is None or len(secret) > _SECRET_CHARS_MAX else secret


def set_cookie(response: Response, secret: str) -> None:
    _write_cookie(response, secret, int(SESSION_LIFE_MAX.total_seconds()))


def clear_cookie(response: Response) -> None:
    _write_cookie(response, "", 0)


def check_page_request() -> None:
    """Refuse a request that changes something by a cookie, unless the page of this server sent it.

    Raises:
        Forbidden: The header `X-Mainspring-Page: 1` or an `Origin` of this server is missing.
    """
    if request.headers.get(PAGE_HEADER) != "1":
        raise Forbidden(f"a request by cookie needs the header `{PAGE_HEADER}: 1`")
    if not is_own_origin(request.headers.get("Origin")):
        raise Forbidden("a request by cookie needs the `Origin` of this server")


def is_own_origin(origin: str | None) -> bool:
    """Whether an `Origin` names the scheme, the name and the port that the current request was sent to."""
    match = _ORIGIN.fullmatch(origin or "")
    if match is None:
        return False
    # A proxy that ends TLS may not say so; a request over TLS never comes from a page without TLS.
    is_allowed = match["scheme"] == "https" or not request.is_secure
    return is_allowed and _with_port(match["host"], match["scheme"]) == _with_port(
        request.headers.get("Host", "").lower(), match["scheme"]
    )


def _with_port(host: str, scheme: str) -> str:
    return host if _PORT.search(host) else f"{host}:{_PORTS[scheme]}"


def _is_plain() -> bool:
    """Whether the browser reaches this machine without TLS: it may keep no secure cookie of such an address."""
    if request.is_secure:
        return False
    return is_client_on_this_machine() or _PORT.sub("", request.headers.get("Host", "").lower()) in _LOOPBACK_NAMES


def _name() -> str:
    return _PLAIN_NAME if _is_plain() else _SECURE_NAME


def login_state() -> str | None:
    """The state of a login with an identity provider that this browser began; `None` = it began none."""
    return request.cookies.get(_name() + _LOGIN_SUFFIX)


def set_login_state(response: Response, state: str, *, seconds: int) -> None:
    """Bind a login to this browser. The cookie comes back with the redirect of the provider, which is another site:
    `SameSite=Lax`. Empty = remove the cookie."""
    _write_cookie(response, state, seconds, suffix=_LOGIN_SUFFIX, same_site="Lax")


def set_login_problem(response: Response, problem: str) -> None:
    """Hand the reason of a failed login to the login page. A script reads this cookie, which holds no secret. Any site
    could put a text into the address of the page instead."""
    cookie = dump_cookie(PROBLEM_COOKIE, problem, max_age=60, path="/login", secure=not _is_plain(), samesite="Lax")
    response.headers.add("Set-Cookie", cookie)


def _write_cookie(response: Response, value: str, max_age: int, *, suffix: str = "", same_site: str = "Strict") -> None:
    cookie = dump_cookie(
        _name() + suffix, value, max_age=max_age, path="/", secure=not _is_plain(), httponly=True, samesite=same_site
    )
    response.headers.add("Set-Cookie", cookie)
