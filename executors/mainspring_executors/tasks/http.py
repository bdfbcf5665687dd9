"""Task type `http`: sends one request and returns the answer as outputs.

Payload: `url`, `method`, `query`, `headers`, `json` or `body`, `expected_status` (`"200"`, `"2xx"`, `"200-299"`),
`follow_redirects`, `response_bytes_max`. Outputs: `status`, `headers`, `body` (parsed when its type is JSON, else
text). Header values may be `{"secret": name}`; a redirect to another origin drops these headers.
"""

import re
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import orjson

from mainspring.states import StateReason
from mainspring.text_values import read_json
from mainspring_executors import outputs
from mainspring_executors.addresses import AddressPolicy, AddressRefused
from mainspring_executors.protocol.results import Result, TaskEnded, failed
from mainspring_executors.tasks.plan import Call, Work, rejected, resolve_secret, spell

if TYPE_CHECKING:
    import requests

__all__ = ["plan"]

REDIRECTS_MAX = 3
CONNECT_SECONDS_MAX = 10.0
READ_SECONDS_MAX = 60.0
"""Of silence. The whole exchange is bounded by the attempt's timeout, else by `EXCHANGE_SECONDS_MAX`."""
EXCHANGE_SECONDS_MAX = 300.0
_READ_BYTES = 64 * 1024
_STATUS_OK = ("2xx",)
_STATUS = re.compile(r"([1-5])xx|([1-5]\d\d)(?:-([1-5]\d\d))?")
_HEADERS_FOR_ORIGIN_ONLY = frozenset({"authorization", "cookie", "proxy-authorization"})
_LONG_INTEGER = re.compile(rb"[0-9]{19}")
_USER_AGENT = "mainspring"


def plan(work: Work) -> Call:
    exchange = _Exchange(work)
    return Call(function=exchange.run, abort=exchange.abort)


class _Exchange:
    """One request with its redirects. Another thread may abort the exchange."""

    def __init__(self, work: Work) -> None:
        payload = work.payload
        self._work = work
        self._policy = AddressPolicy(work.http_allow)
        self._url = _checked_url(payload.get("url"))
        self._method = str(payload.get("method") or "GET")
        self._headers = {"User-Agent": _USER_AGENT}
        self._origin_headers = set(_HEADERS_FOR_ORIGIN_ONLY)
        for name, value in (payload.get("headers") or {}).items():
            self._headers[name] = _checked_header(name, spell(resolve_secret(value, work.attempt)))
            if isinstance(value, Mapping):
                self._origin_headers.add(name.lower())
        self._expected = [_status_range(item) for item in payload.get("expected_status") or _STATUS_OK]
        self._body_bytes_max = payload.get("response_bytes_max", work.attempt.limits.output_bytes_max)
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._is_aborted = False

    def run(self) -> Result:
        import requests

        deadline = threading.Timer(EXCHANGE_SECONDS_MAX, self.abort)
        deadline.daemon = True
        if self._work.attempt.timeout is None:
            deadline.start()
        try:
            return self._run()
        except TaskEnded as exc:
            return exc.result
        except AddressRefused as exc:
            return failed(StateReason.ADDRESS_REFUSED, str(exc))
        except (requests.RequestException, OSError, ValueError) as exc:
            if self._is_aborted:
                return failed(
                    StateReason.TIMED_OUT,
                    f"{self._place()} took longer than {EXCHANGE_SECONDS_MAX:g} s; give the task an execution_timeout",
                )
            return failed(StateReason.HTTP_ERROR, f"{self._place()} failed: {_sentence(exc)}")
        finally:
            deadline.cancel()
            if self._socket is not None:
                self._socket.close()

    def abort(self) -> None:
        """End the exchange from another thread, at any wait for the server."""
        with self._lock:
            self._is_aborted = True
            if self._socket is not None:
                _shut(self._socket)

    def connect(self, host: str, port: int) -> socket.socket:
        """Connect to a checked address of `host`. Never resolves the name a second time."""
        problem: OSError | None = None
        for address in self._policy.addresses(host, port):
            try:
                sock = socket.create_connection((address, port), timeout=CONNECT_SECONDS_MAX)
            except OSError as exc:
                problem = exc
                continue
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                if self._socket is not None:
                    self._socket.close()
                # A second handle on the connection, for `abort`: TLS takes over the first handle.
                self._socket = sock.dup()
                if self._is_aborted:
                    _shut(sock)
            return sock
        raise problem or OSError(f"{host} has no address")

    def _run(self) -> Result:
        import requests

        payload = self._work.payload
        with _session(self) as session:
            request = requests.Request(
                self._method,
                self._url,
                headers=self._headers,
                params={name: _query_value(value) for name, value in (payload.get("query") or {}).items()},
                json=payload.get("json"),
                data=None if payload.get("body") is None else spell(payload["body"]).encode(),
            )
            prepared = session.prepare_request(request)
            for _ in range(REDIRECTS_MAX + 1):
                with closing(self._send(session, prepared)) as response:
                    if not (response.is_redirect and payload.get("follow_redirects", True)):
                        return self._result(response)
                prepared = self._redirected(prepared, response)
        return failed(StateReason.HTTP_ERROR, f"{self._place()} redirected more than {REDIRECTS_MAX} times")

    def _send(self, session: "requests.Session", prepared: "requests.PreparedRequest") -> "requests.Response":
        # Not `session.send`: it reads the whole body of a redirect, however long, and follows by rules of its own.
        began = time.monotonic()
        response = session.get_adapter(str(prepared.url)).send(
            prepared, stream=True, timeout=(CONNECT_SECONDS_MAX, READ_SECONDS_MAX)
        )
        took_ms = (time.monotonic() - began) * 1000
        print(f"{prepared.method} {_without_query(prepared.url)} -> {response.status_code} in {took_ms:.0f} ms")  # noqa: T201
        return response

    def _redirected(
        self, previous: "requests.PreparedRequest", response: "requests.Response"
    ) -> "requests.PreparedRequest":
        """The request that follows a redirect. A redirect to another origin drops the secret headers.

        303, and as in browsers 301 and 302 after a POST, mean a GET without a body.
        """
        following = previous.copy()
        following.prepare_url(_checked_url(urljoin(str(previous.url), response.headers["location"])), None)
        dropped = {"host"}
        if response.status_code == 303 or (response.status_code in (301, 302) and previous.method == "POST"):
            following.method, following.body = "HEAD" if previous.method == "HEAD" else "GET", None
            dropped |= {"content-length", "content-type", "transfer-encoding"}
        if _origin(previous.url) != _origin(following.url):
            dropped |= self._origin_headers
        for name in [name for name in following.headers if name.lower() in dropped]:
            del following.headers[name]
        return following

    def _result(self, response: "requests.Response") -> Result:
        content = self._content(response)
        status = response.status_code
        if not any(low <= status <= high for low, high in self._expected):
            print(content[:_READ_BYTES].decode("utf-8", "replace"))  # noqa: T201
            return failed(
                StateReason.HTTP_STATUS,
                f"{self._place()} answered {status}; expected_status is "
                f"{', '.join(map(str, self._work.payload.get('expected_status') or _STATUS_OK))}",
            )
        values = {"status": status, "headers": _headers(response), "body": _body(response, content)}
        encoded = outputs.encode(values, self._work.room)
        return Result(outputs_json=encoded.json, large=encoded.large)

    def _content(self, response: "requests.Response") -> bytes:
        """The decoded body. Stops reading, and decompressing, one byte past the limit."""
        content = bytearray()
        for piece in response.iter_content(_READ_BYTES):
            content += piece
            if len(content) > self._body_bytes_max:
                raise TaskEnded(
                    failed(
                        StateReason.OUTPUT_TOO_LARGE,
                        f"the answer of {self._place()} is over {self._body_bytes_max} bytes; raise "
                        "`response_bytes_max`, or fetch it by a shell task into a file",
                    )
                )
        return bytes(content)

    def _place(self) -> str:
        return f"{self._method} {_without_query(self._url)}"


def _session(exchange: _Exchange) -> "requests.Session":
    """A session that connects through `exchange` and ignores the environment: no proxy, no netrc."""
    import requests
    import urllib3
    from requests.adapters import HTTPAdapter

    class Connection(urllib3.connection.HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return _new_connection(exchange, self)

    class SecureConnection(urllib3.connection.HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return _new_connection(exchange, self)

    class Pool(urllib3.HTTPConnectionPool):
        ConnectionCls = Connection

    class SecurePool(urllib3.HTTPSConnectionPool):
        ConnectionCls = SecureConnection

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            super().init_poolmanager(*args, **kwargs)
            self.poolmanager.pool_classes_by_scheme = {"http": Pool, "https": SecurePool}

    session = requests.Session()
    session.trust_env = False
    for scheme in ("http://", "https://"):
        session.mount(scheme, Adapter(max_retries=0))
    return session


def _new_connection(exchange: _Exchange, connection: Any) -> socket.socket:
    import urllib3

    try:
        return exchange.connect(connection.host, connection.port)
    except OSError as exc:
        raise urllib3.exceptions.NewConnectionError(connection, str(exc)) from exc


def _checked_url(url: Any) -> str:
    """Raises `TaskEnded` for anything but a plain http or https address."""
    try:
        parts = urlsplit(url)
        is_plain = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except (ValueError, TypeError, AttributeError):
        is_plain = False
    if not is_plain:
        raise rejected(f"url is {str(url)[:200]!r}; it must begin with http:// or https:// and name a host")
    if parts.username is not None or parts.password is not None:
        raise rejected("url holds a user name or a password; put them into the header Authorization, as a secret")
    return str(url)


def _checked_header(name: str, text: str) -> str:
    """Raises `TaskEnded` for what no header can hold. The libraries below would show the value, a secret perhaps."""
    if not text.isprintable():
        raise rejected(f"the header '{name}' holds a line break or another control character; remove it")
    if text[:1].isspace():
        raise rejected(f"the header '{name}' begins with a space; remove it")
    if any(character > "\xff" for character in text):
        raise rejected(f"the header '{name}' holds a character beyond Latin-1; encode it, by percent signs perhaps")
    return text


def _status_range(item: Any) -> tuple[int, int]:
    match = _STATUS.fullmatch(str(item))
    if match is None:
        raise rejected(f"expected_status holds {item!r}; write a status such as 200, '2xx' or '200-299'")
    if match[1]:
        return int(match[1]) * 100, int(match[1]) * 100 + 99
    return int(match[2]), int(match[3] or match[2])


def _query_value(value: Any) -> str | list[str]:
    return [spell(item) for item in value] if isinstance(value, list) else spell(value)


def _headers(response: "requests.Response") -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


def _body(response: "requests.Response", content: bytes) -> Any:
    media = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if content and (media == "application/json" or media.endswith("+json")):
        try:
            # The slower reader keeps the digits of an integer that is beyond 64 bits.
            return read_json(content.decode()) if _LONG_INTEGER.search(content) else orjson.loads(content)
        except ValueError as exc:
            raise TaskEnded(
                failed(StateReason.OUTPUT_INVALID, f"the answer is typed {media}, but is not JSON: {exc}")
            ) from exc
    charset = response.encoding or "utf-8"
    try:
        return content.decode(charset, "replace")
    except LookupError:
        return content.decode("utf-8", "replace")


def _without_query(url: str | None) -> str:
    """The URL for logs and messages, without its query, which often holds a secret."""
    return (url or "").partition("?")[0]


def _origin(url: str | None) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url or "")
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _shut(sock: socket.socket) -> None:
    """Wakes whoever waits on the socket; closing it here would not."""
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


def _sentence(exc: BaseException) -> str:
    """What went wrong at the bottom, without the layers of the library above it."""
    while (deeper := exc.__cause__ or exc.__context__) is not None:
        exc = deeper
    return f"{type(exc).__name__}: {exc}"[:500]
