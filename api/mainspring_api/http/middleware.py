"""Checks of every request before its view, and headers of every response.

Deny by default: what is not in `PUBLIC_OPERATIONS` needs a credential, unknown paths included, and a view that names
no role is refused to everybody.
"""

import re
import secrets
from collections.abc import Callable
from functools import partial
from time import perf_counter

from flask import Flask, Response, current_app, g, request
from werkzeug.exceptions import NotFound, UnsupportedMediaType

from mainspring_api.http.audit import READING_METHODS, audited, record_refusal
from mainspring_api.http.authentication import Forbidden, InvalidToken, Unauthenticated
from mainspring_api.http.client_address import client_network
from mainspring_api.http.connection import note_principal
from mainspring_api.http.context import Context, context, replace_database
from mainspring_api.http.page_sessions import check_page_request, session_secret
from mainspring_api.http.permissions import Permission, check_permission
from mainspring_api.http.problems import UnknownHost
from mainspring_api.http.response_body import deliver
from mainspring_api.settings import BODY_BYTES_MAX
from mainspring_store.access.roles import Principal, Role

__all__ = ["PUBLIC_OPERATIONS", "credential_in_use", "install_middleware", "is_sent_by_admin", "sender", "take_write"]

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Methods with counts of their own. A client can invent any number of methods."""

PUBLIC_OPERATIONS = frozenset(
    {
        "document.get_docs",
        "document.get_openapi",
        "document.get_problem",
        "hooks.deliver_to_hook",
        "moved.get_health",
        "moved.refuse_v1",
        "monitor.get_health",
        "page.get_file",
        "page.get_page",
        "ready.get_ready",
        "version.get_version",
        "login.create_token",
        "login.create_token_cli",
        "oidc_login.begin_oidc_login",
        "oidc_login.finish_oidc_login",
        "token_exchange.exchange_token",
        "root.get_root",
        "sessions.create_session",
        "ui_config.get_ui_config",
    }
)
"""Endpoints that are open to everybody."""

SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def install_middleware(app: Flask) -> None:
    app.before_request(_admit)
    app.after_request(_seal)


def _admit() -> None:
    g.request_id = secrets.token_hex(8)
    g.begun_at = perf_counter()
    ctx = context()
    forwarded = request.headers.get("X-Forwarded-For", "")
    g.client_address = ctx.trusted_proxies.client(request.remote_addr or "", forwarded)
    _check_host(request.headers.get("Host", ""))
    if request.endpoint not in PUBLIC_OPERATIONS:
        g.user = _authenticated(ctx)
        # Read before the data of the answer: the answer holds all effects up to here.
        g.cursor = ctx.feed.cursor()
        note_principal(request.environ, g.user.id)
        _check_page(ctx)
    if request.routing_exception is not None:
        return  # Flask answers with it: 404 or 405
    if "\0" in request.path:
        raise NotFound
    view = current_app.view_functions[request.endpoint or ""]
    if "user" in g:
        _allow(ctx, getattr(view, "permission", None))
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("compressed bodies are not read; send it plain")
    # A byte above the bound, so that `read_body` detects an oversized body: werkzeug cuts a body of unknown length
    # there, silently.
    request.max_content_length = getattr(view, "body_bytes_max", BODY_BYTES_MAX) + 1
    if request.method not in READING_METHODS:
        replace_database(audited(ctx.database))


def _authenticated(ctx: Context) -> Principal:
    """The sender of the current request. A header `Authorization` wins over the cookie of the page."""
    header = request.headers.get("Authorization")
    secret = session_secret() if header is None else None
    if secret is not None:
        return ctx.authenticator.authenticate_session(secret)
    try:
        return ctx.authenticator.authenticate(header)
    except InvalidToken:
        # Nobody guesses a token; this bounds what trying costs us.
        ctx.limits.invalid_tokens.take(client_network())
        raise


def credential_in_use() -> tuple[str, Callable[[], Principal]]:
    """The credential of the current request, and a function that authenticates the credential again, in any thread."""
    authenticator, header = context().authenticator, request.headers.get("Authorization")
    secret = session_secret() if header is None else None
    if secret is not None:
        return f"session {secret}", partial(authenticator.authenticate_session, secret)
    return header or "", partial(authenticator.authenticate, header)


def _check_page(ctx: Context) -> None:
    """Refuse a change by cookie that another site may have sent; note it in the audit log, within a rate limit."""
    if request.method in READING_METHODS or "Authorization" in request.headers:
        return
    try:
        check_page_request()
    except Forbidden:
        if ctx.limits.noted_refusals.has_room(g.user.id):
            record_refusal("origin")
        raise


def sender() -> Principal | None:
    """The sender of the current request to an open operation; `None` = no valid credential.

    An invalid token counts as no token, and is counted.
    """
    try:
        return _authenticated(context())
    except (Unauthenticated, Forbidden):
        return None


def is_sent_by_admin() -> bool:
    """Whether the current request to an open operation shows the credential of an administrator."""
    principal = sender()
    return principal is not None and principal.role is Role.ADMIN


def _allow(ctx: Context, permission: Permission | None) -> None:
    """A refusal for a missing role is written to the audit log, within a rate limit."""
    try:
        if permission is None:
            raise Forbidden("Forbidden")
        check_permission(permission)
    except Forbidden:
        if ctx.limits.noted_refusals.has_room(g.user.id):
            record_refusal("role")
        raise
    if request.method not in READING_METHODS:
        take_write()


def take_write() -> None:
    """Count a write of the current request's sender. The answer says how many are left.

    Raises:
        TooManyRequests: The sender writes too often.
    """
    g.writes_remaining = context().limits.writes.take(g.user.id)


def _check_host(host: str) -> None:
    """A page in a browser that reaches us under a name of its own is turned away (DNS rebinding)."""
    match = _HOST.fullmatch(host.lower())
    if match is None or match["name"] not in context().settings.allowed_hosts:
        raise UnknownHost(f"this server does not answer to the host {host[:100]!r}; set allowed_hosts to let it")


def _count(status: int) -> None:
    """The time of an answer that lasts, like a stream, is the time to its first byte."""
    begun_at = g.get("begun_at")
    if begun_at is not None:
        # Never the path: anybody can invent any number of paths, and some hold a secret.
        route = "unknown" if request.url_rule is None else request.url_rule.rule
        method = request.method if request.method in _METHODS else "other"
        context().totals.note_request(method, route, status, perf_counter() - begun_at)


_HOST = re.compile(r"(?P<name>[a-z0-9_.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?", re.ASCII)


def _seal(response: Response) -> Response:
    _count(response.status_code)
    headers = response.headers
    names = {name.lower() for name, _ in headers}
    for name, value in SECURITY_HEADERS.items():
        if name.lower() not in names:
            headers.add(name, value)  # without looking for it once more, as each answer pays for this
    headers.add("X-Request-Id", g.get("request_id", ""))
    if request.method == "GET" and response.status_code in (200, 304) and g.get("cursor"):
        headers.add("Mainspring-Cursor", g.cursor)
    if "writes_remaining" in g and "RateLimit" not in headers:
        headers.update(context().limits.writes.headers(g.writes_remaining))
    return deliver(response)
