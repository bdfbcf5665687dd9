"""What one follower and one webhook cost the engine, beside a server without either.

python -m bench followed

Both servers run at the same time and are timed in turns. The follower and the receiver are in this process, so their
work is on the same cores as the servers'.
"""

import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

from bench.engine import chain, database_url, fan, gaps_milliseconds, put, timed
from bench.events import held_stream
from tests.acceptance.server import Server, started
from tests.services.receiver import receiving

ROUNDS, WIDTH = 40, 200
COST_MAX = 1.1
TYPES = ["run.failed", "run.success"]


def main() -> None:
    """Print the cost of each workload beside its limit, for both databases."""
    for kind in ("sqlite", "postgresql"):
        with ExitStack() as stack:
            plain = stack.enter_context(_server(kind))
            followed = stack.enter_context(_server(kind))
            stack.enter_context(_followed(followed))
            _compare(kind, plain, followed)


def _compare(kind: str, plain: Server, followed: Server) -> None:
    servers = (plain, followed)
    gaps: tuple[list[float], list[float]] = ([], [])
    fans: tuple[list[float], list[float]] = ([], [])
    for number in range(ROUNDS):
        for side in (0, 1) if number % 2 else (1, 0):
            path, _ = timed(servers[side], "chain")
            gaps[side].append(median(gaps_milliseconds(servers[side], path)))
            fans[side].append(timed(servers[side], "fan")[1])
    for what, (without, beside) in (("gap between two tasks", gaps), (f"1 -> {WIDTH} -> 1", fans)):
        # The median of the pairs: what disturbs both halves of a pair does not count.
        cost = median(slow / fast for slow, fast in zip(beside, without, strict=True))
        note = "" if cost <= COST_MAX else "  MISSED"
        print(f"{kind}: {what} with a follower and a webhook: {cost:.2f} x (limit <= {COST_MAX:g} x){note}", flush=True)


@contextmanager
def _server(kind: str) -> Iterator[Server]:
    with database_url(kind) as url, tempfile.TemporaryDirectory() as folder:
        settings = {"executor": "thread", "http_allow": "127.0.0.1", **({"database_url": url} if url else {})}
        with started(Path(folder) / "home", **settings) as server:
            put(server, "chain", chain(20))
            put(server, "fan", fan(WIDTH), max_active_tasks=2 * WIDTH)
            timed(server, "chain")
            timed(server, "fan")
            yield server


@contextmanager
def _followed(server: Server) -> Iterator[None]:
    """One client reads every event, and one webhook gets the end of every run."""
    address, token = server.client.url.removesuffix("/api/v2"), server.client.token
    with receiving() as receiver, held_stream(address, "/events", token) as stream:
        server.client.post("/webhooks", {"name": "w", "url": f"{receiver.url}/in", "types": TYPES})
        stream.settimeout(None)
        reader = threading.Thread(target=lambda: all(iter(lambda: stream.recv(65536), b"")))
        reader.start()
        try:
            yield
            assert receiver.ledger, "the webhook got nothing"
        finally:
            stream.shutdown(socket.SHUT_RDWR)
            reader.join()


if __name__ == "__main__":
    main()
