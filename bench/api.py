"""What requests cost, over the shipped gunicorn; `--full` asks the same with 200,000 runs stored.

python -m bench api [--full]

GET of a run stands beside a bare Flask route that reads one row by its key, in the same server with the same settings
and under the same load, one after the other in the same run.
"""

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from bench.engine import NOOP, chain, database_url, gaps_milliseconds, put, timed
from bench.support.bare import bare_server
from bench.support.history import DAGS, stored_history
from bench.support.http_load import latencies_milliseconds, p99, request_bytes, requests_per_second
from tests.acceptance.server import Server, started

CLIENTS = 8
SECONDS = 2.0
ROUNDS = 3
TIMES = 105
RATIO_MIN = 0.6
GAP_RATIO_MAX = 1.2


def main() -> None:
    """Print each figure beside its limit."""
    if "--full" in sys.argv:
        _full()
        return
    for kind in ("sqlite", "postgresql"):
        with server_of(kind) as (server, url):
            _trigger(kind, server)
            _list(kind, server)
            _get(kind, server, url)


@contextmanager
def server_of(kind: str) -> Iterator[tuple[Server, str]]:
    with database_url(kind) as given, tempfile.TemporaryDirectory() as folder:
        url = given or f"sqlite:///{folder}/home/mainspring.db"
        with started(Path(folder) / "home", executor="thread", database_url=url) as server:
            put(server, "one", {"a": NOOP})
            yield server, url


def _trigger(kind: str, server: Server) -> None:
    cost = _latencies(server, "POST", "/dags/one/dagRuns", {"logical_date": None})
    _tell(f"{kind}: trigger, p50", median(cost), 10)
    _tell(f"{kind}: trigger, p99", p99(cost), 50)


def _list(kind: str, server: Server) -> None:
    cost = _latencies(server, "GET", "/dags/one/dagRuns?limit=50")
    _tell(f"{kind}: list of 50 runs, p50", median(cost), 15)


def _get(kind: str, server: Server, url: str) -> None:
    run_id = server.client.get("/dags/one/dagRuns?limit=1")["dag_runs"][0]["dag_run_id"]
    address = server.client.url.removesuffix("/api/v2")
    ours = request_bytes("GET", f"/api/v2/dags/one/dagRuns/{run_id}", token=server.client.token)
    with tempfile.TemporaryDirectory() as folder, bare_server(Path(folder) / "home", url) as bare:
        rates = [
            (
                requests_per_second(bare, request_bytes("GET", "/runs/1"), clients=CLIENTS, seconds=SECONDS),
                requests_per_second(address, ours, clients=CLIENTS, seconds=SECONDS),
            )
            for _ in range(ROUNDS + 1)
        ][1:]
    ratio = median(mine / theirs for theirs, mine in rates)
    bare_rate, our_rate = (median(each) for each in zip(*rates, strict=True))
    print(
        f"{kind}: GET run: {our_rate:.0f}/s beside {bare_rate:.0f}/s of the bare route, {CLIENTS} clients: {ratio:.2f} "
        f"(limit >= {RATIO_MIN}){'' if ratio >= RATIO_MIN else '  MISSED'}",
        flush=True,
    )


def _full() -> None:
    with server_of("postgresql") as (server, url):
        empty = _gap(server)
        stored_history(server, url)
        full = _gap(server)
        for what, method, path, limit in _QUESTIONS:
            body = {"logical_date": None} if method == "POST" else None
            _tell(f"full: {what}, p99", p99(_latencies(server, method, path, body)), limit)
        note = "" if full <= GAP_RATIO_MAX * empty else "  MISSED"
        print(
            f"full: gap {full:.1f} ms, {empty:.1f} ms when empty: {full / empty:.2f} x (limit {GAP_RATIO_MAX} x){note}"
        )


def _gap(server: Server) -> float:
    """Milliseconds from the end of a task to the start of the next, in the middle."""
    put(server, "chain", chain(20))
    paths = [timed(server, "chain")[0] for _ in range(6)][1:]
    return median(each for path in paths for each in gaps_milliseconds(server, path))


_RUNS, _INSTANCES = "/dags/~/dagRuns", "/dags/~/dagRuns/~/taskInstances"
_QUESTIONS = (
    ("trigger", "POST", "/dags/one/dagRuns", 50),
    ("get a run", "GET", f"/dags/{DAGS[7]}/dagRuns/r777", 50),
    ("runs of one DAG", "GET", f"/dags/{DAGS[7]}/dagRuns?limit=50", 50),
    ("runs of one DAG, latest first", "GET", f"/dags/{DAGS[7]}/dagRuns?limit=50&order_by=-run_after", 50),
    ("failed runs of one DAG", "GET", f"/dags/{DAGS[7]}/dagRuns?limit=50&state=failed", 50),
    ("instances of one run", "GET", f"/dags/{DAGS[7]}/dagRuns/r777/taskInstances", 50),
    ("all runs by cursor", "GET", f"{_RUNS}?limit=50&cursor=", 50),
    ("all runs by cursor, latest first", "GET", f"{_RUNS}?limit=50&order_by=-run_after&cursor=", 50),
    ("all instances by cursor", "GET", f"{_INSTANCES}?limit=50&cursor=", 50),
    ("all instances by cursor, by id", "GET", f"{_INSTANCES}?limit=50&order_by=-id&cursor=", 50),
    ("all runs by offset", "GET", f"{_RUNS}?limit=50&offset=100000", 300),
    ("all instances by offset", "GET", f"{_INSTANCES}?limit=50&offset=1000", 300),
)
"""What, how, where, and how many milliseconds it may take."""


def _latencies(server: Server, method: str, path: str, body: Any = None) -> list[float]:
    encoded = b"" if body is None else json.dumps(body).encode()
    request = request_bytes(method, f"/api/v2{path}", token=server.client.token, body=encoded)
    return latencies_milliseconds(server.client.url.removesuffix("/api/v2"), [request] * TIMES)


def _tell(what: str, milliseconds: float, limit: float) -> None:
    print(
        f"{what}: {milliseconds:.1f} ms (limit <= {limit:g} ms){'' if milliseconds <= limit else '  MISSED'}",
        flush=True,
    )


if __name__ == "__main__":
    main()
