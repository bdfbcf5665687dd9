"""What 10,000 deliveries to hooks in a minute do to an API process, and to another client of it.

python -m bench.hooks

A third of the deliveries are signed and new, a third repeat one of them, and a third have a wrong signature or an
unknown URL. Meanwhile another client reads a run, with a few connections, as fast as it can. Requests share the cores.
So pairs after that hold what this client reads beside the flood against what it reads beside as many other GETs.

The clients are in this process, so their work is on the same cores as the server's.
"""

import hashlib
import hmac
import json
import tempfile
import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from sqlalchemy import ColumnElement, Table, func, select, true

from bench.engine import NOOP, database_url, put
from bench.support.http_load import Connection, Load, p99, request_bytes, under_load
from mainspring_store import Database, open_database
from mainspring_store.resources.hooks import DELIVERIES_KEPT, DeliveryOutcome
from mainspring_store.tables import audit_event, dag_run, hook_delivery, hook_identity
from tests.acceptance.server import Server, descendants, proportional_memory_mib, started

DELIVERIES = 10_000
SECONDS_MAX = 60.0
SENDERS = 16
CLIENTS = 4
"""Of the reader beside the flood."""
PACE_SECONDS = 58.0
"""From the first delivery to the last, where the server keeps up."""
PER_SECOND = DELIVERIES / PACE_SECONDS
WINDOW_SECONDS = 3.0
WINDOWS = 3
"""Without the flood, before and after it each."""
PAIRS = 4
PAIRED_SECONDS = 2.2 * WINDOW_SECONDS
"""Of the flood, and of ordinary requests, in each pair."""
HOOK_SIZE, HOOK_PER_SECOND, PART = 100, 5, 1.01
"""Bound of a hook; a process may let a hundredth more through."""
REFUSED_SIZE, REFUSED_PER_SECOND = 60, 1
"""Bound of the refusals with 404 of a network of clients; 429 comes after it."""
RATIO_MIN = 0.5
"""Of the reader in pairs: a delivery costs more than a GET, because it opens a secret and checks a signature."""
MEMORY_MIB_MAX = 20.0
LOG_BYTES_MAX = 1_000.0
THREADS_MAX = 20
"""More threads: the pool of the API starts its threads one by one, and one thread keeps refusals."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """A delivery of the flood."""

    kind: str
    """`new`, `repeated`, `wrong` or `unknown`."""
    number: int
    """Of the signed delivery; a repeated delivery has the number of the first."""
    request: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """The answer to a request."""

    place: int
    """Of the request among all, from 0."""
    status: int
    body: bytes
    seconds: float
    """From the first request of all to this answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """What the server holds at a moment."""

    memory_mib: float
    threads: int
    log_bytes: int


def main() -> None:
    """Print each figure beside its limit, for both databases."""
    for kind in ("sqlite", "postgresql"):
        with _server(kind) as (server, url):
            _measure(kind, server, url)


@contextmanager
def _server(kind: str) -> Iterator[tuple[Server, str]]:
    with database_url(kind) as given, tempfile.TemporaryDirectory() as folder:
        url = given or f"sqlite:///{folder}/home/mainspring.db"
        with started(Path(folder) / "home", executor="thread", database_url=url, api_processes="1") as server:
            put(server, "one", {"a": NOOP})
            put(server, "hooked", {"a": NOOP})
            server.wait(server.trigger("one"))
            yield server, url


def _measure(kind: str, server: Server, url: str) -> None:
    address = server.client.url.removesuffix("/api/v2")
    hook = server.client.post("/hooks", {"name": "flood", "dag_id": "hooked", "kind": "github"})
    run_id = server.client.get("/dags/one/dagRuns?limit=1")["dag_runs"][0]["dag_run_id"]
    get_run = request_bytes("GET", f"/api/v2/dags/one/dagRuns/{run_id}", token=server.client.token)

    def window() -> Load:
        return under_load(address, get_run, clients=CLIENTS, seconds=WINDOW_SECONDS)

    def beside(requests: Sequence[bytes]) -> tuple[list[Load], list[Answered]]:
        with ThreadPoolExecutor(1) as pool:
            sending, loads = pool.submit(_paced, address, requests), []
            while not sending.done():
                loads.append(window())
            return loads[:-1] or loads, sending.result()  # the last window saw the end

    def quiet() -> list[Load]:
        return [window() for _ in range(WINDOWS + 1)][1:]

    deliveries = deliveries_of(hook["path"], hook["secret"], DELIVERIES)
    alone, before = quiet(), _held(server)
    flooded, answered = beside([each.request for each in deliveries])
    time.sleep(2.0)  # the thread keeps the last refusals
    after = _held(server)
    alone += quiet()
    _tell_answers(kind, deliveries, answered, url)
    _tell_held(kind, before, after, sum(each.status >= 400 for each in answered))
    _tell_others(kind, alone, flooded)
    count = int(PAIRED_SECONDS * PER_SECOND)
    pairs = [
        (_rate(beside([get_run] * count)[0]), _rate(beside([each.request for each in deliveries[:count]])[0]))
        for _ in range(PAIRS)
    ]
    _tell_pairs(kind, pairs)


def _rate(loads: Sequence[Load]) -> float:
    """Answers a second in the middle window."""
    return median(each.per_second for each in loads)


def deliveries_of(path: str, secret: str, count: int) -> list[Sent]:
    """The deliveries in their order. Every sixth has a wrong signature, and every sixth an unknown URL."""
    found = []
    for number in range(0, count, 3):
        right = _request(path, secret, number)
        found.append(Sent(kind="new", number=number, request=right))
        found.append(Sent(kind="repeated", number=number, request=right))
        if number % 2:
            found.append(Sent(kind="wrong", number=number, request=_request(path, "x" * 32, number)))
        else:
            unknown = _request(f"/api/v2/hooks/mh_unknown_{number}", secret, number)
            found.append(Sent(kind="unknown", number=number, request=unknown))
    return found[:count]


def _request(path: str, secret: str, number: int) -> bytes:
    body = json.dumps({"ref": "refs/heads/main", "after": f"{number:08x}"}).encode()
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {
        "X-GitHub-Event": "push",
        "X-GitHub-Delivery": f"d{number}",
        "X-Hub-Signature-256": f"sha256={signature}",
    }
    return request_bytes("POST", path, body=body, headers=headers)


def _paced(address: str, requests: Sequence[bytes]) -> list[Answered]:
    """The answers in the order of the requests, of which `PER_SECOND` are sent."""
    begun = time.perf_counter()

    def send(first: int) -> list[Answered]:
        connection, found = Connection(address), []
        for place in range(first, len(requests), SENDERS):
            time.sleep(max(0.0, begun + place / PER_SECOND - time.perf_counter()))
            status, body = connection.exchange(requests[place])
            found.append(Answered(place=place, status=status, body=body, seconds=time.perf_counter() - begun))
        connection.close()
        return found

    with ThreadPoolExecutor(SENDERS) as pool:
        found = [each for of_sender in pool.map(send, range(SENDERS)) for each in of_sender]
    return sorted(found, key=lambda each: each.place)


def _held(server: Server) -> Held:
    api = server.pid_of("api")
    threads = sum(len(list(Path(f"/proc/{pid}/task").iterdir())) for pid in (api, *descendants(api)))
    return Held(
        memory_mib=proportional_memory_mib(api), threads=threads, log_bytes=(server.home / "up.log").stat().st_size
    )


def _tell_answers(kind: str, deliveries: Sequence[Sent], answered: Sequence[Answered], url: str) -> None:
    both = list(zip(deliveries, answered, strict=True))
    statuses = Counter((sent.kind, each.status) for sent, each in both)
    told = ", ".join(f"{what} {status}: {count:,}" for (what, status), count in sorted(statuses.items()))
    seconds = max(each.seconds for each in answered)
    print(f"{kind}: {len(answered):,} deliveries in {seconds:.1f} s: {told}", flush=True)
    _tell(f"{kind}: all deliveries answered", seconds, "s", SECONDS_MAX)
    failed = sum(each.status >= 500 for each in answered)
    let_in = sum(each.status < 400 for sent, each in both if sent.kind in ("wrong", "unknown"))
    _tell(f"{kind}: answers of 5xx; unsigned deliveries let in", failed + let_in, "", 0)
    signed = sum(each.status == 202 for each in answered)
    _tell(f"{kind}: signed deliveries accepted", signed, "", PART * (HOOK_SIZE + HOOK_PER_SECOND * seconds))
    refused = sum(each.status == 404 for each in answered)
    _tell(f"{kind}: refusals with 404", refused, "", PART * (REFUSED_SIZE + REFUSED_PER_SECOND * seconds))
    accepted = {(sent.number, json.loads(each.body)["dag_run_id"]) for sent, each in both if each.status == 202}
    _tell_rows(kind, accepted, signed, url)


def _tell_rows(kind: str, accepted: Collection[tuple[int, str]], signed: int, url: str) -> None:
    """accepted: number and run of the distinct accepted deliveries. signed: of all, the repeated ones too."""
    database = open_database(url)
    runs = _rows(database, dag_run, dag_run.c.dag_id == "hooked")
    _tell(f"{kind}: {runs:,} runs, more or fewer than distinct accepted deliveries", abs(runs - len(accepted)), "", 0)
    refused = _rows(database, hook_delivery, hook_delivery.c.outcome == DeliveryOutcome.REFUSED)
    _tell(f"{kind}: rows kept of refused deliveries", refused, "", DELIVERIES_KEPT)
    _tell(f"{kind}: rows kept of all deliveries", _rows(database, hook_delivery), "", DELIVERIES_KEPT)
    _tell(f"{kind}: identities kept", _rows(database, hook_identity), "", 2 * runs)
    audited = _rows(database, audit_event, audit_event.c.event == "deliver_to_hook")
    _tell(f"{kind}: rows of the audit log", audited, "", signed)
    database.close()


def _rows(database: Database, table: Table, condition: ColumnElement[bool] | None = None) -> int:
    counted = select(func.count()).select_from(table).where(true() if condition is None else condition)
    with database.read() as connection:
        return connection.execute(counted).scalar_one()


def _tell_held(kind: str, before: Held, after: Held, refusals: int) -> None:
    log_bytes = (after.log_bytes - before.log_bytes) * 1000 / refusals
    _tell(f"{kind}: log of all services for 1,000 refusals", log_bytes, "bytes", LOG_BYTES_MAX)
    _tell(f"{kind}: more memory of the API", after.memory_mib - before.memory_mib, "MiB", MEMORY_MIB_MAX)
    _tell(f"{kind}: more threads of the API", after.threads - before.threads, "", THREADS_MAX)


def _tell_others(kind: str, alone: Sequence[Load], flooded: Sequence[Load]) -> None:
    slow = [median(p99(each.milliseconds) for each in loads) for loads in (alone, flooded)]
    print(
        f"{kind}: GET run by {CLIENTS} clients: {_rate(flooded):.0f}/s beside the flood, {_rate(alone):.0f}/s alone: "
        f"{_rate(flooded) / _rate(alone):.2f} x; p99 {slow[1]:.1f}, {slow[0]:.1f} ms",
        flush=True,
    )


def _tell_pairs(kind: str, pairs: Sequence[tuple[float, float]]) -> None:
    """pairs: answers a second beside ordinary requests, and beside the flood."""
    ratio = median(flooded / ordinary for ordinary, flooded in pairs)
    ordinary, flooded = (median(each) for each in zip(*pairs, strict=True))
    note = "" if ratio >= RATIO_MIN else "  MISSED"
    print(
        f"{kind}: GET run in {len(pairs)} pairs: {flooded:.0f}/s beside the flood, {ordinary:.0f}/s beside as many "
        f"ordinary requests: {ratio:.2f} x (limit >= {RATIO_MIN} x){note}",
        flush=True,
    )


def _tell(what: str, value: float, unit: str, limit: float) -> None:
    note = "" if value <= limit else "  MISSED"
    print(f"{what}: {value:,.4g} {unit} (limit <= {limit:,.4g} {unit}){note}".replace(" )", ")"), flush=True)


if __name__ == "__main__":
    main()
