"""A persistent HTTP connection to the execution API."""

import select
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from mainspring.errors import ExecutorError

__all__ = ["Answer", "Connection", "Unreachable"]

_CONNECT_SECONDS_MAX = 3.0


class Unreachable(ExecutorError):
    """The execution API did not answer, or cannot serve now. It may have carried out the request; a retry is safe."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The response to a request."""

    status: int
    content: bytes


class Connection:
    """Posts to one server. Connects on demand and keeps the connection.

    The standard library's client, because every task pays for two requests. Follows no redirects and takes no proxy
    from the environment. Not safe for threads.
    """

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        """headers: sent with every request. Raises `ExecutorError` when `url` is no HTTP address with a host."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or parts.hostname is None:
            raise ExecutorError(f"the address of the execution API is {url!r}; it must be http(s)://host[:port]")
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._url = url.rstrip("/")
        self._path = parts.path.rstrip("/")
        self._headers = headers
        self._connection = kind(parts.hostname, parts.port)

    def post(self, path: str, body: bytes, headers: Mapping[str, str], *, patience_seconds: float) -> Answer:
        """patience_seconds: bounds the connect, and each wait for the answer.

        Raises:
            Unreachable: No whole response came in time.
        """
        connection = self._connection
        try:
            if connection.sock is not None and _has_ended(connection):
                connection.close()
            if connection.sock is None:
                connection.timeout = min(_CONNECT_SECONDS_MAX, patience_seconds)
                connection.connect()
            connection.sock.settimeout(patience_seconds)
            connection.request("POST", self._path + path, body, {**self._headers, **headers})
            response = connection.getresponse()
            return Answer(response.status, response.read())
        except (OSError, HTTPException) as exc:
            # On a kept connection, a late answer would be read as the answer to the next request.
            connection.close()
            raise Unreachable(
                f"the execution API at {self._url} cannot be reached: {exc or type(exc).__name__}"
            ) from exc

    def close(self) -> None:
        self._connection.close()


def _has_ended(connection: HTTPConnection) -> bool:
    """Whether the server has closed an idle connection. Readable without a pending answer means closed."""
    readable, _, _ = select.select([connection.sock], [], [], 0)
    return bool(readable)
