"""Hands the messages of notifiers to a process of their own, which has a time limit and no credential of ours."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from threading import Lock

import orjson

from mainspring_scheduler.deliveries.posting import PostFailed, Reply

__all__ = ["NOTICE_SECONDS_MAX", "Notices"]

NOTICE_SECONDS_MAX = 15.0
# Without -P, Python would import from the working folder of the scheduler.
_COMMAND = (sys.executable, "-P", "-m", "mainspring_scheduler.deliveries.notice_process")
_KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "PYTHONPATH")


class Notices:
    """Sends messages one after another. Another thread may abort."""

    def __init__(self, http_allow: Sequence[str]) -> None:
        self._http_allow = list(http_allow)
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = Lock()
        self._is_aborted = False

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Send a message; `body` is the JSON of `message_of`, and `headers` are not sent.

        Raises:
            PostFailed: The service did not take the message, or did not within `NOTICE_SECONDS_MAX`.
        """
        job = orjson.dumps({**orjson.loads(body), "url": url, "http_allow": self._http_allow})
        with self._lock:
            if self._is_aborted:
                raise PostFailed("the service is ending")
            process = self._process = subprocess.Popen(
                _COMMAND,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=notice_environment(),
                start_new_session=True,
            )
        try:
            output, _ = process.communicate(job, timeout=NOTICE_SECONDS_MAX)
        except subprocess.TimeoutExpired as exc:
            process.kill()
            process.communicate()
            raise PostFailed(f"the message was not sent within {NOTICE_SECONDS_MAX:g} s") from exc
        error = orjson.loads(output)["error"] if process.returncode == 0 else "the process of the message died"
        if error is not None:
            raise PostFailed(error)
        return Reply(None, "")

    def abort(self) -> None:
        """End the message under way, and send no more."""
        with self._lock:
            self._is_aborted = True
            if self._process is not None:
                self._process.kill()


def notice_environment() -> dict[str, str]:
    """The environment of the process: nothing of the settings, and no home with credentials of other programs."""
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return {**kept, "HOME": "/nonexistent", "NETRC": os.devnull}
