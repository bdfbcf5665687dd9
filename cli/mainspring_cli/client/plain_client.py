"""A small client of the HTTP API, standard library only."""

import json
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from typing import Any

from mainspring.errors import MainspringError

__all__ = ["ApiError", "Client"]


class ApiError(MainspringError):
    """The API refused a request, or could not be reached."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Client:
    """Speaks to one server as one user."""

    url: str
    """Up to and including `/api/v2`."""
    token: str = field(repr=False)
    timeout_seconds: float = 30.0
    """Of one request."""

    def get(self, path: str) -> Any:
        return self._send("GET", path)

    def post(self, path: str, document: Any) -> Any:
        return self._send("POST", path, body=json.dumps(document).encode())

    def put_json(self, path: str, document: Any) -> Any:
        return self._send("PUT", path, body=json.dumps(document).encode())

    def put_yaml(self, path: str, source: bytes) -> Any:
        return self._send("PUT", path, body=source, media_type="application/yaml")

    def _send(self, method: str, path: str, *, body: bytes | None = None, media_type: str = "application/json") -> Any:
        """The JSON of the answer.

        Raises:
            ApiError: with the status and the answer's text, or with why there was none.
        """
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = media_type
        request = urllib.request.Request(self.url + path, data=body, headers=headers, method=method)  # noqa: S310
        # The token is for this server alone: no proxy of the environment gets to see it.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=self.timeout_seconds) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as exc:
            detail = exc.read().decode(errors="replace")
            raise ApiError(f"{method} {path}: {exc.code} {detail}") from exc
        except OSError as exc:
            raise ApiError(f"{method} {self.url}{path}: {exc}") from exc
