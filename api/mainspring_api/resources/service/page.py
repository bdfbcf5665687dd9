"""The web page: one document at every address of the page, and its files.

No document of the API has these addresses: the page is a client of the API as any other.
"""

from flask import Blueprint, Response, request

from mainspring.errors import NotFound
from mainspring_api.http.bundle import Bundle, File, bundle

__all__ = ["ADDRESSES", "CONTENT_SECURITY_POLICY", "blueprint", "page_response", "wants_page"]

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types mainspring"
)
ADDRESSES = (
    *("/runs", "/upcoming", "/backfills", "/backfills/<path:rest>", "/approvals"),
    *("/dags/<path:rest>", "/admin", "/admin/<path:rest>", "/login"),
)
"""Addresses beside `/`. The browser decides what the page shows at each; see ui/src/routes/router.tsx."""

blueprint = Blueprint("page", __name__)


def wants_page() -> bool:
    """Whether the client asks for HTML. A client that takes anything gets JSON."""
    return request.accept_mimetypes.best_match(("application/json", "text/html")) == "text/html"


def page_response() -> Response:
    """The page. It holds nothing of this server, so it is open to everybody; what it shows, it asks the API for."""
    response = _response(_bundle().page)
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response.headers["Cache-Control"] = "no-store"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers.add("Vary", "Accept")
    return response


def _get_page(rest: str = "") -> Response:
    """Raises NotFound for a program, which asks without `text/html`."""
    if not wants_page():
        raise NotFound("this is an address of the page for browsers; the API is under /api/v2")
    return page_response()


def _get_file(build: str, rest: str) -> Response:
    """A file of the page. Those of another build are not found: a page of an earlier build loads itself again."""
    known = _bundle()
    file = known.files.get(rest) if build == known.build else None
    if file is None:
        raise NotFound("this build of the page has no such file")
    response = _response(file)
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    # A worker takes the policy of its own file.
    response.headers["Content-Security-Policy"] = "default-src 'none'; connect-src 'self'; frame-ancestors 'none'"
    return response


for address in ADDRESSES:
    blueprint.add_url_rule(address, "get_page", _get_page, methods=["GET"])
blueprint.add_url_rule("/static/<build>/<path:rest>", "get_file", _get_file, methods=["GET"])


def _bundle() -> Bundle:
    known = bundle()
    if known is None:
        raise NotFound("this installation holds no web page")
    return known


def _response(file: File) -> Response:
    if file.compressed is None:
        return Response(file.content, content_type=file.media_type)
    if request.accept_encodings["gzip"] > 0:
        response = Response(file.compressed, content_type=file.media_type, headers={"Content-Encoding": "gzip"})
    else:
        response = Response(file.content, content_type=file.media_type)
    response.headers.add("Vary", "Accept-Encoding")
    return response
