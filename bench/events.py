"""What followers cost: open streams and waits of one API process, and the way of an event to its readers.

python -m bench events

The waits are requests that wait for a run that does not start. All clients are in this process, so their work is on the
same cores as the server's.
"""

import resource
import selectors
import socket
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from statistics import median, quantiles
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from bench.api import CLIENTS, ROUNDS, SECONDS
from bench.engine import NOOP, database_url, put
from bench.support.http_load import request_bytes, requests_per_second
from mainspring.events import EventKind
from mainspring_cli.services.descriptors import raise_descriptor_limit
from mainspring_store import Database, open_database
from mainspring_store.database.notify import open_feed_notifier
from mainspring_store.state.events import write_event
from tests.acceptance.server import Server, descendants, proportional_memory_mib, started, until

STREAMS, WAITS, PRINCIPALS = 2000, 2000, 20
MEMORY_MIB_MAX = 100.0
RATIO_MIN = 0.9
FOLLOWERS, EVENTS = 200, 200
PAUSE_SECONDS = 0.03
P50_MILLISECONDS_MAX, P99_MILLISECONDS_MAX = 20.0, 100.0


def main() -> None:
    """Print each figure beside its limit, for both databases."""
    raise_descriptor_limit()
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < STREAMS + WAITS + 200:
        print(f"the limit of descriptors does not allow {STREAMS + WAITS} connections; skipped")
        return
    for kind in ("sqlite", "postgresql"):
        with _server(kind) as (server, url):
            tokens = _tokens(server)
            _crowd(kind, server, tokens)
            _latency(kind, server, url, tokens)


@contextmanager
def _server(kind: str) -> Iterator[tuple[Server, str]]:
    with database_url(kind) as given, tempfile.TemporaryDirectory() as folder:
        url = given or f"sqlite:///{folder}/home/mainspring.db"
        with started(Path(folder) / "home", executor="thread", database_url=url, api_processes="1") as server:
            put(server, "one", {"a": NOOP})
            put(server, "idle", {"a": NOOP}, is_paused_upon_creation=True)
            server.client.post("/dags/idle/dagRuns", {"dag_run_id": "r"})
            server.wait(server.trigger("one"))
            yield server, url


def _tokens(server: Server) -> list[str]:
    names = [f"follower-{number}" for number in range(PRINCIPALS)]
    return [server.client.post("/tokens", {"name": name, "role": "viewer"})["token"] for name in names]


def _crowd(kind: str, server: Server, tokens: Sequence[str]) -> None:
    """Memory and throughput with all streams and waits, beside those without."""
    address = server.client.url.removesuffix("/api/v2")
    run_id = server.client.get("/dags/one/dagRuns?limit=1")["dag_runs"][0]["dag_run_id"]
    get_run = request_bytes("GET", f"/api/v2/dags/one/dagRuns/{run_id}", token=server.client.token)

    def rate() -> float:
        return requests_per_second(address, get_run, clients=CLIENTS, seconds=SECONDS)

    rate()
    memory, alone, crowded = _memory_mib(server), [], []
    grown = 0.0
    for _ in range(ROUNDS):
        alone.append(rate())
        with ExitStack() as stack:
            for number in range(STREAMS + WAITS):
                is_stream = number < STREAMS
                path = "/events" if is_stream else "/dags/idle/dagRuns/r/wait?interval=1"
                token = tokens[number % PRINCIPALS]
                stack.enter_context(_held(address, path, token, is_stream=is_stream))
            grown = max(grown, _memory_mib(server) - memory)
            _expect_open(server)
            crowded.append(rate())
        until(lambda: _open_answers(server) == (0, 0), "the end of all streams and waits")
    ratio = median(with_all / without for without, with_all in zip(alone, crowded, strict=True))
    what = f"{kind}: {STREAMS} streams and {WAITS} waits"
    _tell(f"{what}, more memory", grown, "MiB", MEMORY_MIB_MAX, grown <= MEMORY_MIB_MAX)
    _tell(f"{what}, GET run beside none", ratio, "x", RATIO_MIN, ratio >= RATIO_MIN)
    print(f"{kind}: GET run: {median(crowded):.0f}/s beside {median(alone):.0f}/s", flush=True)


def _latency(kind: str, server: Server, url: str, tokens: Sequence[str]) -> None:
    """From the commit of an event to each of the sockets that follow."""
    address = server.client.url.removesuffix("/api/v2")
    database = open_database(url)
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        stack.callback(database.close)
        for number in range(FOLLOWERS):
            token = tokens[number % PRINCIPALS]
            follower = stack.enter_context(_held(address, "/events?types=pool", token, is_stream=True))
            follower.setblocking(False)
            selector.register(follower, selectors.EVENT_READ)
        milliseconds = _milliseconds(database, selector)
    p50, p99 = median(milliseconds), quantiles(milliseconds, n=100)[98]
    what = f"{kind}: commit to socket, {FOLLOWERS} streams"
    _tell(f"{what}, p50", p50, "ms", P50_MILLISECONDS_MAX, p50 <= P50_MILLISECONDS_MAX)
    _tell(f"{what}, p99", p99, "ms", P99_MILLISECONDS_MAX, p99 <= P99_MILLISECONDS_MAX)


def _milliseconds(database: Database, selector: selectors.BaseSelector) -> list[float]:
    notifier = open_feed_notifier(database)
    found = []
    for number in range(EVENTS + 20):
        with database.write() as connection:
            write_event(connection, EventKind.POOL, "saved", data={"pool": f"p{number}"})
        committed = time.perf_counter()
        notifier.notify()
        missing = FOLLOWERS
        while missing:
            for key, _ in selector.select(10.0):
                data = key.fileobj.recv(65536)  # type: ignore[union-attr]
                if b"event: pool" in data:
                    missing -= 1
                    if number >= 20:  # the first events warm the way up
                        found.append((time.perf_counter() - committed) * 1000)
        time.sleep(PAUSE_SECONDS)
    notifier.close()
    return found


@contextmanager
def _held(address: str, path: str, token: str, *, is_stream: bool) -> Iterator[socket.socket]:
    """A request whose answer has begun and goes on."""
    parts = urlsplit(address)
    assert parts.hostname is not None
    assert parts.port is not None
    accept = "text/event-stream" if is_stream else "application/json"
    request = request_bytes("GET", f"/api/v2{path}", token=token).replace(
        b"\r\n", f"\r\nAccept: {accept}\r\n".encode(), 1
    )
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as connection:
        connection.sendall(request)
        head = connection.recv(65536)
        assert head.startswith(b"HTTP/1.1 200"), head.decode(errors="replace")
        yield connection


def held_stream(address: str, path: str, token: str) -> AbstractContextManager[socket.socket]:
    """A stream of events that has begun."""
    return _held(address, path, token, is_stream=True)


def _expect_open(server: Server) -> None:
    streams, waits = _open_answers(server)
    assert (streams, waits) == (STREAMS, WAITS), f"{streams} streams, {waits} waits are open"


def _open_answers(server: Server) -> tuple[int, int]:
    address = server.client.url.removesuffix("/api/v2")
    request = Request(f"{address}/metrics", headers={"Authorization": f"Bearer {server.client.token}"})
    with urlopen(request, timeout=30) as answer:
        text = answer.read().decode()
    streams, waits = (
        int(float(text.partition(f'\nmainspring_open_answers{{kind="{kind}"}} ')[2].split("\n")[0]))
        for kind in ("stream", "wait")
    )
    return streams, waits


def _memory_mib(server: Server) -> float:
    """Of the API: gunicorn's process and its worker."""
    api = server.pid_of("api")
    assert len(descendants(api)) == 1, "one API process"
    return proportional_memory_mib(api)


def _tell(what: str, value: float, unit: str, limit: float, is_met: bool) -> None:
    sign = ">=" if unit == "x" else "<="
    print(f"{what}: {value:.2f} {unit} (limit {sign} {limit:g} {unit}){'' if is_met else '  MISSED'}", flush=True)


if __name__ == "__main__":
    main()
