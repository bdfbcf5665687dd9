"""How answers go out: what the caller has already is not sent again, what is large is compressed."""

import gzip

from flask import Response, current_app, request

from mainspring_api.http.preconditions import entity_tag

__all__ = ["deliver"]

GZIP_BYTES_MIN = 16 * 1024
"""Below this a network is faster than a compressor."""
_GZIP_LEVEL = 1
_COMPRESSED_TYPES = frozenset({"application/json", "application/problem+json"})


def deliver(response: Response) -> Response:
    """Turn an answer that the caller has (`If-None-Match`) into 304, compress a large one. Streams go as they are."""
    if response.is_streamed:
        return response
    view = current_app.view_functions.get(request.endpoint or "")
    if response.status_code == 200 and getattr(view, "has_etag", False):
        response.set_etag(entity_tag(response.get_data()), weak=True)
        # May be kept, must be asked for again.
        response.headers["Cache-Control"] = "private, no-cache"
        response.make_conditional(request)
    if response.mimetype in _COMPRESSED_TYPES:
        response.headers.add("Vary", "Accept-Encoding")
        size = response.calculate_content_length() or 0
        if size >= GZIP_BYTES_MIN and request.accept_encodings["gzip"] > 0:
            response.set_data(gzip.compress(response.get_data(), _GZIP_LEVEL, mtime=0))
            response.headers["Content-Encoding"] = "gzip"
    return response
