"""An application whose database may not be there yet."""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flask import Flask

from mainspring.errors import StoreUnavailable

__all__ = ["PatientApp"]

_log = logging.getLogger(__name__)

_PAUSE_SECONDS = 1.0
"""Between two tries to make the application."""
_REASON = "The database cannot be used now; try again in a second. The server's log tells why."
_REFUSAL: Mapping[str, Any] = {
    "detail": _REASON,
    "type": "/problems/not_ready",
    "title": "Service Unavailable",
    "status": 503,
    "code": "not_ready",
    "request_id": "",
}


class PatientApp:
    """Answers every request with 503 and its reason until the application can be made; from then on it is that.

    So a database that starts later, or is away when a process is started again, costs waiting and not the service.
    """

    def __init__(self, make_app: Callable[[], Flask]) -> None:
        """make_app: raises `StoreUnavailable` when it is to be tried again; whatever else it raises is final."""
        self._make_app = make_app
        self._lock = threading.Lock()
        self._tried_at = float("-inf")
        self.app: Flask | None = None
        self._try()

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        app = self.app or self._try()
        if app is not None:
            return app(environ, start_response)
        headers = [("Content-Type", "application/json"), ("Cache-Control", "no-store"), ("Retry-After", "1")]
        start_response("503 Service Unavailable", headers)
        return [json.dumps(_REFUSAL).encode()]

    def _try(self) -> Flask | None:
        """Make the application, unless a try failed a moment ago; while a thread tries, further threads do not wait."""
        if not self._lock.acquire(blocking=False):
            return self.app
        try:
            if self.app is None and time.monotonic() - self._tried_at >= _PAUSE_SECONDS:
                self._tried_at = time.monotonic()
                self.app = self._make_app()
        except StoreUnavailable as exc:
            _log.warning("application not started, the database cannot be used: cause=%s", exc)
        finally:
            self._lock.release()
        return self.app
