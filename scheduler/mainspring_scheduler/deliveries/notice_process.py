"""The process that hands one message to a service for people, by the library `apprise`.

`python -m mainspring_scheduler.deliveries.notice_process` reads a job from standard input (`url`, `title`, `text`,
`http_allow`) and writes `{"error": null}` or a cause to standard output. Its environment has no credential. All
connections of the library pass the guard of `http` tasks, because the process replaces the look-up of addresses.
"""

import json
import logging
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from typing import Any
from urllib.parse import unquote, urlsplit

from mainspring.notifier_urls import NOTIFIER_SCHEMES, notifier_url_fault
from mainspring_executors.addresses import AddressPolicy, AddressRefused
from mainspring_executors.masking import Masker

__all__ = ["main", "send_notice"]

_INSTALL = "apprise is not installed where the scheduler runs; install mainspring[notify] there"


def main() -> int:
    """Send the message of standard input; returns the exit code 0, also after a failure."""
    with redirect_stdout(sys.stderr):  # what the library prints is no part of the outcome
        error = send_notice(json.load(sys.stdin))
    json.dump({"error": error}, sys.stdout)
    return 0


def send_notice(job: Mapping[str, Any]) -> str | None:
    """Send a message; returns why the message was not sent, without parts of the URL, or None."""
    fault = notifier_url_fault(job["url"])
    if fault is not None:
        return f"the address of the notifier {fault}"
    try:
        import apprise
    except ImportError:
        return _INSTALL
    log = _Log()
    logging.getLogger("apprise").addHandler(log)
    refused = _guard_addresses(job["http_allow"])
    asset = apprise.AppriseAsset(
        plugin_paths=[],
        allow_templates=False,
        secure_logging=True,
        async_mode=False,
        pgp_autogen=False,
        pem_autogen=False,
    )
    # Not `Apprise.add`, which takes a text for several addresses.
    service = apprise.Apprise.instantiate(job["url"], asset=asset)
    if service is not None and not _is_allowed(service):
        return "the address of the notifier is read otherwise by apprise; write it with fewer special characters"
    notifier = apprise.Apprise(asset=asset)
    is_sent = service and notifier.add(service) and notifier.notify(body=job["text"], title=job["title"])
    if is_sent:
        return None
    cause = "; ".join([*refused, *log.messages]) or "the service did not take the message"
    return Masker(_secrets_of(job["url"])).mask(cause)[:500]


def _is_allowed(service: Any) -> bool:
    """Whether the library has read from the address what `notifier_url_fault` has read."""
    return service.schema in NOTIFIER_SCHEMES and service.verify_certificate is True


class _Log(logging.Handler):
    """Keeps what the library says about a failure."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


def _guard_addresses(http_allow: Sequence[str]) -> list[str]:
    """From now on this process connects to public and allowed addresses only. Returns a list that gets the refusals."""
    refusals: list[str] = []
    look_up = socket.getaddrinfo

    def guarded(host: Any, port: Any, *options: Any, **more: Any) -> Any:
        entries = look_up(host, port, *options, **more)
        # The library connects to these addresses, so a name server cannot give others for the connection.
        policy = AddressPolicy(http_allow, resolve=lambda *_: [str(entry[4][0]) for entry in entries])
        name = host.decode() if isinstance(host, bytes) else str(host or "localhost")
        try:
            policy.addresses(name, int(port or 0))
        except AddressRefused as exc:
            refusals.append(str(exc))
            raise OSError(str(exc)) from exc
        return entries

    socket.getaddrinfo = guarded
    return refusals


def _secrets_of(url: str) -> list[str]:
    """The parts of a URL that may be credentials."""
    parts = urlsplit(url)
    values = [parameter.split("=", 1)[-1] for parameter in parts.query.split("&")]
    pieces = [
        url,
        parts.query,
        *values,
        parts.username,
        parts.password,
        *parts.path.split("/"),
        *parts.netloc.split("@"),
    ]
    return [text for piece in pieces if piece for text in (piece, unquote(piece))]


if __name__ == "__main__":
    sys.exit(main())
