"""Where the server sees the end of a request: at the same byte as the parser, however the bytes come."""

import pytest
from gunicorn.config import Config
from gunicorn.http.parser import RequestParser

from mainspring_cli.connections.request_buffer import Ending, RequestBuffer

BODY_MAX = 4096
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
WHOLE = {
    "no headers": b"GET / HTTP/1.1\r\n\r\n",
    "no body": b"GET /a?b=c HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "an empty line first": b"\r\nGET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "length": b"POST / HTTP/1.1\r\nHost: a\r\ncontent-length: 5\r\n\r\nhello",
    "length of nothing": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
    "a body like a request": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    "chunks": CHUNKED + b"3\r\nabc\r\nA;x=1\r\n0123456789\r\n0\r\n\r\n",
    "chunks and trailers": CHUNKED.replace(b" chunked", b"  Chunked ") + b"1\r\na\r\n0\r\nX: y\r\n\r\n",
    "a chunk like an end": CHUNKED + b"5\r\n0\r\n\r\n\r\n0\r\n\r\n",
}
BROKEN = {
    "both lengths": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n",
    "a length with a sign": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +2\r\n\r\n",
    "no length": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n",
    "another coding": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n",
    "two codings": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
    "a bare line feed": b"GET / HTTP/1.1\nHost: a\n\n",
    "a chunk size that is none": CHUNKED + b"zz\r\n",
    "a chunk size with a sign": CHUNKED + b"-1\r\n",
    "a chunk without an end": CHUNKED + b"1\r\nabc",
    "a chunk line without an end": CHUNKED + b"1" * 2000,
    "an endless head": b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000,
    "another expectation": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: luck\r\n\r\n",
}
TOO_LONG = {
    "length": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4097\r\n\r\n",
    "a chunk": CHUNKED + b"1001\r\n" + b"x" * 4097,
    "chunks": CHUNKED + b"400\r\n%b\r\n" % (b"x" * 1024) * 5,
    "long lines between chunks": CHUNKED + b"1;%b\r\nx\r\n" % (b"x" * 900) * 400,
}


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("request_bytes", WHOLE.values(), ids=WHOLE)
def test_the_end_is_seen_at_the_last_byte_and_not_before(request_bytes: bytes, size: int) -> None:
    buffer = RequestBuffer(BODY_MAX)
    pieces = [request_bytes[start : start + size] for start in range(0, len(request_bytes), size)]
    endings = [buffer.feed(piece) for piece in pieces]
    assert endings == [Ending.MISSING] * (len(pieces) - 1) + [Ending.KNOWN]
    assert buffer.take().lstrip(b"\r\n") == request_bytes.lstrip(b"\r\n")
    assert (buffer.ending, len(buffer)) == (Ending.MISSING, 0)


@pytest.mark.parametrize("request_bytes", WHOLE.values(), ids=WHOLE)
def test_the_parser_sees_the_same_end(request_bytes: bytes) -> None:
    buffer = RequestBuffer(BODY_MAX)
    buffer.feed(request_bytes)
    parser = RequestParser(Config(), [buffer.take(), b"more"], ("127.0.0.1", 1))
    request = next(parser)
    while request.body.read(100):
        pass
    assert parser.unreader.read(4) == b"more"


@pytest.mark.parametrize("second", WHOLE.values(), ids=WHOLE)
@pytest.mark.parametrize("first", WHOLE.values(), ids=WHOLE)
def test_what_follows_a_request_is_the_next(first: bytes, second: bytes) -> None:
    buffer = RequestBuffer(BODY_MAX)
    assert buffer.feed(first + second) is Ending.KNOWN
    assert buffer.take().lstrip(b"\r\n") == first.lstrip(b"\r\n")
    assert buffer.ending is Ending.KNOWN
    assert buffer.take().lstrip(b"\r\n") == second.lstrip(b"\r\n")


@pytest.mark.parametrize("request_bytes", BROKEN.values(), ids=BROKEN)
def test_a_malformed_request_is_not_waited_for(request_bytes: bytes) -> None:
    assert RequestBuffer(BODY_MAX).feed(request_bytes) is Ending.BROKEN


@pytest.mark.parametrize("request_bytes", TOO_LONG.values(), ids=TOO_LONG)
def test_a_body_beyond_the_bound_is_not_waited_for(request_bytes: bytes) -> None:
    assert RequestBuffer(BODY_MAX).feed(request_bytes) is Ending.TOO_LONG


@pytest.mark.parametrize(("version", "is_answered"), [(b"1.1", True), (b"1.0", False)])
def test_only_a_client_of_version_1_1_is_asked_for_its_body(version: bytes, is_answered: bool) -> None:
    buffer = RequestBuffer(BODY_MAX)
    buffer.feed(b"POST / HTTP/%b\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-Continue\r\n\r\n" % version)
    assert buffer.wants_go_on == is_answered
    assert buffer.feed(b"{}") is Ending.KNOWN
