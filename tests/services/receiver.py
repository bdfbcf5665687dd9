"""A server that receives webhooks: it keeps a ledger of what came, and answers as a test says."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
from standardwebhooks.webhooks import Webhook

__all__ = ["Received", "Receiver", "receiving"]


@dataclass(frozen=True, kw_only=True)
class Received:
    """A request that came."""

    path: str
    headers: dict[str, str]
    body: bytes
    status: int
    """What was answered."""

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def verified(self, secret: str) -> Any:
        """The body; raises when the signature does not fit the secret."""
        return Webhook(secret).verify(self.body, self.headers)


class Receiver:
    """The ledger. `answer` gives (status, headers, body) for a request; it may block or raise."""

    def __init__(self) -> None:
        self.ledger: list[Received] = []
        self.answer: Callable[[str, bytes], tuple[int, dict[str, str], bytes]] = lambda path, body: (200, {}, b"ok")
        self._changed = threading.Condition()
        self.url = ""

    @property
    def accepted(self) -> list[Received]:
        """What was answered with a success."""
        return [received for received in self.ledger if received.status < 300]

    def add(self, received: Received) -> None:
        with self._changed:
            self.ledger.append(received)
            self._changed.notify_all()

    def wait(self, number: int, seconds: float = 30.0) -> list[Received]:
        """Wait until so many requests came."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.ledger) >= number, seconds), (
                f"{len(self.ledger)} of {number} requests came"
            )
            return list(self.ledger)


@contextmanager
def receiving(port: int = 0) -> Iterator[Receiver]:
    """A receiver that listens on loopback."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, headers, content = receiver.answer(self.path, body)
            names = {name.lower(): value for name, value in self.headers.items()}
            receiver.add(Received(path=self.path, headers=names, body=body, status=status))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, *_: Any) -> None:
            pass

    server = Server(("127.0.0.1", port), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
