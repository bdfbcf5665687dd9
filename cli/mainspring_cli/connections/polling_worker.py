"""A gunicorn worker that reads requests in its loop and gives a thread only to a complete request.

A connection is always in one of these states, which `on_ready` holds:

- reading: its TLS handshake or its next request is incomplete; it has a place (`Places`) and a deadline;
- in work: a thread serves the connection, or the connection waits for a thread; the loop does not watch it;
- sending: the thread is done and the client has yet to take the rest of the answer, within a deadline;
- held: the answer goes on without a thread (`HeldConnection`); the application bounds how many;
- parting: all is sent, and the client is to end the connection; has a place and a deadline like a connection in
  reading.
"""

import errno
import heapq
import itertools
import selectors
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from ipaddress import ip_address
from typing import Any

from gunicorn.http.body import Body, ChunkedReader, LengthReader
from gunicorn.http.errors import InvalidHeader, LimitRequestHeaders, NoMoreData
from gunicorn.http.parser import RequestParser
from gunicorn.http.unreader import IterUnreader
from gunicorn.sock import ssl_context
from gunicorn.workers.gthread import ThreadWorker

from mainspring_cli.connections.client_stream import ClientStream, Unsent
from mainspring_cli.connections.held_connections import HeldConnection, WorkerLoop
from mainspring_cli.connections.places import Caps, Places
from mainspring_cli.connections.request_buffer import HEAD_BYTES_MAX, Ending, RequestBuffer

__all__ = ["REQUEST_SECONDS_MAX", "Connection", "PollingWorker"]

REQUEST_SECONDS_MAX = 10.0
"""For a whole request, head and body, from its first byte or the begin of the connection."""
STRANGER_IDLE_SECONDS_MAX = 5.0
"""How long a connection is kept whose last request showed no credential."""
PARTING_SECONDS_MAX = 2.0
SENDING_SECONDS_MAX = 30.0
"""For the rest of an answer, and a second more for each `SENDING_BYTES_PER_SECOND` of it."""
SENDING_BYTES_PER_SECOND = 64 * 1024
BODY_BYTES_MAX = 2 * 1024 * 1024 + 64 * 1024
"""Larger than the body bound of both applications, so that the application refuses a longer body with its message."""
BUFFERED_BYTES_MAX = 64 * 1024 * 1024
"""Bound for the bytes of all incomplete requests, and for the bytes of all unsent answers."""
_READ_BYTES = 64 * 1024
_PARSED_AT_ONCE = 8 * 1024
_ACCEPTED_AT_ONCE = 64
_ACCEPTED_AT_LAST = 2048
"""Twice the backlog of a listener: the bound when a worker stops."""
_ADDRESSES_KEPT_MAX = 10_000
_STOPPING_SECONDS = 2.0
_NEVER = float("inf")
_GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_TOO_MANY = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"
_NOT_READY_YET = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class Connection:
    """A client's connection. What gunicorn reads of it: `sock`, `client`, `server`."""

    __slots__ = ("address", "buffer", "client", "deadline", "events", "has_spoken", "is_kept", "on_ready", "principal",
                 "raw", "rest", "server", "sock", "timer_at")  # fmt: skip

    def __init__(self, raw: socket.socket, client: Any, server: Any, unsent: Unsent) -> None:
        self.raw = raw
        self.sock = ClientStream(raw, unsent)
        self.client = client
        self.server = server
        self.address: str = client[0] if isinstance(client, tuple) else ""
        self.principal: str | None = None
        """Whom the connection counts for; see `Caps`."""
        self.buffer = RequestBuffer(BODY_BYTES_MAX)
        self.is_kept = False
        """An answer was sent, and no byte of the next request has arrived."""
        self.has_spoken = False
        """A part of a request is there."""
        self.rest: HeldConnection | None = None
        """The rest of its answer, sent by the loop."""
        self.on_ready: Callable[[Connection], None] | None = None
        """What the loop does when the socket is ready; `None` = the loop does not watch the connection."""
        self.events = 0
        self.deadline = _NEVER
        self.timer_at = _NEVER


class PollingWorker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's worker with threads; the loop does all work on connections, without waits."""

    caps = Caps()
    wsgi: Any
    application: Any = None

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.places: Places[Connection] = Places(self.caps, self._is_proxy)
        self.unsent = Unsent()
        self._proxies: dict[str, bool] = {}
        self._buffered = 0
        self._sending: dict[Connection, None] = {}
        self._held: dict[Connection, None] = {}
        self.loop_of_answers = WorkerLoop(self)
        self._timers: list[tuple[float, int, Connection]] = []
        self._numbers = itertools.count()
        self._tls: ssl.SSLContext | None = None

    def init_process(self) -> None:
        self._tls = ssl_context(self.cfg) if self.cfg.is_ssl else None
        super().init_process()

    def load_wsgi(self) -> None:
        super().load_wsgi()
        self.application, self.wsgi = self.wsgi, self._serve

    def _serve(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        # The application reports the principal of the request; see mainspring_api.http.connection.
        environ["mainspring.connection"] = environ["gunicorn.socket"]
        answer: Iterable[bytes] = self.application(environ, start_response)
        return answer

    # -- the loop

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        if self._timers:
            timeout = min(timeout, max(0.0, self._timers[0][0] - time.monotonic()))
        for key, _ in self.poller.select(timeout):
            if isinstance(key.data, Connection):
                self._act(key.data)
            else:
                key.data(key.fileobj)

    def murder_keepalived(self, force: bool = False) -> None:
        """Called by gunicorn in each turn of its loop: end what is past its deadline. force: all that waits."""
        if force:
            for connection in [*self.places.all_guests(), *self._sending, *self._held]:
                self._close(connection)
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            at, _, connection = heapq.heappop(self._timers)
            if connection.timer_at != at:
                continue
            connection.timer_at = _NEVER
            if connection.deadline <= now and connection.rest is not None:
                connection.deadline = _NEVER
                self._act_on_time(connection)
            elif connection.deadline <= now:
                self._close(connection, _TOO_SLOW if connection.has_spoken else b"")
            elif connection.deadline < _NEVER:
                self.set_deadline(connection, connection.deadline)

    def _cap_keepalive(self, deadline: float) -> None:
        """Called by gunicorn when the worker stops."""
        for connection in self.places.all_guests():
            self.set_deadline(connection, min(connection.deadline, deadline))

    def set_deadline(self, connection: Connection, at: float) -> None:
        """A timer that fires too early is set again when it fires: most requests need none of their own."""
        connection.deadline = at
        if at < connection.timer_at:
            connection.timer_at = at
            heapq.heappush(self._timers, (at, next(self._numbers), connection))

    def _act(self, connection: Connection) -> None:
        if connection.on_ready is None:
            return
        try:
            connection.on_ready(connection)
        except OSError:  # the client has left; TLS errors are among them
            self._close(connection)
        except Exception:  # one connection must not end the loop of all
            self.log.exception("a connection was dropped")
            self._close(connection)

    def watch(self, connection: Connection, events: int, on_ready: Callable[[Connection], None]) -> None:
        connection.on_ready = on_ready
        if connection.events == 0:
            self.poller.register(connection.raw, events, connection)
        elif connection.events != events:
            self.poller.modify(connection.raw, events, connection)
        connection.events = events

    def _unwatch(self, connection: Connection) -> None:
        connection.on_ready = None
        if connection.events:
            connection.events = 0
            self.poller.unregister(connection.raw)

    # -- reading

    def accept(self, listener: Any) -> None:
        """Accept waiting connections, up to a number, so that existing connections get their turn."""
        for _ in range(_ACCEPTED_AT_ONCE):
            if not self._take_connection(listener):
                return

    def _take_connection(self, listener: Any) -> bool:
        """False: no connection waits, or none can be had now."""
        try:
            accepted, client = listener.accept()
        except OSError as exc:
            if exc.errno in _EXHAUSTED:
                self._make_room(exc)
            elif exc.errno not in (errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNABORTED):
                raise
            return False
        self._receive(accepted, client, listener)
        return True

    def set_accept_enabled(self, enabled: bool) -> None:
        """Called by gunicorn. A worker that stops takes the connections that wait, and then closes its listener.

        An open listener that no process accepts from would still get connections from the kernel for as long as
        requests are in work, and would reset them in the end. A closed listener refuses at once, so a proxy tries
        another server. Where the supervisor keeps the listener open, connections wait for the next server.
        """
        super().set_accept_enabled(enabled)
        if self.alive:
            return
        for listener in self.sockets:
            for _ in range(_ACCEPTED_AT_LAST):
                if not self._take_connection(listener):
                    break
            listener.close()

    def _receive(self, accepted: socket.socket, client: Any, listener: Any) -> None:
        accepted.setblocking(False)
        self.nr_conns += 1
        if self._tls is not None:
            accepted = self._tls.wrap_socket(
                accepted, server_side=True, suppress_ragged_eofs=True, do_handshake_on_connect=False
            )
        connection = Connection(accepted, client, listener.getsockname(), self.unsent)
        self._await_request(connection, REQUEST_SECONDS_MAX)
        if self._tls is not None:
            connection.on_ready = self._shake_hands
        self._act(connection)

    def _make_room(self, reason: OSError) -> None:
        """Descriptors or memory have run out."""
        oldest = self.places.oldest_stranger()
        self.log.warning("no more connections: %s; closed the oldest without a credential: %s", reason, bool(oldest))
        if oldest is None:
            time.sleep(0.01)  # the listener stays ready: do not turn in circles
        else:
            self._close(oldest)

    def _await_request(self, connection: Connection, seconds: float) -> None:
        """Read the next request before a deadline."""
        self.set_deadline(connection, time.monotonic() + seconds)
        self.watch(connection, selectors.EVENT_READ, self._read)
        for pushed_out in self.places.enter(connection):
            self._close(pushed_out, _TOO_MANY if pushed_out.has_spoken else b"")

    def _shake_hands(self, connection: Connection) -> None:
        assert isinstance(connection.raw, ssl.SSLSocket)
        try:
            connection.raw.do_handshake()
        except ssl.SSLWantReadError:
            self.watch(connection, selectors.EVENT_READ, self._shake_hands)
        except ssl.SSLWantWriteError:
            self.watch(connection, selectors.EVENT_WRITE, self._shake_hands)
        else:
            self.watch(connection, selectors.EVENT_READ, self._read)
            self._read(connection)

    def _read(self, connection: Connection) -> None:
        """Read what is there. A thread serves a complete request, and refuses an impossible request."""
        bytes_before = len(connection.buffer)
        is_over = _read_into(connection)
        self._buffered += len(connection.buffer) - bytes_before
        if connection.buffer.ending is not Ending.MISSING:
            self._start_work(connection)
        elif is_over:
            self._close(connection)
        elif len(connection.buffer) > bytes_before:
            self._note_progress(connection)

    def _note_progress(self, connection: Connection) -> None:
        if not connection.has_spoken:
            connection.has_spoken = True
            if connection.is_kept:
                connection.is_kept = False
                self.set_deadline(connection, time.monotonic() + REQUEST_SECONDS_MAX)
        if connection.buffer.wants_go_on:
            connection.buffer.wants_go_on = False
            connection.raw.send(_GO_ON)
        while self._buffered > BUFFERED_BYTES_MAX:
            self._close(max(self.places.all_guests(), key=lambda other: len(other.buffer)), _TOO_MANY)

    def _start_work(self, connection: Connection) -> None:
        self.places.leave(connection)
        self._unwatch(connection)
        self._buffered -= len(connection.buffer)
        connection.deadline = _NEVER
        connection.has_spoken = False
        self.enqueue_req(connection)

    # -- in a thread

    def handle(self, connection: Connection) -> bool:
        """Runs in a free thread. True: the connection may have another request."""
        return self.answer(connection)

    def answer(self, connection: Connection) -> bool:
        """Answer a complete request, or refuse an impossible request. True: the connection may have another."""
        stream, request = connection.sock, None
        ending = connection.buffer.ending
        data = connection.buffer.take()
        stream.begin()
        try:
            # The parser has all there is: it never waits for a client.
            parser = RequestParser(self.cfg, _pieces(data), connection.client)
            request = _parsed(parser, ending, data)
            goes_on = self.handle_request(request, connection) and _is_used_up(parser)
            stream.finish()
            return goes_on and ending is Ending.KNOWN
        except (NoMoreData, StopIteration) as exc:
            self.log.debug("Ignored a request that was cut off. %s", exc)
        except OSError as exc:
            self.log.debug("The client has left. %s", exc)
            stream.drop()
        except Exception as exc:
            self.handle_error(request, stream, connection.client, exc)
            with suppress(OSError):
                stream.finish()
        return False

    def reads_request(self, connection: Connection) -> bool:
        """In a thread that stays with a connection: read what is there. True: it is a whole request."""
        try:
            _read_into(connection)
        except OSError:
            return False
        return connection.buffer.ending is not Ending.MISSING

    # -- after an answer

    def finish_request(self, connection: Connection, done: "Future[bool]") -> None:
        """In the loop, when a thread is done with a connection."""
        is_kept = not done.cancelled() and done.exception() is None and done.result()
        connection.principal = connection.sock.principal
        self._buffered += len(connection.buffer)
        connection.is_kept = is_kept
        if (rest := connection.sock.rest) is not None:
            connection.sock.rest = None
            if done.exception() is None:
                self._hold(connection, rest)
                return
            rest.cancel()
        connection.on_ready = self._send_rest if connection.sock.has_unsent else self._go_on
        self._act(connection)

    def _hold(self, connection: Connection, rest: Any) -> None:
        connection.rest = HeldConnection(self, connection, rest)
        self._held[connection] = None
        connection.rest.watch()
        connection.on_ready = lambda _: rest.begin(connection.rest)
        self._act(connection)
        if connection.rest is not None:
            connection.on_ready = connection.rest.on_ready

    def _act_on_time(self, connection: Connection) -> None:
        rest = connection.rest
        assert rest is not None
        connection.on_ready = lambda _: rest.rest.on_time()
        self._act(connection)
        if connection.rest is not None:
            connection.on_ready = connection.rest.on_ready

    def release(self, connection: Connection) -> None:
        """A held answer is complete: send what is left of it, and go on with the connection."""
        connection.rest = None
        self._held.pop(connection, None)
        connection.deadline = _NEVER
        connection.on_ready = self._send_rest if connection.sock.has_unsent else self._go_on
        if not connection.sock.has_unsent:
            self._unwatch(connection)
            connection.on_ready = self._go_on
        self._act(connection)

    def count_buffered(self, count: int) -> None:
        """The client of a held answer has sent bytes of its next request."""
        self._buffered += count

    def drop_held(self, connection: Connection) -> None:
        """The client of a held answer has left."""
        self._close(connection)

    def _send_rest(self, connection: Connection) -> None:
        size = connection.sock.unsent_bytes
        self.set_deadline(connection, time.monotonic() + SENDING_SECONDS_MAX + size / SENDING_BYTES_PER_SECOND)
        self._sending[connection] = None
        self.watch(connection, selectors.EVENT_WRITE, self._send)
        while self.unsent.count > BUFFERED_BYTES_MAX and len(self._sending) > 1:
            self._close(next(iter(self._sending)))

    def _send(self, connection: Connection) -> None:
        connection.sock.send_some()
        if not connection.sock.has_unsent:
            del self._sending[connection]
            self._go_on(connection)

    def _go_on(self, connection: Connection) -> None:
        """Keep the connection for its next request, or part from the client."""
        if not connection.is_kept:
            self._part(connection)
            return
        connection.has_spoken = len(connection.buffer) > 0
        if connection.buffer.ending is not Ending.MISSING:  # sent before the answer to the last was there
            self._start_work(connection)
            return
        connection.is_kept = not connection.has_spoken
        idle = self.cfg.keepalive if connection.principal else min(STRANGER_IDLE_SECONDS_MAX, self.cfg.keepalive)
        seconds = REQUEST_SECONDS_MAX if connection.has_spoken else idle
        self._await_request(connection, seconds if self.alive else min(seconds, _STOPPING_SECONDS))
        if self._tls is not None:  # bytes may be in memory already, where no poller sees them
            self._act(connection)

    def _part(self, connection: Connection) -> None:
        """End the sending side, and wait for the client to end the connection: an end while bytes of the client are
        unread would take the answer away from it."""
        connection.has_spoken = False
        self.set_deadline(connection, time.monotonic() + PARTING_SECONDS_MAX)
        self.watch(connection, selectors.EVENT_READ, self._hear_out)
        for pushed_out in self.places.enter(connection):
            self._close(pushed_out)
        with suppress(OSError):
            connection.raw.shutdown(socket.SHUT_WR)

    def _hear_out(self, connection: Connection) -> None:
        with suppress(*_NOT_READY_YET):
            if not connection.raw.recv(_READ_BYTES):
                self._close(connection)

    def _close(self, connection: Connection, last_words: bytes = b"") -> None:
        """End a connection that no thread has."""
        if connection.raw.fileno() < 0:
            return
        self.places.leave(connection)
        self._sending.pop(connection, None)
        self._held.pop(connection, None)
        if connection.rest is not None:
            rest, connection.rest = connection.rest, None
            rest.lose()
        self._unwatch(connection)
        self._buffered -= len(connection.buffer)
        connection.buffer = RequestBuffer(0)
        connection.deadline = _NEVER
        connection.sock.drop()
        self.nr_conns -= 1
        with suppress(OSError):
            if last_words:
                connection.raw.send(last_words)
        connection.raw.close()

    def _is_proxy(self, address: str) -> bool:
        is_proxy = self._proxies.get(address)
        if is_proxy is None:
            if len(self._proxies) > _ADDRESSES_KEPT_MAX:
                self._proxies.clear()
            is_proxy = self._proxies[address] = self._is_trusted(address)
        return is_proxy

    def _is_trusted(self, address: str) -> bool:
        if "*" in self.cfg.forwarded_allow_ips:
            return True
        with suppress(ValueError):
            parsed = ip_address(address)
            return any(parsed in network for network in self.cfg.forwarded_allow_networks())
        return False


def _read_into(connection: Connection) -> bool:
    """Read until no byte is available or the request is complete. True: the client sends no more."""
    while connection.buffer.ending is Ending.MISSING:
        try:
            data = connection.raw.recv(_READ_BYTES)
        except _NOT_READY_YET:
            return False
        if not data:
            return True
        connection.buffer.feed(data)
        if len(data) < _READ_BYTES and not isinstance(connection.raw, ssl.SSLSocket):
            return False
    return False


def _parsed(parser: RequestParser, ending: Ending, data: bytes) -> Any:
    """The request as gunicorn reads it. Raises an error of gunicorn for a malformed request, chunks included, so that
    the application never sees the request."""
    try:
        request = next(parser)
        request._expected_100_continue = False  # the loop has said so, where the client waited for it
        if ending is not Ending.KNOWN:
            request.force_close()
        if ending is Ending.TOO_LONG:
            _announce_too_much(request)
        elif isinstance(request.body.reader, ChunkedReader):
            request.body = _body(request.body.read())
    except NoMoreData:
        if len(data) > HEAD_BYTES_MAX:
            raise LimitRequestHeaders("the head is too long") from None
        raise
    if ending is Ending.BROKEN:
        raise InvalidHeader("the end of the request is not certain", req=request)
    return request


def _announce_too_much(request: Any) -> None:
    """Have the application refuse the request by its declared length."""
    framing = ("CONTENT-LENGTH", "TRANSFER-ENCODING")
    request.headers = [(name, value) for name, value in request.headers if name not in framing]
    request.headers.append(("CONTENT-LENGTH", str(BODY_BYTES_MAX + 1)))
    request.body = _body(b"")


def _body(data: bytes) -> Body:
    return Body(LengthReader(IterUnreader([data]), len(data)))


def _pieces(data: bytes) -> Iterator[bytes]:
    """The parser copies its buffer for each chunk, so the parser gets at most the size of a socket read at once."""
    for start in range(0, len(data), _PARSED_AT_ONCE):
        yield data[start : start + _PARSED_AT_ONCE]


def _is_used_up(parser: RequestParser) -> bool:
    """Whether nothing of the request is left: else where the next begins is not certain."""
    return bool(parser.finish_body()) and not parser.unreader.read()
