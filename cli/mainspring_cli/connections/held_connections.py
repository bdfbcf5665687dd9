"""Connections whose answers go on without a thread: the loop sends what the held answers of the application have."""

import selectors
import ssl
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from mainspring_cli.connections.client_stream import LAST_CHUNK

if TYPE_CHECKING:
    from mainspring_cli.connections.polling_worker import Connection, PollingWorker

__all__ = ["HeldConnection", "WorkerLoop"]

_READ_BYTES = 4096
_PIPELINED_BYTES_MAX = 64 * 1024
_NOT_READY_YET = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class WorkerLoop:
    """The loop of a worker, for threads that have something to send. See `mainspring_api.http.held_answers.Loop`."""

    def __init__(self, worker: "PollingWorker") -> None:
        self._worker = worker

    def call(self, action: Callable[[], None]) -> None:
        self._worker.method_queue.defer(partial(self._run, action))

    def _run(self, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception:  # one answer must not end the loop of all
            self._worker.log.exception("a held answer failed")


class HeldConnection:
    """The way to one client, see `mainspring_api.http.held_answers.Channel`."""

    __slots__ = ("_connection", "_is_ending", "_is_over", "_worker", "rest")

    def __init__(self, worker: "PollingWorker", connection: "Connection", rest: Any) -> None:
        self.rest = rest
        self._worker = worker
        self._connection = connection
        self._is_ending = False
        self._is_over = False

    @property
    def loop(self) -> WorkerLoop:
        return self._worker.loop_of_answers

    @property
    def unsent_bytes(self) -> int:
        return self._connection.sock.unsent_bytes

    def send(self, data: bytes) -> None:
        if self._is_over or not data:
            return
        stream = self._connection.sock
        try:
            stream.send_later(b"%X\r\n%b\r\n" % (len(data), data) if stream.is_chunked else data)
        except OSError:
            self._worker.drop_held(self._connection)
            return
        self.watch()

    def end(self) -> None:
        if self._is_over:
            return
        self._is_over = True
        self.rest.cancel()
        if self._connection.sock.is_chunked:
            with suppress(OSError):
                self._connection.sock.send_later(LAST_CHUNK)
        self._worker.release(self._connection)

    def wake_at(self, at: float) -> None:
        self._worker.set_deadline(self._connection, at)

    def work(self, make: Callable[[], bytes]) -> None:
        self._worker.tpool.submit(make).add_done_callback(lambda done: self.loop.call(partial(self._send_last, done)))

    def watch(self) -> None:
        """Wait for the client to take more, or to leave."""
        writes = selectors.EVENT_WRITE if self._connection.sock.has_unsent else 0
        self._worker.watch(self._connection, selectors.EVENT_READ | writes, self.on_ready)

    def on_ready(self, connection: "Connection") -> None:
        if connection.sock.has_unsent:
            connection.sock.send_some()
        with suppress(*_NOT_READY_YET):
            while True:
                data = connection.raw.recv(_READ_BYTES)
                if not data:
                    raise ConnectionResetError("the client has left")
                connection.buffer.feed(data)
                self._worker.count_buffered(len(data))
                if len(connection.buffer) > _PIPELINED_BYTES_MAX:
                    raise ConnectionResetError("the client sends more while its answer is not complete")
        if not self._is_over:
            self.watch()

    def lose(self) -> None:
        """The connection is closed."""
        self._is_over = True
        self.rest.cancel()

    def _send_last(self, done: "Future[bytes]") -> None:
        if done.cancelled() or done.exception() is not None:
            self._worker.log.error("a held answer failed", exc_info=done.exception())
            self._worker.drop_held(self._connection)
            return
        self.send(done.result())
        self.end()
