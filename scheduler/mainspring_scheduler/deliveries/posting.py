"""Posting to an address that a user chose: the same guard as for `http` tasks, at each connection and each redirect."""

import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from threading import Lock
from time import monotonic
from urllib.parse import SplitResult, urljoin, urlsplit

from mainspring_executors.addresses import AddressPolicy, AddressRefused, HostList

__all__ = ["ANSWER_BYTES_MAX", "ATTEMPT_SECONDS_MAX", "PostFailed", "Poster", "Reply"]

ATTEMPT_SECONDS_MAX = 15.0
"""For an attempt with all its redirects."""
ANSWER_BYTES_MAX = 1024
REDIRECTS_MAX = 3
_PORTS = {"http": 80, "https": 443}


class PostFailed(Exception):
    """No answer came. The message names the cause, without the address."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer of a receiver."""

    status: int | None
    """None = the message was taken over without an answer of HTTP."""
    text: str
    """The beginning of the body, at most `ANSWER_BYTES_MAX` bytes."""


class Poster:
    """Posts bodies one after another, over one connection where the receiver lets it. Another thread may abort."""

    def __init__(self, policy: AddressPolicy) -> None:
        self._policy = policy
        self._hosts: HostList | None = None
        self._connection: HTTPConnection | None = None
        self._handle: socket.socket | None = None
        """A second handle on the connection, for `abort`: TLS takes over the first handle."""
        self._origin: tuple[str, str, int] | None = None
        self._lock = Lock()
        self._is_aborted = False
        self.ends_at: float | None = None
        """When the attempt under way must have ended, by the monotonic clock; None = there is none."""

    def restrict(self, hosts: HostList) -> None:
        """From now on connect to these hosts only, and there only where the policy allows the address."""
        self._hosts = hosts

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Post a body as JSON.

        Raises:
            PostFailed: No answer came in time, or an address is forbidden.
        """
        self.ends_at = monotonic() + ATTEMPT_SECONDS_MAX
        sent = {"User-Agent": "mainspring", "Content-Type": "application/json", **headers}
        try:
            for _ in range(REDIRECTS_MAX + 1):
                response = self._exchange(_checked(url), sent, body)
                location = response.getheader("Location")
                reply = self._reply(response)
                if reply.status not in (307, 308) or location is None:
                    return reply
                url = urljoin(url, location)
            raise PostFailed(f"the receiver redirected more than {REDIRECTS_MAX} times")
        except PostFailed:
            self.close()
            raise
        except AddressRefused as exc:
            self.close()
            raise PostFailed(str(exc)) from exc
        except (OSError, HTTPException, ValueError) as exc:
            self.close()
            if self._is_aborted or isinstance(exc, TimeoutError):
                raise PostFailed(f"the receiver did not answer within {ATTEMPT_SECONDS_MAX:g} s") from exc
            raise PostFailed(f"{type(exc).__name__}: {exc}"[:500]) from exc
        finally:
            self.ends_at = None

    def abort(self) -> None:
        """End the attempt under way, from another thread, and all further attempts."""
        with self._lock:
            self._is_aborted = True
            if self._handle is not None:
                _shut(self._handle)

    def close(self) -> None:
        """Close the connection; the next attempt opens another."""
        with self._lock:
            connection, handle = self._connection, self._handle
            self._connection = self._handle = self._origin = None
        if connection is not None:
            connection.close()
        if handle is not None:
            handle.close()

    def _exchange(self, parts: SplitResult, headers: Mapping[str, str], body: bytes) -> HTTPResponse:
        host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
        origin = parts.scheme, host, port
        if origin == self._origin:
            try:
                return self._send(path, headers, body)
            except ConnectionError:
                pass  # the receiver has closed the connection since the last answer
        self.close()
        self._open(*origin)
        self._origin = origin
        return self._send(path, headers, body)

    def _send(self, path: str, headers: Mapping[str, str], body: bytes) -> HTTPResponse:
        connection = self._connection
        assert connection is not None
        connection.sock.settimeout(self._seconds_left())
        connection.request("POST", path, body, dict(headers))
        return connection.getresponse()

    def _open(self, scheme: str, host: str, port: int) -> None:
        if self._hosts is not None and not self._hosts.covers(host, port):
            raise PostFailed(f"{host}:{port} is not in callback_allow")
        plain = self._connect(host, port)
        connection = HTTPSConnection(host, port) if scheme == "https" else HTTPConnection(host, port)
        connection.sock = plain
        with self._lock:
            self._connection, self._handle = connection, plain.dup()
            if self._is_aborted:
                _shut(self._handle)
        if scheme == "https":
            connection.sock = _tls().wrap_socket(plain, server_hostname=host)

    def _connect(self, host: str, port: int) -> socket.socket:
        """Connect to a checked address of `host`. Never resolves the name a second time."""
        problem: OSError | None = None
        for address in self._policy.addresses(host, port):
            try:
                connected = socket.create_connection((address, port), timeout=self._seconds_left())
            except OSError as exc:
                problem = exc
                continue
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connected
        raise problem or OSError(f"{host} has no address")

    def _reply(self, response: HTTPResponse) -> Reply:
        content = response.read(ANSWER_BYTES_MAX)
        if not response.isclosed() or response.will_close:
            self.close()  # the rest of the answer would be taken for the next answer
        return Reply(response.status, content.decode("utf-8", "replace").replace("\0", ""))

    def _seconds_left(self) -> float:
        assert self.ends_at is not None
        left = self.ends_at - monotonic()
        if left <= 0 or self._is_aborted:
            raise TimeoutError
        return left


def _checked(url: str) -> SplitResult:
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise PostFailed("the receiver redirected to an address that is no http or https URL")
    if parts.username is not None or parts.password is not None:
        raise PostFailed("the receiver redirected to an address with a user name or a password")
    return parts


@cache
def _tls() -> ssl.SSLContext:
    import certifi

    return ssl.create_default_context(cafile=certifi.where())


def _shut(connected: socket.socket) -> None:
    """Wakes whoever waits on the socket; closing it here would not."""
    try:
        connected.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
